"""The command line: parses, calls, prints. Every command imports what it needs when it runs."""

import argparse
import json
import math
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from orchestrator.sweep_run.signals import Interrupting
from trainers.texts.letters import let_write

EXIT_FAILED = 1
EXIT_WRONG_REQUEST = 2
EXIT_STOPPED = 128
"""Plus the number of the signal."""

WIDE = 110
"""Columns of a table beside published figures where there is no terminal to ask."""

EXAMPLES = """examples:
  python run_sweep.py init ~/pictures                       write a first sweep file for a folder of pictures
  python run_sweep.py run search_spaces/quickstart.yaml     train what the file asks for, write tables and figures
  python run_sweep.py plan search_spaces/quickstart.yaml    say what that would be, start nothing
  python run_sweep.py status quickstart                     how far it is, from another terminal
  python run_sweep.py report quickstart                     write the report again
  python run_sweep.py help run                              what a command does, with an example
"""
EXAMPLE = {
    "init": "~/pictures --teacher resnet34 --student resnet18 --methods ce,kd,gdkd --seeds 3",
    "run": "sweep.yaml --workers 2 --set seeds=5",
    "plan": "sweep.yaml --set recipe.epochs=24",
    "report": "NAME --against published",
    "status": "NAME --home /data/home",
    "list": "--json",
    "sync": "--storage postgresql://db.example/optuna",
    "repeat": "3f2a91",
    "banks": "--clear",
    "doctor": "--address auto",
    "launch": "slurm sweep.yaml --nodes 2 --gpus-per-node 4 --time 8:00:00",
    "methods": "gdkd reviewkd",
    "models": "'timm:swin_tiny*'",
    "datasets": "",
    "schema": "> sweep.schema.json",
    "completion": "bash > ~/.local/share/bash-completion/completions/kdsweep",
    "help": "launch slurm",
}
"""What each command's help shows it with."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 something failed, 2 a wrong request, 129/130/143 stopped."""
    stopping = Interrupting()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a script
            signal.signal(number, stopping)
    _open_streams()
    try:
        options = command_line().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except KeyboardInterrupt as stop:
        print(f"stopped; go on with: {_line(sys.argv)}", file=sys.stderr)
        return EXIT_STOPPED + int(stop.args[0] if stop.args else signal.SIGINT)
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_users(error):
            raise
        _print(str(error), sys.stderr)
        return EXIT_WRONG_REQUEST


def _open_streams() -> None:
    """Have something to print on, which takes every letter: a stream may have been closed, or have few of them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (as long as the process)
        let_write(getattr(sys, name))


def _print(text: str, file: TextIO | None = None) -> None:
    """Print a text that may hold names of others: what acts on a terminal, or cannot be seen, is written out."""
    from trainers.texts.words import block_of

    print(block_of(text), file=file, flush=True)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell what is wrong with the arguments, as `_print` does."""
        from trainers.texts.words import line_of

        super().error(line_of(message))


def _is_users(error: Exception) -> bool:
    """Return whether the error is one that the user can mend: told in one message, without a traceback."""
    from trainers.errors import RequestError

    return isinstance(error, RequestError)


