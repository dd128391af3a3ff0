"""`doctor`: what is wrong with this machine and the home."""

import argparse

from orchestrator.command_line._arguments import add_home, add_storage, storage
from orchestrator.command_line._base import EXIT_FAILED, Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument(
        "--data", action="store_true", help="look for pictures that were changed since a sweep on them was accepted"
    )
    parser.add_argument(
        "--address", metavar="ADDR", help="ask the nodes of a Ray cluster that runs, too: HOST:PORT or auto"
    )
    add_storage(parser)
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """Print what is found as it is found."""
    from orchestrator.commands.doctor import doctor
    from orchestrator.home.home import home_folder

    wrong = False
    for finding in doctor(home_folder(options.home), storage(options), pictures=options.data, address=options.address):
        wrong |= finding.wrong
        tell(f"{'!!' if finding.wrong else 'ok'} {finding.name:<10} {finding.text}")
    return EXIT_FAILED if wrong else 0


COMMAND = Command(
    name="doctor",
    help="say what there is on this machine and in the home, and what is wrong with it",
    description="Say what there is on this machine and in the home, and what is wrong with it: versions, cores, "
    "memory, GPUs, file system, locks, disk, driver, ledger, what is untold, stores, plug-ins. A line that begins with "
    "!! is wrong; then the exit code is 1. Makes nothing.",
    example="--address auto",
    add_arguments=add_arguments,
    call=call,
)
