"""`list`: the sweeps of the home."""

import argparse
import json

from orchestrator.command_line._arguments import add_home, add_json
from orchestrator.command_line._base import Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    add_json(parser)
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """Print them."""
    from orchestrator.commands.status import list_text, sweeps
    from orchestrator.home.home import home_folder

    found = sweeps(home_folder(options.home))
    tell(json.dumps([item.to_json() for item in found], indent=2) if options.json else list_text(found))
    return 0


COMMAND = Command(
    name="list",
    help="list the sweeps of the home",
    description="List the sweeps of the home with states and counts, the one accepted last at the end.",
    example="--json",
    add_arguments=add_arguments,
    call=call,
)