class _Version(argparse.Action):
    """Print the version and leave; nothing looks for it before."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("kdsweep")
        except PackageNotFoundError:  # called in a checkout that was never installed
            import tomllib

            number = tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text())["project"]["version"]
        print(f"kdsweep {number}")
        parser.exit()


def command_line(program: str = "run_sweep.py") -> argparse.ArgumentParser:
    """Return what reads the command line; docs/commands.md is made from it."""
    parser = _Parser(
        prog=program,
        description="Sweeps of knowledge-distillation experiments: one YAML file in, a table fit for a paper out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_init(commands)
    _add_run(commands)
    _add_plan(commands)
    _add_report(commands)
    _add_status(commands)
    _add_sync(commands)
    _add_repeat(commands)
    _add_banks(commands)
    _add_doctor(commands)
    _add_launch(commands)
    _add_lists(commands)
    _add_help(commands)
    for name, example in EXAMPLE.items():
        commands.choices[name].epilog = f"example: python run_sweep.py {name} {example}".rstrip()
    return parser


def _add_help(commands: Any) -> None:
    parser = commands.add_parser(
        "completion",
        help="print what a shell completes commands and options by",
        description="Print what bash, zsh or fish completes commands, options and files of `kdsweep` by.",
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], metavar="SHELL", help="bash, zsh or fish")
    parser.set_defaults(command=_completion)
    parser = commands.add_parser(
        "help", help="say what a command does", description="Say what a command does, with an example."
    )
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="as it is called: launch slurm")
    parser.set_defaults(command=_help)


def _add_lists(commands: Any) -> None:
    lists = {
        "methods": ("list the distillation methods and their hyperparameters", _methods),
        "models": ("list the networks, with parameters and multiply-adds", _models),
        "datasets": ("list the data sets", _datasets),
    }
    lists["schema"] = ("print the JSON schema by which an editor checks sweep files", _schema)
    parsers = {}
    for name, (text, command) in lists.items():
        parsers[name] = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        parsers[name].add_argument("--home", help=argparse.SUPPRESS)
        parsers[name].set_defaults(command=command)
    parsers["methods"].add_argument("names", nargs="*", metavar="METHOD", help="only these")
    parsers["models"].add_argument(
        "pattern", nargs="?", metavar="PATTERN", help="names with * and ?, timm's among them: 'timm:swin_tiny*'"
    )


def _add_home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--home", metavar="DIR", help="folder that holds everything (else KDSWEEP_HOME, else ./kdsweep_home)"
    )


def _add_init(commands: Any) -> None:
    parser = commands.add_parser(
        "init",
        help="write a first sweep file for your data",
        description="Write a commented sweep file that `plan` takes, for a folder of pictures or a data set by its "
        "name: recipe, batch and size are proposed by how many pictures there are and how large. A terminal is asked "
        "for what no option says. A file that is there is never written over.",
    )
    parser.add_argument("data", nargs="?", metavar="DATA", help="folder with train/ and val/, or a data set's name")
    parser.add_argument("--teacher", metavar="NETWORK", help="that teaches (else proposed)")
    parser.add_argument("--checkpoint", metavar="FILE", help="weights of the teacher (else it is trained)")
    parser.add_argument("--student", metavar="NETWORK", help="that learns (else proposed)")
    parser.add_argument("--methods", metavar="LIST", help="with commas between: --methods ce,kd,gdkd (those else)")
    parser.add_argument("--seeds", type=_count, metavar="N", help="trainings of each row (else 3)")
    parser.add_argument("--from", dest="shipped", metavar="NAME", help="copy a sweep that comes along: quickstart")
    parser.add_argument("--yes", action="store_true", help="take what is proposed without a question")
    parser.add_argument("--out", type=_new_file, metavar="FILE", help="to write (else NAME.yaml, after the data)")
    parser.set_defaults(command=_init)


def _add_run(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="train everything that sweep files ask for and that has not ended yet",
        description="Train everything that sweep files ask for and that has not ended yet, then write and print the "
        "report of each sweep. The same command again goes on where it was.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="sweep files")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a value of the files for this run: --set seeds=5",
    )
    parser.add_argument(
        "--address",
        metavar="ADDR",
        help="of a Ray cluster that runs already, HOST:PORT or auto; local: one is started here (else RAY_ADDRESS, "
        "else that of the Slurm job, else local)",
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        help="trials at once; 0: one after the other in this process, without Ray (else as many as the cores or the "
        "cluster take)",
    )
    parser.add_argument(
        "--wait-for-nodes",
        type=_seconds,
        metavar="SECONDS",
        help="so long may the cluster at an address have no room for a trial (else 600 where nodes may come by "
        "themselves, 0 elsewhere)",
    )
    parser.add_argument(
        "--allow-mixed",
        action="store_true",
        help="let nodes with another version of torch work, too, which rounds otherwise; said under the tables",
    )
    parser.add_argument(
        "--wait-lock",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="so long may another driver still work in the home: a job that is just ending (else 0)",
    )
    parser.add_argument(
        "--need-progress",
        action="store_true",
        help="where it is stopped before any epoch has ended, exit with 2: the same again would get no further",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="let Ray, Optuna and MLflow speak, which are silent else"
    )
    _add_storage(parser)
    _add_home(parser)
    parser.set_defaults(command=_run)


def _add_storage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="of the Optuna storage that ended proposals are copied to (else KDSWEEP_STORAGE, else a file in the home)",
    )


def _add_plan(commands: Any) -> None:
    parser = commands.add_parser(
        "plan",
        help="say what a sweep file asks for; start nothing",
        description="Say in five lines what a sweep file asks for: trainings, time on this machine, disk, what is "
        "missing. Starts nothing, makes nothing, fetches nothing.",
    )
    parser.add_argument("file", metavar="FILE", help="sweep file")
    parser.add_argument(
        "--details", action="store_true", help="then rows, searches, recipes, teachers, GPU hours and notes, too"
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="time a few steps of each kind of training here (else what ran here before says how long it takes)",
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the file")
    parser.add_argument(
        "--deep", action="store_true", help="decode every picture, where else heads are read: a cut one is found, too"
    )
    parser.add_argument(
        "--tflops", type=_speed, metavar="N", help="10^12 operations a second that a GPU is taken to reach (else 10)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    _add_home(parser)
    parser.set_defaults(command=_plan)


def _add_report(commands: Any) -> None:
    parser = commands.add_parser(
        "report",
        help="write the tables and figures of a sweep",
        description="Write the tables and figures of a sweep as last accepted, from what MLflow holds, also while it "
        "runs.",
    )
    parser.add_argument("name", metavar="NAME", help="of the sweep, or a report file (NAME.yaml) that joins several")
    parser.add_argument(
        "--against",
        metavar="WHAT",
        help="put the numbers beside others, and print those: published (figures of papers)",
    )
    parser.add_argument(
        "--compare",
        type=_local,
        metavar="OTHER",
        help="say which numbers differ from another sweep's, a report file's, or those of a report that was written "
        "(its folder, or results.parquet), and whether beyond noise",
    )
    parser.add_argument(
        "--compare-home",
        type=_local,
        metavar="DIR",
        help="home that the other sweep is in; by default the sweep of the same name",
    )
    parser.add_argument(
        "--export", choices=["mlflow"], help="attach the report to the sweep's parent run: mlflow, under report/"
    )
    parser.add_argument(
        "--out", type=_local, metavar="DIR", help="folder to write into (else reports/NAME in the home)"
    )
    _add_home(parser)
    parser.set_defaults(command=_report)


def _add_status(commands: Any) -> None:
    status = commands.add_parser(
        "status",
        help="say how far a sweep is",
        description="Say how far a sweep is, from any terminal or host that sees the home: rows, slots, time left, "
        "last problems, what is still to be told. Writes nothing.",
    )
    status.add_argument("name", metavar="NAME", help="of the sweep")
    every = commands.add_parser(
        "list",
        help="list the sweeps of the home",
        description="List the sweeps of the home with states and counts, the one accepted last at the end.",
    )
    for parser, command in ((status, _status), (every, _list)):
        parser.add_argument("--json", action="store_true", help="as JSON")
        _add_home(parser)
        parser.set_defaults(command=command)


def _add_sync(commands: Any) -> None:
    parser = commands.add_parser(
        "sync",
        help="tell MLflow and Optuna what they have not been told yet",
        description="Tell MLflow and Optuna what they have not been told yet: after a server was away, or another one "
        "has taken its place. Trains nothing.",
    )
    _add_storage(parser)
    _add_home(parser)
    parser.set_defaults(command=_sync)


def _add_repeat(commands: Any) -> None:
    parser = commands.add_parser(
        "repeat",
        help="train a trial again, here, and compare every number",
        description="Train a trial again, here, with the threads it was trained with, and compare every number with "
        "what is recorded. Records nothing. Exit code 0: all equal, digit for digit; 1: some differ.",
    )
    parser.add_argument("key", metavar="KEY", help="trial key, or its first six characters or more")
    _add_home(parser)
    parser.set_defaults(command=_repeat)


def _add_banks(commands: Any) -> None:
    parser = commands.add_parser(
        "banks",
        help="list the teachers' stored logits, or clear them",
        description="List the teachers' stored logits: network, data set, views, share that is there, disk. Or clear "
        "them: a run computes again what it needs. Not while a driver works in the home.",
    )
    parser.add_argument("names", nargs="*", metavar="BANK", help="only these, by how their names begin")
    parser.add_argument("--clear", action="store_true", help="remove them, after a question")
    parser.add_argument("--yes", action="store_true", help="remove them without a question")
    parser.add_argument("--json", action="store_true", help="list them as JSON")
    _add_home(parser)
    parser.set_defaults(command=_banks)


def _add_doctor(commands: Any) -> None:
    parser = commands.add_parser(
        "doctor",
        help="say what there is on this machine and in the home, and what is wrong with it",
        description="Say what there is on this machine and in the home, and what is wrong with it: versions, cores, "
        "memory, GPUs, file system, locks, disk, driver, ledger, what is untold, stores, plug-ins. A line that begins "
        "with !! is wrong; then the exit code is 1. Makes nothing.",
    )
    parser.add_argument(
        "--data", action="store_true", help="look for pictures that were changed since a sweep on them was accepted"
    )
    parser.add_argument(
        "--address", metavar="ADDR", help="ask the nodes of a Ray cluster that runs, too: HOST:PORT or auto"
    )
    _add_storage(parser)
    _add_home(parser)
    parser.set_defaults(command=_doctor)


def _add_launch(commands: Any) -> None:
    text = "print what a cluster is given to run sweep files"
    systems = commands.add_parser("launch", help=text, description=f"{text.capitalize()}.").add_subparsers(
        required=True, metavar="SYSTEM"
    )
    slurm = systems.add_parser(
        "slurm",
        help="a job script for sbatch",
        description="Print a job script for sbatch that runs sweep files on nodes of Slurm. Asked to stop, before its "
        "time is up or by preemption, it goes back into the queue and then on with what is left. Starts nothing, but "
        "finds what is wrong with the files.",
    )
    _add_launched(slurm)
    slurm.add_argument("--time", metavar="TIME", help="time limit as Slurm takes it: 8:00:00 (else the cluster's)")
    slurm.add_argument("--partition", metavar="NAME", help="that it is to wait for (else the cluster's)")
    slurm.add_argument("--account", metavar="NAME", help="that pays for it (else the user's)")
    slurm.add_argument("--array", metavar="RANGE", help="several jobs, one after another for one home: 1-4%%1")
    slurm.add_argument(
        "--sbatch", action="append", default=[], metavar="OPTION", help="another option of sbatch: --sbatch=--qos=long"
    )
    slurm.add_argument("--submit", action="store_true", help="submit it instead of printing it")
    slurm.set_defaults(command=_launch_slurm)
    kubernetes = systems.add_parser(
        "kubernetes",
        help="a RayJob for KubeRay",
        description="Print a RayJob for KubeRay that runs sweep files on a cluster of its own, which goes when the run "
        "has ended. Starts nothing, but finds what is wrong with the files.",
    )
    _add_launched(kubernetes)
    kubernetes.add_argument("--image", required=True, metavar="IMAGE", help="of a container that has kdsweep")
    kubernetes.add_argument("--volume", required=True, metavar="CLAIM", help="of the volume that the home is on")
    kubernetes.add_argument(
        "--not-shared", action="store_true", help="the head alone mounts the volume, files pass through Ray"
    )
    kubernetes.add_argument("--data", metavar="CLAIM", help="of a volume with data sets")
    kubernetes.add_argument("--memory-per-node", type=_count, metavar="GIB", help="memory of each node in GiB")
    kubernetes.add_argument("--namespace", metavar="NAME", help="that it runs in")
    kubernetes.add_argument("--mlflow-secret", metavar="NAME", help="of a secret with MLFLOW_TRACKING_URI")
    kubernetes.add_argument("--storage-secret", metavar="NAME", help="of a secret with KDSWEEP_STORAGE")
    kubernetes.add_argument("--queue", metavar="NAME", help="of Kueue, that it waits in")
    kubernetes.set_defaults(command=_launch_kubernetes)


def _add_launched(parser: argparse.ArgumentParser) -> None:
    """Add what every system is asked for."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="sweep files")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the files: --set seeds=5"
    )
    parser.add_argument("--nodes", type=_count, default=1, metavar="N", help="nodes (else 1)")
    parser.add_argument("--gpus-per-node", type=_count, metavar="G", help="GPUs of each (else none)")
    parser.add_argument("--cpus-per-node", type=_count, metavar="C", help="cores of each (else what the cluster gives)")
    _add_home(parser)


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 10000, got '{text}'")
    return number


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, got {text}")
    return speed


