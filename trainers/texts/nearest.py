"""Words that are not known, and the known ones that were most likely meant."""

import difflib
import re
from collections.abc import Iterable, Sequence

from trainers.texts.words import shown


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was most likely meant, or None."""
    folded = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(word.casefold(), folded, n=1)
    parts = [part for part in re.split(r"[^\w-]+", word.casefold()) if part in folded]
    found = [*matches, *parts]
    return folded[found[0]] if found else None


def hint(word: object, known: Iterable[object]) -> str:
    """Return what follows in a message: `; did you mean 'kd'?`; empty where no known word is near."""
    near = nearest(word, map(str, known)) if isinstance(word, str) else None
    return f"; did you mean {near!r}?" if near else ""


def unknown(kind: str, word: str, known: Sequence[str], command: str = "") -> str:
    """Return the message for a word that is none of the known ones.

    Args:
        kind: what it should have been: `method`.
        command: the command that lists all; without one the known words are in the message.
    """
    everything = f"all: run_sweep.py {command}" if command else f"known: {', '.join(known)}"
    return f"unknown {kind} {shown(word)}{hint(word, known)} ({everything})"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the message for a key that does not exist here."""
    return "unknown key" + (hint(key, known) or f" (known: {', '.join(known)})")


def one_of(known: Sequence[str], given: object) -> str:
    """Return the message for a value that is none of the few that there are."""
    return f"must be one of {', '.join(known)}, got {shown(given)}{hint(given, known)}"
