"""`sync`: what MLflow and Optuna have not been told yet."""

import argparse
import sys

from orchestrator.command_line._arguments import add_home, add_storage, storage
from orchestrator.command_line._base import EXIT_FAILED, Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    add_storage(parser)
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """Tell them."""
    from orchestrator.commands.sync import sync
    from orchestrator.home.home import home_folder
    from trainers.texts.counting import counted

    result = sync(home_folder(options.home), storage(options))
    for problem in result.problems:
        tell(problem, sys.stderr)
    for note in result.notes:
        tell(note)
    told = f"{counted(result.told, 'thing')} told"
    print(told if result.told or result.problems else "nothing was left to tell")
    return EXIT_FAILED if result.problems else 0


COMMAND = Command(
    name="sync",
    help="tell MLflow and Optuna what they have not been told yet",
    description="Tell MLflow and Optuna what they have not been told yet: after a server was away, or another one has "
    "taken its place. Trains nothing.",
    example="--storage postgresql://db.example/optuna",
    add_arguments=add_arguments,
    call=call,
)
