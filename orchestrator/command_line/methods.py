"""`methods`: the distillation methods."""

import argparse
import sys

from orchestrator.command_line._arguments import add_unused_home
from orchestrator.command_line._base import EXIT_WRONG_REQUEST, Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    add_unused_home(parser)
    parser.add_argument("names", nargs="*", metavar="METHOD", help="only these")


def call(options: argparse.Namespace) -> int:
    """Print them, then what plug-ins could not be read."""
    from trainers import methods

    try:
        asked = [methods.get(name) for name in options.names or methods.names()]
    except ValueError as error:
        tell(str(error), sys.stderr)
        return EXIT_WRONG_REQUEST
    for method in asked:
        tell("\n".join(methods.lines_of(method)))
    for broken in () if options.names else methods.broken_plugins():
        tell(f"!! {broken.names[-1]:<7} {broken}")
    return 0


COMMAND = Command(
    name="methods",
    help="list the distillation methods and their hyperparameters",
    example="gdkd reviewkd",
    add_arguments=add_arguments,
    call=call,
)
