"""How far a search is, from the ledger alone: what it may still ask for, and why it has nothing to confirm."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ProposalRow
from orchestrator.planning.search.outcomes import is_exhausted, outcome_in_race, ranking
from orchestrator.planning.search.race import Outcome, race
from search_spaces import Search, nothing_to_confirm

CONFIRMABLE = "CONFIRMABLE"
"""State of a proposal that is COMPLETE and has a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStanding:
    """A search as it stands in a sweep."""

    search: Search
    proposals: int = 0
    """That nobody has made yet, at most."""
    racing: int = 0
    """Trials of the race that nobody has asked for yet, at most."""
    confirming: int = 0
    """Trials that confirm, which nobody has asked for yet, at most."""
    made: int = 0
    """Proposals that this run of the sweep has come to."""
    repeated: int = 0
    """Those of them that are the same trial as an earlier one of the search."""
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
        "SELECT phase, key, seed FROM member WHERE sweep = ? AND cell = ? AND row = ? "
        "AND phase IN ('search', 'confirm')",
        sweep,
        search.cell,
        search.row,
    )
    states = _proposals(search, ledger, {member["key"] for member in members})
    standing = SearchStanding(search=search, made=len(states), repeated=len(states) - len(dict(states)))
    if any(member["phase"] == "confirm" for member in members):
        return standing
    racing = _racing(search, {member["seed"] for member in members}, search.trials)
    left, confirming = max(0, search.trials - len(states)), search.confirm * len(search.reported_seeds)
    refusal = _refusal(search, ledger)
    if refusal:
        return replace(standing, lost=left + confirming, failure=refusal)
    if left and not is_exhausted([key for key, _ in states]):
        return replace(standing, proposals=left, racing=racing, confirming=confirming)
    settled = all(state is not None and not (tries_again and state == "FAIL") for _, state in states)
    found = {key: state for key, state in states if state is not None}
    if CONFIRMABLE in found.values() or not settled:
        may_win = sum(state in (None, CONFIRMABLE) for state in dict(states).values())
        racing = _racing(search, {member["seed"] for member in members}, may_win)
        return replace(standing, racing=racing, confirming=confirming)
    return replace(standing, lost=confirming, failure=nothing_to_confirm(found.values()))


def _racing(search: Search, seeds: Collection[int], may_win: int) -> int:
    """Return how many trials a race will still ask for, at most: those of the seeds that it has not come to."""
    sizes = enumerate(search.race_sizes if may_win > 1 else (), start=1)
    return sum(min(size, may_win) for place, size in sizes if search.seed_at(place) not in seeds)


def is_whole(search: Search, ledger: Ledger) -> bool:
    """Return whether all proposals of a search are decided, and its race is over."""
    rows = ledger.proposals(search.study_id)[: search.trials]
    made = len(rows) >= search.trials or is_exhausted([row.key for row in rows])
    if not made or any(row.state in (None, "FAIL") for row in rows):
        return False

    def outcome(row: ProposalRow, place: int) -> Outcome:
        trial = ledger.trial(search.proposal(row.params, row.number, place).key)
        return "open" if trial is None or trial.state == "FAIL" else outcome_in_race(trial)

    return not race(ranking(rows), search.race_sizes, outcome).asked


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
