"""How a run has ended: each sweep's state on record, and what is wrong with it in words."""

from collections.abc import Iterator, Sequence

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import MemberRow
from orchestrator.planning.search.search_ends import SearchStanding, place, search_standing
from search_spaces import Sweep
from trainers.texts.counting import counted


def conclude(sweeps: Sequence[Sweep], ledger: Ledger, *, stopped: bool) -> list[str]:
    """Record how each sweep stands; return its problems in words.

    Args:
        stopped: before everything had ended: what has not ended is no problem then.
    """
    states = ledger.states()
    problems = []
    for sweep in sweeps:
        found = [] if stopped else _problems(sweep, ledger, states)
        problems += found
        ledger.end_sweep(sweep.name, "INTERRUPTED" if stopped else ("FAIL" if found else "COMPLETE"))
    return problems


def _problems(sweep: Sweep, ledger: Ledger, states: dict[str, str]) -> list[str]:
    members = {member.key: member for member in ledger.members(sweep.name)}
    failed = [member for key, member in members.items() if states[key] == "FAIL"]
    diverged = [member for key, member in members.items() if states[key] == "DIVERGED" and member.phase != "search"]
    waiting = [member for key, member in members.items() if states[key] in ("WAITING", "INTERRUPTED", "RUNNING")]
    standings = [search_standing(sweep.name, search, ledger, tries_again=False) for search in sweep.searches]
    fruitless = [f"{sweep.name}: {place(end.search, sweep.cells)} {end.failure}" for end in standings if end.failure]
    unsearched = [end for end in standings if not end.failure and end.proposals + end.confirming]
    groups = (
        (failed, "failed", "; the next run tries again"),
        (diverged, "diverged", ""),
        (waiting, "could not start", ""),
    )
    told = [f"{sweep.name}: {_trials(group)} {what}{then}" for group, what, then in groups if group]
    return [*told, *fruitless, *_unsearched(sweep, unsearched)]


def _unsearched(sweep: Sweep, standings: Sequence[SearchStanding]) -> Iterator[str]:
    """Yield what is said of searches that could not go on, for want of a teacher."""
    rows = list(dict.fromkeys(standing.search.row for standing in standings))
    if rows:
        searches = counted(len(standings), "search", "searches")
        yield f"{sweep.name}: {searches} ({', '.join(rows)}) could not start or go on"


def _trials(members: Sequence[MemberRow]) -> str:
    rows = ", ".join(sorted({member.row for member in members}))
    return f"{counted(len(members), 'trial')} ({rows})"
