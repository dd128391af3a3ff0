"""What is wrong with a sweep file, and how a person is told."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainers.errors import RequestError
from trainers.texts.words import line_of, shown

MOST_PROBLEMS = 20
"""So many are told; of more their number."""
__all__ = ["Problem", "SweepFileError", "nearest", "shown", "unknown", "unknown_key"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule."""

    line: int | None
    """Of the file, from 1; None where the value comes from `--set` or the file as a whole is meant."""
    where: str
    """Dotted path of keys, such as `search.trials`; empty for the file as a whole."""
    message: str
    """The rule and the value, and the nearest right word where there is one."""
    place: str = ""
    """Shown instead of a line: `--set`."""


class SweepFileError(RequestError, ValueError):
    """A sweep file (or its `--set` values) breaks rules; nothing has been started.

    Attributes:
        path: the file as it was named.
        problems: all of them, by line; those without a line last.
    """

    consequence = "nothing was started"

    def __init__(self, path: Path | str, problems: Iterable[Problem]) -> None:
        self.path = path
        unique = dict.fromkeys(problems)
        self.problems: tuple[Problem, ...] = tuple(sorted(unique, key=lambda p: (p.line is None, p.line or 0)))
        super().__init__(path, self.problems)

    def __str__(self) -> str:
        named = line_of(str(self.path))
        if len(self.problems) == 1 and _of_the_whole(self.problems[0]):
            return f"{named}: {line_of(self.problems[0].message)}"
        count = f"{len(self.problems)} problem{'s' * (len(self.problems) != 1)}"
        told, more = self.problems[:MOST_PROBLEMS], len(self.problems) - MOST_PROBLEMS
        places = [problem.place if problem.line is None else f"line {problem.line}" for problem in told]
        width = max(map(len, places))
        lines = [
            f"  {place:<{width}}  {line_of(_told(problem))}".rstrip()
            for place, problem in zip(places, told, strict=True)
        ]
        lines += [f"  and {more} more"] if more > 0 else []
        return "\n".join([f"{named}: {count}, {self.consequence}", *lines])


def _of_the_whole(problem: Problem) -> bool:
    return problem.line is None and not problem.where and not problem.place


def _told(problem: Problem) -> str:
    return f"{problem.where}: {problem.message}" if problem.where else problem.message


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was most likely meant, or None."""
    folded = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(word.casefold(), folded, n=1)
    parts = [part for part in re.split(r"[^\w-]+", word.casefold()) if part in folded]
    found = [*matches, *parts]
    return folded[found[0]] if found else None


def unknown(kind: str, word: str, known: Sequence[str], command: str = "") -> str:
    """Return the message for a word that is none of the known ones.

    Args:
        kind: what it should have been: `method`.
        command: the command that lists all; without one the known words are in the message.
    """
    near = nearest(word, known)
    hint = f"; did you mean {near!r}?" if near else ""
    everything = f"all: run_sweep.py {command}" if command else f"known: {', '.join(known)}"
    return f"unknown {kind} {shown(word)}{hint} ({everything})"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the message for a key that does not exist here."""
    near = nearest(key, known)
    return f"unknown key; did you mean {near!r}?" if near else f"unknown key (known: {', '.join(known)})"
