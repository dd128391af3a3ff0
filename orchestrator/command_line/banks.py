"""`banks`: the teachers' stored logits."""

import argparse
import json

from orchestrator.command_line._arguments import add_home, add_json
from orchestrator.command_line._base import Command
from orchestrator.command_line._telling import agreed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("names", nargs="*", metavar="BANK", help="only these, by how their names begin")
    parser.add_argument("--clear", action="store_true", help="remove them, after a question")
    parser.add_argument("--yes", action="store_true", help="remove them without a question")
    add_json(parser, "list them as JSON")
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """List them, or remove them."""
    from orchestrator.commands.banks import banks, banks_text, clear, to_clear
    from orchestrator.home.home import home_folder
    from trainers.texts.counting import size_text

    home = home_folder(options.home)
    if not (options.clear or options.yes):
        found = [bank for bank in banks(home) if bank.name.startswith(tuple(options.names or [""]))]
        print(json.dumps([bank.to_json() for bank in found], indent=2) if options.json else banks_text(found))
        return 0
    chosen = to_clear(home, options.names)
    print(banks_text(chosen))
    if chosen and (options.yes or agreed("remove it?" if len(chosen) == 1 else f"remove these {len(chosen)}?")):
        print(f"{size_text(clear(home, chosen))} freed")
    return 0


COMMAND = Command(
    name="banks",
    help="list the teachers' stored logits, or clear them",
    description="List the teachers' stored logits: network, data set, views, share that is there, disk. Or clear them: "
    "a run computes again what it needs. Not while a driver works in the home.",
    example="--clear",
    add_arguments=add_arguments,
    call=call,
)