def _local(text: str) -> str:
    """Return the name of a file or folder: as one, a URL would be a folder `https:` here."""
    from trainers.files.paths import expanded
    from trainers.texts.words import is_url, shown

    if is_url(text):
        raise argparse.ArgumentTypeError(f"must be on this machine, got {shown(text)}")
    return str(expanded(text))


def _new_file(text: str) -> str:
    """Return the name of a file that can be written, as far as its folder is there."""
    path = _local(text)
    if not Path(path).parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be in a folder that is there, got {path}")
    return path


def _workers(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 10000, got '{text}'")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, got {text}")
    return seconds


def _help(options: argparse.Namespace) -> NoReturn:
    command_line().parse_args([*options.words, "--help"])
    raise AssertionError  # --help leaves


def _completion(options: argparse.Namespace) -> int:
    import shtab

    parser = command_line("kdsweep")
    waiting: list[argparse.ArgumentParser] = [parser]
    while waiting:
        for action in waiting.pop()._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
            elif action.metavar in ("FILE", "DIR", "DATA"):
                action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return 0


def _init(options: argparse.Namespace) -> int:
    from search_spaces import init
    from search_spaces.checks.facts import cuda_capability

    if options.shipped is not None:
        text, path = init.shipped_text(options.shipped), Path(options.out or f"{options.shipped}.yaml")
    else:
        asks = sys.stdin.isatty() and sys.stdout.isatty() and not options.yes
        given = options.data or (_asked("folder with your pictures, or a data set's name", "digits100") if asks else "")
        if not given:
            _print("init needs the folder with your data: init DATA, or --from quickstart", sys.stderr)
            return EXIT_WRONG_REQUEST
        proposal = init.propose(given, gpu=cuda_capability() is not None)
        path = Path(options.out or f"{init.name_of(Path(given).absolute().name)}.yaml")
        choices = init.Choices(
            teacher=options.teacher or (_asked("teacher", proposal.teacher) if asks else None),
            checkpoint=options.checkpoint,
            student=options.student or (_asked("student", proposal.student) if asks else None),
            methods=init.words_of(options.methods or (_asked("methods", init.METHODS) if asks else init.METHODS)),
            seeds=options.seeds or (_asked_count("seeds", 3) if asks else 3),
        )
        text = init.checked_text(proposal, choices, path)
    init.write_new(path, text)
    _print(f"written: {path}\nlook at it with: {_line([sys.argv[0], 'plan', str(path)])}")
    return 0


