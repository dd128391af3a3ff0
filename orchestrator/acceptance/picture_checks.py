"""Pictures of a sweep's data sets are looked at before anything starts: one that is broken would end every trial."""

import time
from collections.abc import Callable, Iterator, Sequence

from search_spaces import Sweep
from trainers.errors import RequestError

NAMED = 10
"""Broken pictures that are named; of more the number is told."""
MANY = 20_000
"""Pictures from which looking takes long enough to be said."""


class PicturesError(RequestError):
    """Pictures of a data set are broken."""


def check_pictures(
    sweeps: Sequence[Sweep],
    *,
    deep: bool = False,
    known: Callable[[str], bool] = lambda digest: False,
    say: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Look at the heads of all pictures; return a line for each data set that says how long that took.

    Args:
        deep: decode every picture.
        known: whether the data set with this digest was found whole before.
        say: called before a look that takes long.

    Raises:
        PicturesError: names the first that are broken, of every data set.
    """
    problems: list[str] = []
    lines = []
    seen: set[str] = set()
    for plan in (plan for sweep in sweeps for plan in sweep.datasets):
        if plan.info.digest in seen or not plan.info.found or (not deep and known(plan.info.digest)):
            continue
        seen.add(plan.info.digest)
        from trainers import data

        files = data.load(plan.name, plan.root)
        if not isinstance(files, data.PictureFiles):
            continue
        count, began = data.count_pictures(files), time.monotonic()
        what = "decoded" if deep else "looked at by their heads"
        if count >= MANY or deep:
            say(f"{plan.name}: {count:,} pictures are {what}")
        problems += _told(plan.name, list(data.broken_pictures(files, deep=deep)))
        lines.append(f"{plan.name}: {count:,} files {what} in {time.monotonic() - began:.1f} s")
    if problems:
        raise PicturesError("\n".join(problems))
    return lines


def _told(name: str, broken: list[str]) -> Iterator[str]:
    if broken:
        count = f"{len(broken):,} pictures are" if len(broken) > 1 else "1 picture is"
        yield f"{name}: {count} broken, nothing was started; mend or remove them"
        yield from (f"  {line}" for line in broken[:NAMED])
        if len(broken) > NAMED:
            yield f"  and {len(broken) - NAMED:,} more"
