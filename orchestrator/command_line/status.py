"""`status`: how far a sweep is."""

import argparse
import json
import shutil
import sys

from orchestrator.command_line._arguments import add_home, add_json
from orchestrator.command_line._base import Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("name", metavar="NAME", help="of the sweep")
    add_json(parser)
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """Print it; write nothing."""
    from orchestrator.commands.status import status
    from orchestrator.commands.viewers import viewer_lines
    from orchestrator.display import Lines
    from orchestrator.home.home import home_folder

    home = home_folder(options.home)
    found = status(options.name, home)
    if options.json:
        print(json.dumps(found.to_json(), indent=2))
        return 0
    tell(found.to_text(*shutil.get_terminal_size()) if sys.stdout.isatty() else found.to_text())
    for line in viewer_lines(home):
        Lines(sys.stdout).say(line, command=True)
    return 0


COMMAND = Command(
    name="status",
    help="say how far a sweep is",
    description="Say how far a sweep is, from any terminal or host that sees the home: rows, slots, time left, last "
    "problems, what is still to be told. Writes nothing.",
    example="NAME --home /data/home",
    add_arguments=add_arguments,
    call=call,
)
