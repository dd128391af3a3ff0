"""The commands, one a module of its name: what each reads from the command line, and what it calls and prints.

A new command is a module here with a `COMMAND`, and its name in `NAMES`. Modules load nothing that takes time: a
command imports what it needs when it runs.
"""

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from orchestrator.command_line._base import EXIT_STOPPED, EXIT_WRONG_REQUEST, Command
from orchestrator.command_line._telling import shell_line, tell

__all__ = ["EXIT_STOPPED", "EXIT_WRONG_REQUEST", "Command", "command_line", "commands", "shell_line", "tell"]

NAMES = (
    "init",
    "run",
    "plan",
    "report",
    "status",
    "list",
    "sync",
    "repeat",
    "banks",
    "doctor",
    "launch",
    "methods",
    "models",
    "datasets",
    "schema",
    "completion",
    "help",
)
"""As `--help` lists them."""

EXAMPLES = """examples:
  python run_sweep.py init ~/pictures                       write a first sweep file for a folder of pictures
  python run_sweep.py run search_spaces/quickstart.yaml     train what the file asks for, write tables and figures
  python run_sweep.py plan search_spaces/quickstart.yaml    say what that would be, start nothing
  python run_sweep.py status quickstart                     how far it is, from another terminal
  python run_sweep.py report quickstart                     write the report again
  python run_sweep.py help run                              what a command does, with an example
"""


def commands() -> Iterator[Command]:
    """Yield every command."""
    for name in NAMES:
        command: Command = importlib.import_module(f"{__name__}.{name}").COMMAND
        yield command


def command_line(program: str = "run_sweep.py") -> argparse.ArgumentParser:
    """Return what reads the command line; what it has read says by `command` what is to be called with it."""
    parser = _Parser(
        prog=program,
        description="Sweeps of knowledge-distillation experiments: one YAML file in, a table fit for a paper out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    parser.set_defaults(command_line=command_line)
    below = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands():
        command.add_to(below)
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell what is wrong with the arguments; they may hold names of others."""
        from trainers.texts.words import line_of

        super().error(line_of(message))


class _Version(argparse.Action):
    """Print the version and leave; nothing looks for it before."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("kdsweep")
        except PackageNotFoundError:  # called in a checkout that was never installed
            import tomllib

            file = Path(__file__).resolve().parents[2] / "pyproject.toml"
            number = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"]
        print(f"kdsweep {number}")
        parser.exit()