def _asked(question: str, proposed: str) -> str:
    """Return the answer of whoever sits at the terminal; nothing takes what is proposed."""
    try:
        return input(f"{question} [{proposed}]: ").strip() or proposed
    except EOFError:  # Ctrl-D: no more answers
        raise KeyboardInterrupt(signal.SIGINT) from None


def _asked_count(question: str, proposed: int) -> int:
    """Return a number that is asked for until it is one."""
    while True:
        try:
            return _count(_asked(question, str(proposed)))
        except argparse.ArgumentTypeError as error:
            _print(str(error))


def _run(options: argparse.Namespace) -> int:
    from orchestrator import home_folder, run, viewer_lines
    from orchestrator.display import Lines, fitting_screen

    home = home_folder(options.home)
    screen = Lines(sys.stdout) if options.verbose else fitting_screen()
    result = run(
        options.files,
        home=home,
        overrides=options.set,
        address=options.address,
        workers=options.workers,
        wait_seconds=options.wait_for_nodes,
        allow_mixed=options.allow_mixed,
        lock_seconds=options.wait_lock,
        need_progress=options.need_progress,
        storage=_storage(options),
        verbose=options.verbose,
        screen=screen,
    )
    for line in [*(f"report: {folder}" for folder in result.reports), *viewer_lines(home, _storage(options))]:
        screen.say(line)
    again = [f"stopped; go on with: {_line(sys.argv)}"] if result.stopped else []
    again += _report_lines(result.sweeps, options) if result.exit_code > EXIT_STOPPED else []
    untold = [f"tell the rest with: {_line(_sync_line(options))}"] if result.untold else []
    errors = Lines(sys.stderr)
    for line in [*result.problems, *untold, *again]:
        errors.say(line)
    # At a plain end Python would wait for Ray, and Ray for what has died; and it puts away what libraries have made for
    # seconds, which Slurm counts once it has asked us to stop.
    if result.stuck or result.exit_code > EXIT_STOPPED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(result.exit_code)
    return result.exit_code


