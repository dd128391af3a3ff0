"""`schema`: the JSON schema of sweep files."""

import argparse

from orchestrator.command_line._arguments import add_unused_home
from orchestrator.command_line._base import Command


def call(options: argparse.Namespace) -> int:
    """Print it."""
    from search_spaces.json_schema import schema_text

    print(schema_text(), end="")
    return 0


COMMAND = Command(
    name="schema",
    help="print the JSON schema by which an editor checks sweep files",
    example="> sweep.schema.json",
    add_arguments=add_unused_home,
    call=call,
)
