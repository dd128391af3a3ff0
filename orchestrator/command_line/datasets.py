"""`datasets`: the data sets."""

import argparse

from orchestrator.command_line._arguments import add_unused_home
from orchestrator.command_line._base import Command
from orchestrator.command_line._telling import tell_plugins


def call(options: argparse.Namespace) -> int:
    """Print them."""
    from trainers import data, own

    for name in data.names():
        print(f"{name:<14} {data.get(name).summary}")
    tell_plugins(own.DATASETS, data.names())
    return 0


COMMAND = Command(name="datasets", help="list the data sets", example="", add_arguments=add_unused_home, call=call)
