"""What commands print for people, and what they ask of them."""

import shlex
import signal
import sys
from collections.abc import Sequence
from typing import TextIO


def tell(text: str, file: TextIO | None = None) -> None:
    """Print a text that may hold names of others: what acts on a terminal, or cannot be seen, is written out."""
    from trainers.texts.words import block_of

    print(block_of(text), file=file, flush=True)


def shell_line(arguments: Sequence[str]) -> str:
    """Return the line that calls this program with these arguments in a shell."""
    from orchestrator.commands.viewers import program

    return " ".join([program("python")] * arguments[0].endswith(".py") + [shlex.join(arguments)])


def asked(question: str, proposed: str) -> str:
    """Return the answer of whoever sits at the terminal; nothing takes what is proposed."""
    try:
        return input(f"{question} [{proposed}]: ").strip() or proposed
    except EOFError:  # Ctrl-D: no more answers
        raise KeyboardInterrupt(signal.SIGINT) from None


def agreed(question: str) -> bool:
    """Ask; nothing but a yes is one, and where nobody can answer it is none."""
    if not sys.stdin.isatty():
        print(f"{question} nobody was asked; say --yes")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
