"""`repeat`: a trial again, number by number."""

import argparse
import sys

from orchestrator.command_line._arguments import add_home
from orchestrator.command_line._base import EXIT_FAILED, Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("key", metavar="KEY", help="trial key, or its first six characters or more")
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """Train it here, and print what differs."""
    from orchestrator.commands.repeat import repeat
    from orchestrator.home.home import home_folder

    def on_epoch(number: int, epochs: int) -> None:
        if sys.stderr.isatty():
            print(f"\repoch {number} of {epochs}", end="\n" if number == epochs else "", file=sys.stderr, flush=True)

    result = repeat(options.key, home_folder(options.home), on_epoch)
    tell(result.to_text())
    return EXIT_FAILED if result.differing else 0


COMMAND = Command(
    name="repeat",
    help="train a trial again, here, and compare every number",
    description="Train a trial again, here, with the threads it was trained with, and compare every number with what "
    "is recorded. Records nothing. Exit code 0: all equal, digit for digit; 1: some differ.",
    example="3f2a91",
    add_arguments=add_arguments,
    call=call,
)
