"""How far a search is, from the ledger alone: what it may still ask for, and why it has nothing to confirm."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.search_run import is_exhausted
from search_spaces import Search, nothing_to_confirm

CONFIRMABLE = "CONFIRMABLE"
"""State of a proposal that is COMPLETE and has a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStanding:
    """A search as it stands in a sweep."""

    search: Search
    proposals: int = 0
    """That nobody has made yet, at most."""
    confirming: int = 0
    """Trials that confirm, which nobody has asked for yet, at most."""
    lost: int = 0
    """Trials that the search would have asked for and never will: it has failed."""
    failure: str = ""
    """Why the search has nothing to confirm, in words; empty where it has, or is not over."""


def search_standing(sweep: str, search: Search, ledger: Ledger, *, tries_again: bool) -> SearchStanding:
    """Return how a search of the sweep stands.

    Args:
        tries_again: a run is under way or about to begin: what has failed in an earlier one is not settled.
    """
    members = ledger.rows(
        "SELECT phase, key FROM member WHERE sweep = ? AND cell = ? AND row = ? AND phase IN ('search', 'confirm')",
        sweep,
        search.cell,
        search.row,
    )
    if any(member["phase"] == "confirm" for member in members):
        return SearchStanding(search=search)
    states = _proposals(search, ledger, {member["key"] for member in members})
    left, confirming = max(0, search.trials - len(states)), search.confirm * len(search.reported_seeds)
    refusal = _refusal(search, ledger)
    if refusal:
        return SearchStanding(search=search, lost=left + confirming, failure=refusal)
    if left and not is_exhausted([key for key, _ in states]):
        return SearchStanding(search=search, proposals=left, confirming=confirming)
    settled = all(state is not None and not (tries_again and state == "FAIL") for _, state in states)
    found = {key: state for key, state in states if state is not None}
    if CONFIRMABLE in found.values() or not settled:
        return SearchStanding(search=search, confirming=confirming)
    return SearchStanding(search=search, lost=confirming, failure=nothing_to_confirm(found.values()))


def _proposals(search: Search, ledger: Ledger, asked: set[str]) -> list[tuple[str, str | None]]:
    """Return key and state of the proposals that this run has come to."""
    rows = ledger.rows(
        "SELECT key, CASE WHEN state = 'COMPLETE' AND value IS NOT NULL THEN ? ELSE state END AS state "
        "FROM proposal WHERE study = ? AND number < ? ORDER BY number",
        CONFIRMABLE,
        search.study_id,
        search.trials,
    )
    return [(row["key"], row["state"]) for row in rows if row["key"] in asked]


def _refusal(search: Search, ledger: Ledger) -> str:
    """Return why the search cannot go on, whatever has been proposed; empty where it can."""
    teacher = search.blueprint.teacher
    if teacher is not None:
        row = ledger.trial(teacher.id)
        if row is not None and row.state == "DIVERGED":
            return "failed: its teacher diverged"
    reason = ledger.refusal(search.study_id)
    return f"failed: nothing more can be proposed: {reason}" if reason else ""


def place(search: Search, cells: Sequence[object]) -> str:
    """Return the row of a search, with its cell where the sweep has several."""
    return f"{search.row} [{search.cell}]" if len(cells) > 1 else search.row
