"""`run`: everything that sweep files ask for."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.command_line._arguments import add_home, add_set, add_storage, seconds, storage
from orchestrator.command_line._base import EXIT_STOPPED, Command
from orchestrator.command_line._telling import shell_line

if TYPE_CHECKING:
    from orchestrator.commands.course.course import RunResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="sweep files")
    add_set(parser, "change a value of the files for this run: --set seeds=5")
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
        type=seconds,
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
        type=seconds,
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
    add_storage(parser)
    add_home(parser)


def _workers(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 10_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 10000, got '{text}'")
    return number


def call(options: argparse.Namespace) -> int:
    """Run them, and say what came of it."""
    from orchestrator.commands.run import run
    from orchestrator.commands.viewers import viewer_lines
    from orchestrator.display import Lines, fitting_screen
    from orchestrator.home.home import home_folder

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
        storage=storage(options),
        verbose=options.verbose,
        screen=screen,
    )
    for folder in result.reports:
        screen.say(f"report: {folder}")
    for line in viewer_lines(home, storage(options)):
        screen.say(line, command=True)
    errors = Lines(sys.stderr)
    for line in result.problems:
        errors.say(line)
    for line in _next_lines(result, options):
        errors.say(line, command=True)
    # At a plain end Python would wait for Ray, and Ray for what has died; and it puts away what libraries have made for
    # seconds, which Slurm counts once it has asked us to stop.
    if result.stuck or result.exit_code > EXIT_STOPPED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(result.exit_code)
    return result.exit_code


def _next_lines(result: "RunResult", options: argparse.Namespace) -> Iterator[str]:
    """Yield what does the rest of a run that was stopped or could not tell all."""
    if result.untold:
        given = (("--storage", options.storage), ("--home", options.home))
        words = (text for name, value in given if value for text in (name, value))
        yield f"tell the rest with: {shell_line([sys.argv[0], 'sync', *words])}"
    if result.stopped:
        yield f"stopped; go on with: {shell_line(sys.argv)}"
    if result.exit_code > EXIT_STOPPED:
        yield from report_lines(result.sweeps, options.home)


def report_lines(sweeps: Sequence[str], home: str | None) -> Iterator[str]:
    """Yield what makes the report of what there is, which nobody has made of a run that was stopped."""
    for name in sweeps:
        line = shell_line([sys.argv[0], "report", name, *(["--home", home] if home else [])])
        yield f"report of what there is: {line}"


COMMAND = Command(
    name="run",
    help="train everything that sweep files ask for and that has not ended yet",
    description="Train everything that sweep files ask for and that has not ended yet, then write and print the report "
    "of each sweep. The same command again goes on where it was.",
    example="sweep.yaml --workers 2 --set seeds=5",
    add_arguments=add_arguments,
    call=call,
)
