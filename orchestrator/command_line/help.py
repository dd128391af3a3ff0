"""`help`: what a command does."""

import argparse
from typing import NoReturn

from orchestrator.command_line._base import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="as it is called: launch slurm")


def call(options: argparse.Namespace) -> NoReturn:
    """Print it, as `--help` does."""
    options.command_line().parse_args([*options.words, "--help"])
    raise AssertionError  # --help leaves


COMMAND = Command(
    name="help",
    help="say what a command does",
    description="Say what a command does, with an example.",
    example="launch slurm",
    add_arguments=add_arguments,
    call=call,
)