def _line(arguments: Sequence[str]) -> str:
    """Return the line that calls this program with these arguments in a shell."""
    from orchestrator.commands.viewers import program

    return " ".join([program("python")] * arguments[0].endswith(".py") + [shlex.join(arguments)])


def _report_lines(sweeps: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Return what makes the report of what there is, which nobody has made of a run that was stopped."""
    home = ["--home", options.home] if options.home else []
    return [f"report of what there is: {_line([sys.argv[0], 'report', name, *home])}" for name in sweeps]


def _storage(options: argparse.Namespace) -> str | None:
    """Return the URL of the Optuna storage: from the environment it stands in no list of processes."""
    return options.storage or os.environ.get("KDSWEEP_STORAGE") or None


def _sync_line(options: argparse.Namespace) -> list[str]:
    given = (("--storage", options.storage), ("--home", options.home))
    return [sys.argv[0], "sync", *(text for name, value in given if value for text in (name, value))]


def _status(options: argparse.Namespace) -> int:
    from orchestrator import home_folder, status, viewer_lines

    home = home_folder(options.home)
    found = status(options.name, home)
    if options.json:
        print(json.dumps(found.to_json(), indent=2))
        return 0
    _print(found.to_text(*shutil.get_terminal_size()) if sys.stdout.isatty() else found.to_text())
    _print("\n".join(viewer_lines(home)))
    return 0


def _list(options: argparse.Namespace) -> int:
    from orchestrator import home_folder, list_text, sweeps

    found = sweeps(home_folder(options.home))
    _print(json.dumps([item.to_json() for item in found], indent=2) if options.json else list_text(found))
    return 0


def _sync(options: argparse.Namespace) -> int:
    from orchestrator import home_folder, sync
    from trainers.texts.counting import counted

    result = sync(home_folder(options.home), _storage(options))
    for problem in result.problems:
        _print(problem, sys.stderr)
    for note in result.notes:
        _print(note)
    told = f"{counted(result.told, 'thing')} told"
    print(told if result.told or result.problems else "nothing was left to tell")
    return EXIT_FAILED if result.problems else 0


def _repeat(options: argparse.Namespace) -> int:
    from orchestrator import home_folder, repeat

    def on_epoch(number: int, epochs: int) -> None:
        if sys.stderr.isatty():
            print(f"\repoch {number} of {epochs}", end="\n" if number == epochs else "", file=sys.stderr, flush=True)

    result = repeat(options.key, home_folder(options.home), on_epoch)
    _print(result.to_text())
    return EXIT_FAILED if result.differing else 0


def _banks(options: argparse.Namespace) -> int:
    from orchestrator import banks, banks_text, clear, home_folder, to_clear
    from trainers.texts.counting import size_text

    home = home_folder(options.home)
    if not (options.clear or options.yes):
        found = [bank for bank in banks(home) if bank.name.startswith(tuple(options.names or [""]))]
        print(json.dumps([bank.to_json() for bank in found], indent=2) if options.json else banks_text(found))
        return 0
    chosen = to_clear(home, options.names)
    print(banks_text(chosen))
    if chosen and (options.yes or _agreed("remove it?" if len(chosen) == 1 else f"remove these {len(chosen)}?")):
        print(f"{size_text(clear(home, chosen))} freed")
    return 0


def _agreed(question: str) -> bool:
    """Ask; nothing but a yes is one, and where nobody can answer it is none."""
    if not sys.stdin.isatty():
        print(f"{question} nobody was asked; say --yes")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _doctor(options: argparse.Namespace) -> int:
    from orchestrator import doctor, home_folder

    wrong = False
    home, storage = home_folder(options.home), _storage(options)
    for finding in doctor(home, storage, pictures=options.data, address=options.address):
        wrong |= finding.wrong
        _print(f"{'!!' if finding.wrong else 'ok'} {finding.name:<10} {finding.text}")
    return EXIT_FAILED if wrong else 0


def _launch_slurm(options: argparse.Namespace) -> int:
    from orchestrator.launching.slurm import Limits, slurm_script, submit

    limits = Limits(
        time=options.time,
        partition=options.partition,
        account=options.account,
        array=options.array,
        others=tuple(options.sbatch),
    )
    script = slurm_script(*_launched(options), limits)
    print(submit(script) if options.submit else script, end="\n" if options.submit else "")
    return 0


def _launch_kubernetes(options: argparse.Namespace) -> int:
    from orchestrator.launching.kubernetes import Place, rayjob

    place = Place(
        image=options.image,
        volume=options.volume,
        shared=not options.not_shared,
        data=options.data,
        memory_gib=options.memory_per_node,
        namespace=options.namespace,
        mlflow_secret=options.mlflow_secret,
        storage_secret=options.storage_secret,
        queue=options.queue,
    )
    print(rayjob(*_launched(options), place), end="")
    return 0


def _launched(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return what is to be run, and on what."""
    from orchestrator import home_folder
    from orchestrator.launching.job import Nodes, Work
    from trainers.files.paths import expanded

    files = tuple(expanded(name).absolute() for name in options.files)
    return (
        Work(files=files, home=home_folder(options.home), overrides=tuple(options.set)),
        Nodes(count=options.nodes, gpus=options.gpus_per_node, cpus=options.cpus_per_node),
    )


def _plan(options: argparse.Namespace) -> int:
    import torch

    import search_spaces
    from orchestrator import check_pictures, home_folder, plan_here, told_in_plan

    torch.set_num_threads(1)  # networks are probed image by image: on a busy machine threads wait for one another
    file = search_spaces.read(options.file, options.set, planning=True)
    speed = search_spaces.Speed() if options.tflops is None else search_spaces.Speed(tflops=options.tflops)
    sweep = search_spaces.expand(file)
    plan = search_spaces.describe_plan(sweep, assumed=file.assumed, speed=speed)
    looked = check_pictures([sweep], deep=options.deep, say=lambda line: _print(line, sys.stderr))
    home = home_folder(options.home)
    left = told_in_plan(sweep, home)
    here = plan_here(plan, sweep, home, probe=options.probe, say=lambda line: _print(line, sys.stderr))
    if options.json:
        print(json.dumps({**here.to_json(), "left_behind": list(left), "pictures": looked}, indent=2))
        return 0
    details = ["", plan.to_text(), *(f"pictures {line}" for line in looked)] if options.details else []
    _print("\n".join([*here.to_lines(), *details, *left, *([] if options.details else ["", here.more()])]))
    return 0


def _report(options: argparse.Namespace) -> int:
    import reports
    from orchestrator import home_folder, viewer_lines
    from orchestrator.sweep_run.keeping import why_kept, why_nothing

    home = home_folder(options.home)
    try:
        results = reports.load_any(options.name, home=home)
    except (reports.UnknownSweepError, reports.StoreUnavailableError) as error:
        raise reports.ReportError(why_nothing(options.name, home, error)) from error
    comparison = None if options.against is None else reports.compare(results, options.against)
    changes = reports.changes(results, options.name, options.compare, home=home, other_home=options.compare_home)
    folder = Path(options.out) if options.out else home / "reports" / results.name
    kept = why_kept(results, folder, home)
    if kept:
        print(kept, file=sys.stderr)
        return EXIT_FAILED
    try:
        report = reports.Report(results, comparison, changes)
        written = report.write(folder)
    except OSError as error:
        _print(
            f"the report cannot be written into {folder}: {error.strerror or error}; give another with --out",
            sys.stderr,
        )
        return EXIT_WRONG_REQUEST
    width = shutil.get_terminal_size((WIDE, 24)).columns
    if comparison is None and changes is None:
        _print(report.console())
    if comparison is not None:
        _print(reports.console_comparison(comparison, width))
    if changes is not None:
        _print(reports.console_comparison(changes, width))
    _print(f"report: {folder}")
    if results.trials["phase"].eq("search").any():
        *_, searches = viewer_lines(home)
        _print(searches)
    if options.export is not None:
        runs = reports.export(results, written, folder, home=home)
        print(f"attached to {', '.join(f'run {run}' for run in runs)}")
    return 0


def _methods(options: argparse.Namespace) -> int:
    from trainers import methods

    try:
        asked = [methods.get(name) for name in options.names or methods.names()]
    except ValueError as error:
        _print(str(error), sys.stderr)
        return EXIT_WRONG_REQUEST
    for method in asked:
        _print("\n".join(methods.lines_of(method)))
    for broken in () if options.names else methods.broken_plugins():
        _print(f"!! {broken.names[-1]:<7} {broken}")
    return 0


def _models(options: argparse.Namespace) -> int:
    from trainers.models.sizes import sizes

    print(f"{'network':<36} {'images':>10} {'classes':>7} {'parameters':>12} {'multiply-adds':>16}")
    found = 0
    for size in sizes(options.pattern):
        found += 1
        images = f"{size.height} x {size.width}"
        line = f"{size.name:<36} {images:>10} {size.classes:>7} {size.parameters:>12,} {size.multiply_adds:>16,}"
        print(line, flush=True)
    if options.pattern is None:
        print("and every other network of timm's as timm:NAME; models 'NAME*' has its size")
    elif not found:
        _print(f"no network is called {options.pattern!r}", sys.stderr)
        return EXIT_WRONG_REQUEST
    return 0


def _schema(options: argparse.Namespace) -> int:
    from search_spaces.json_schema import schema_text

    print(schema_text(), end="")
    return 0


def _datasets(options: argparse.Namespace) -> int:
    from trainers import data

    for name in data.names():
        print(f"{name:<14} {data.get(name).summary}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
