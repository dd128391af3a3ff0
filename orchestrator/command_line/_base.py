"""What a command is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EXIT_FAILED = 1
EXIT_WRONG_REQUEST = 2
EXIT_STOPPED = 128
"""Plus the number of the signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A word of the command line."""

    name: str
    help: str
    """What it does, in a line of the list of commands."""
    description: str = ""
    """What it does, above its own options; empty: `help`, as a sentence."""
    example: str | None = None
    """Arguments to show it with; None: its help shows none."""
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    call: Callable[[argparse.Namespace], int] | None = None
    """Does it with what was read; returns the exit code. None for a word that has commands below it."""

    def add_to(self, commands: Any) -> None:
        """Add what reads it to the parsers of all commands (argparse has no public name for their type)."""
        description = self.description or f"{self.help[0].upper()}{self.help[1:]}."
        example = None if self.example is None else f"example: python run_sweep.py {self.name} {self.example}".rstrip()
        parser = commands.add_parser(self.name, help=self.help, description=description, epilog=example)
        self.add_arguments(parser)
        if self.call is not None:
            parser.set_defaults(command=self.call)
