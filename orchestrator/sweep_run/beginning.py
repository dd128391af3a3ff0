"""What a run finds done and what it will do, in words: said before anything is trained."""

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED
from orchestrator.planning.search.search_ends import place, search_standing
from search_spaces import Sweep
from trainers.texts.counting import counted

SHOWN_ROWS = 6
STORE = "the tracking store"


def what_there_is(
    sweep: Sweep, ledger: Ledger, adopted: frozenset[str], again: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield a line for what has ended before, with where it comes from, and a line for what is to be trained.

    Args:
        adopted: keys of trials whose results were found in the tracking store in this run.
        again: keys of trials that have ended and are trained all the same.
    """
    lines = ledger.rows(
        "SELECT m.row, m.phase, t.key, t.state, json_extract(t.origin, '$.sweep') AS sweep "
        "FROM member m JOIN trial t USING (key) WHERE m.sweep = ? GROUP BY m.row, t.key ORDER BY min(m.position)",
        sweep.name,
    )
    done = [line for line in lines if line["state"] in ENDED and line["key"] not in again]
    ended, keys = {line["key"] for line in done}, {line["key"] for line in lines}
    if ended:
        taken = [f"{len(own)} of its own"] if (own := _own(done, sweep.name, adopted)) else []
        taken += list(_taken(done, sweep.name, adopted))
        before = "has ended before and is" if len(ended) == 1 else "have ended before and are"
        yield f"{sweep.name}: {counted(len(ended), 'trial')} {before} not trained again: {', '.join(taken)}"
    left = [line for line in lines if line["key"] not in ended]
    searched = list(_searching(sweep, ledger))
    if len(keys) > len(ended) or searched:
        parts = [f"{counted(len(keys) - len(ended), 'trial')} ({_rows(left)})"] if left else []
        yield f"{sweep.name}: to train: {'; '.join([*parts, *searched])}"


def _own(lines: Sequence[Any], sweep: str, adopted: frozenset[str]) -> set[str]:
    return {line["key"] for line in lines if line["sweep"] == sweep and line["key"] not in adopted}


def _taken(lines: Sequence[Any], sweep: str, adopted: frozenset[str]) -> Iterator[str]:
    """Yield how many trials come from each other place, with their rows."""
    places: dict[str, list[Any]] = {}
    for line in lines:
        place = STORE if line["key"] in adopted else f"sweep {line['sweep']}"
        if place != f"sweep {sweep}":
            places.setdefault(place, []).append(line)
    for place, found in places.items():
        yield f"{len({line['key'] for line in found})} from {place} ({_rows(found)})"


def _searching(sweep: Sweep, ledger: Ledger) -> Iterator[str]:
    """Yield what searches may still ask for."""
    for search in sweep.searches:
        coming = search_standing(sweep.name, search, ledger, tries_again=True)
        parts = [f"up to {counted(coming.proposals, 'more proposal')}"] if coming.proposals else []
        parts += [f"up to {coming.racing:,} in the race"] if coming.racing else []
        parts += [f"{coming.confirming:,} to confirm"] if coming.confirming else []
        if parts:
            yield f"{place(search, sweep.cells)}: {', then '.join(parts)}"


def _rows(lines: Sequence[Any]) -> str:
    names = list(dict.fromkeys(line["row"] for line in lines))
    more = f" and {counted(len(names) - SHOWN_ROWS, 'more row')}" if len(names) > SHOWN_ROWS else ""
    return ", ".join(names[:SHOWN_ROWS]) + more
