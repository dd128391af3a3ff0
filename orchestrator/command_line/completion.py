"""`completion`: what a shell completes words by."""

import argparse

from orchestrator.command_line._base import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], metavar="SHELL", help="bash, zsh or fish")


def call(options: argparse.Namespace) -> int:
    """Print it, for the command that an installation has."""
    import shtab

    parser: argparse.ArgumentParser = options.command_line("kdsweep")
    waiting = [parser]
    while waiting:
        for action in waiting.pop()._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
            elif action.metavar in ("FILE", "DIR", "DATA"):
                action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return 0


COMMAND = Command(
    name="completion",
    help="print what a shell completes commands and options by",
    description="Print what bash, zsh or fish completes commands, options and files of `kdsweep` by.",
    example="bash > ~/.local/share/bash-completion/completions/kdsweep",
    add_arguments=add_arguments,
    call=call,
)
