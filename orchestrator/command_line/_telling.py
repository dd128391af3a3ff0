"""What commands print for people, and what they ask of them."""

import shlex
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, TextIO


def tell(text: str, file: TextIO | None = None) -> None:
    """Print a text that may hold names of others: what acts on a terminal, or cannot be seen, is written out."""
    from trainers.texts.words import block_of

    print(block_of(text), file=file, flush=True)


def tell_plugins(group: str, ours: Collection[str], lacks: Callable[[Any], str] = lambda factory: "") -> None:
    """Print what other packages offer, and which of it cannot be used.

    Args:
        group: of entry points.
        ours: names that no plug-in may take.
        lacks: says what a factory lacks.
    """
    from trainers import own

    broken = {one.names[0]: one for one in own.broken_plugins(group, ours, lacks)}
    for name, entry in own.offered(group).items():
        tell(f"!! {name:<11} {broken[name]}" if name in broken else f"{name:<14} of another package: {entry.value}")


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
