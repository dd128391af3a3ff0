"""Trials of a sweep as it was accepted that it does not ask for any more, and whether a recipe is why."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.acceptance.accept import known_members
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED
from search_spaces import Sweep, recipe_changes
from trainers.model_names import OWN
from trainers.texts.counting import counted

SHOWN_ROWS = 6


def left_behind(sweep: Sweep, ledger: Ledger) -> Counter[str]:
    """Return how many trials that have ended the sweep leaves behind when it is accepted as it is now, by row."""
    asked = {member.key for member in known_members(sweep, ledger)}
    if sweep.settling is not None:  # seeds may have been added, which depends on outcomes
        more = sweep.most_seeds[len(sweep.seeds) :]
        firsts = [member for member in sweep.fixed if member.seed == sweep.seeds[0]]
        asked |= {added.key for member in firsts for added in sweep.further(member, more)}
    searched = {(search.cell, search.row) for search in sweep.searches if ledger.proposals(search.study_id)}
    states = ledger.states()
    gone: dict[str, str] = {}
    for member in ledger.members(sweep.name):
        of_search = member.phase in ("search", "confirm")
        stays = (member.cell, member.row) in searched if of_search else member.key in asked
        if not stays and states.get(member.key) in ENDED:
            gone.setdefault(member.key, member.row)
    return Counter(row for key, row in gone.items() if key not in asked)


def told_at_acceptance(sweep: Sweep, ledger: Ledger) -> Iterator[str]:
    """Yield what is to be said before a sweep is accepted again that another version of a named recipe, or of a
    network of somebody's own, trains anew."""
    row = ledger.sweep(sweep.name)
    changes = () if row is None else recipe_changes(sweep.resolved, row.resolved)
    others = [] if row is None else _changed_code(sweep.resolved, row.resolved)
    rows = left_behind(sweep, ledger) if changes or others else Counter()
    if rows and others:
        have = "has" if len(others) == 1 else "have"
        told = f"{' and '.join(others)} {have} changed since it was accepted"
        yield f"{sweep.name}: {told}: {_trials(rows)} left behind and trained anew"
    if not rows or not changes:
        return
    yield (
        f"{sweep.name}: recipes have changed since it was accepted ({'; '.join(c.to_text() for c in changes)}): "
        f"{_trials(rows)} left behind and trained anew; to keep to those, write "
        f"{' and '.join(change.way_back() for change in changes)}"
    )


def _changed_code(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return the networks of somebody's own whose source is another one in two resolved sweeps."""
    sources = [
        {
            f"{code['place']}:{code['attribute']}": code["digest"]
            for code in one["facts"].get("own", {}).values()
            if f"{code['attribute']}_{code['digest'][:16]}" in _networks(one)
        }
        for one in (now, before)
    ]
    return [name for name, digest in sources[0].items() if sources[1].get(name, digest) != digest]


def _networks(resolved: Mapping[str, Any]) -> set[str]:
    """Return the networks of somebody's own by the names of their code."""
    found = {name for of in resolved["facts"]["models"].values() for name in of.values()}
    return {name.removeprefix(OWN) for name in found if name.startswith(OWN)}


def told_in_plan(sweep: Sweep, home: Path | str) -> tuple[str, ...]:
    """Return which trials in a home the next run of the sweep leaves behind, in words; empty for none.

    Raises:
        LedgerError: the ledger is damaged.
    """
    home = Path(home)
    if not (home / "ledger.db").exists():
        return ()
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        told = tuple(told_at_acceptance(sweep, ledger))
        rows = left_behind(sweep, ledger)
    return told or (
        (f"{sweep.name}: {_trials(rows)} left behind: the file does not ask for them any more",) * bool(rows)
    )


def _trials(rows: Counter[str]) -> str:
    named = [f"{row} {count}" for row, count in rows.items()]
    more = f" and {counted(len(named) - SHOWN_ROWS, 'more row')}" if len(named) > SHOWN_ROWS else ""
    count, which = rows.total(), f"{', '.join(named[:SHOWN_ROWS])}{more}"
    return f"1 trial that has ended ({which}) is" if count == 1 else f"{count} trials that have ended ({which}) are"
