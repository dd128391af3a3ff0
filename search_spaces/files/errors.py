"""What is wrong with a sweep file, and how a person is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trainers.errors import RequestError
from trainers.texts.counting import counted
from trainers.texts.words import line_of

MOST_PROBLEMS = 20
"""So many are told; of more their number."""


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
        told, more = self.problems[:MOST_PROBLEMS], len(self.problems) - MOST_PROBLEMS
        places = [problem.place if problem.line is None else f"line {problem.line}" for problem in told]
        width = max(map(len, places))
        lines = [
            f"  {place:<{width}}  {line_of(_told(problem))}".rstrip()
            for place, problem in zip(places, told, strict=True)
        ]
        lines += [f"  and {more} more"] if more > 0 else []
        return "\n".join([f"{named}: {counted(len(self.problems), 'problem')}, {self.consequence}", *lines])


def _of_the_whole(problem: Problem) -> bool:
    return problem.line is None and not problem.where and not problem.place


def _told(problem: Problem) -> str:
    return f"{problem.where}: {problem.message}" if problem.where else problem.message
