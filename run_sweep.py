"""The command line: parses, calls, prints. Every command imports what it needs when it runs."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

EXIT_WRONG_REQUEST = 2

EXAMPLES = """examples:
  python run_sweep.py run search_spaces/quickstart.yaml     train what the file asks for, write tables and figures
  python run_sweep.py plan search_spaces/quickstart.yaml    say what that would be, start nothing
  python run_sweep.py report quickstart                     write the report again
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 something failed, 2 a wrong request, 130/143 stopped."""
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_users(error):
            raise
        print(str(error), file=sys.stderr)
        return EXIT_WRONG_REQUEST


def _is_users(error: Exception) -> bool:
    """Return whether the error is one that the user can mend: told in one message, without a traceback."""
    from trainers.errors import RequestError

    return isinstance(error, RequestError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_sweep.py",
        description="Sweeps of knowledge-distillation experiments: one YAML file in, a table fit for a paper out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_plan(commands)
    _add_report(commands)
    for name, text, command in (
        ("methods", "list the distillation methods and their hyperparameters", _methods),
        ("models", "list the networks", _models),
        ("datasets", "list the data sets", _datasets),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--home", help=argparse.SUPPRESS)
        sub.set_defaults(command=command)
    return parser


def _add_home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--home", metavar="DIR", help="folder that holds everything (else KDSWEEP_HOME, else ./kdsweep_home)"
    )


def _add_run(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="train everything that sweep files ask for and that has not ended yet",
        description="Train everything that sweep files ask for and that has not ended yet, then write the report.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="sweep files")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the files: --set seeds=5"
    )
    parser.add_argument("--address", metavar="ADDR", help="of a Ray cluster (else RAY_ADDRESS, else a local one)")
    parser.add_argument(
        "--workers", type=_workers, metavar="N", help="trials at once (0: one after the other in this process)"
    )
    parser.add_argument("--storage", metavar="URL", help="of the persistent Optuna storage (else a file in the home)")
    _add_home(parser)
    parser.set_defaults(command=_run)


def _add_plan(commands: Any) -> None:
    parser = commands.add_parser(
        "plan",
        help="say what a sweep file asks for; start nothing",
        description="Say what a sweep file asks for: rows, trials, teachers, disk. Starts nothing, makes nothing.",
    )
    parser.add_argument("file", metavar="FILE", help="sweep file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the file")
    parser.add_argument("--json", action="store_true", help="as JSON")
    _add_home(parser)
    parser.set_defaults(command=_plan)


def _add_report(commands: Any) -> None:
    parser = commands.add_parser(
        "report",
        help="write the tables and figures of a sweep",
        description="Write the tables and figures of a sweep as last accepted, also while it runs.",
    )
    parser.add_argument("name", metavar="NAME", help="of the sweep")
    parser.add_argument("--out", metavar="DIR", help="folder to write into (else reports/NAME in the home)")
    _add_home(parser)
    parser.set_defaults(command=_report)


def _workers(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 10000, got '{text}'")
    return number


def _run(options: argparse.Namespace) -> int:
    from orchestrator import home_folder, run

    result = run(
        options.files,
        home=home_folder(options.home),
        overrides=options.set,
        address=options.address or os.environ.get("RAY_ADDRESS"),
        workers=options.workers,
        storage=options.storage,
        say=lambda line: print(line, flush=True),
    )
    for problem in result.problems:
        print(problem, file=sys.stderr)
    for folder in result.reports:
        print(f"report: {folder}", flush=True)
    if result.exit_code in (130, 143):
        print(f"stopped; go on with: {shlex.join(['python', *sys.argv])}", file=sys.stderr)
    return result.exit_code


def _plan(options: argparse.Namespace) -> int:
    import search_spaces

    sweep = search_spaces.expand(search_spaces.read(Path(options.file), options.set))
    plan = search_spaces.describe_plan(sweep)
    print(json.dumps(plan.to_json(), indent=2) if options.json else plan.to_text())
    return 0


def _report(options: argparse.Namespace) -> int:
    import reports
    from orchestrator.home import home_folder

    home = home_folder(options.home)
    results = reports.load(options.name, home=home)
    folder = Path(options.out) if options.out else home / "reports" / options.name
    try:
        reports.write(results, folder)
    except OSError as error:
        print(f"the report cannot be written into {folder}: {error.strerror}; give another with --out", file=sys.stderr)
        return EXIT_WRONG_REQUEST
    print(reports.console_table(results))
    print(f"report: {folder}")
    return 0


def _methods(options: argparse.Namespace) -> int:
    from trainers import methods

    for name in methods.names():
        method = methods.get(name)
        print(f"{name:<8} {method.kind:<8} {method.summary}  [{method.source}]")
        for field in method.fields():
            print(f"         {field.name} = {field.default}  {field.doc}")
    return 0


def _models(options: argparse.Namespace) -> int:
    from trainers import models

    for name in models.names():
        network = models.create(models.timm_name(name, 32), classes=100, channels=3)
        print(f"{name:<12} {models.parameters(network):>12,} parameters (100 classes, 3 channels)")
    print("and every network of timm as timm:<name>, e.g. timm:resnet18")
    return 0


def _datasets(options: argparse.Namespace) -> int:
    from trainers import data

    for name in data.names():
        print(f"{name:<12} {data.get(name).summary}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
