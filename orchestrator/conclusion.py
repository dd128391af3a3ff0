"""How a run has ended: each sweep's state on record, and what is wrong with it in words."""

from collections.abc import Sequence

from orchestrator.ledger import Ledger
from orchestrator.records import MemberRow
from search_spaces import Sweep


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
    groups = (
        (failed, "failed", "; the next run tries again"),
        (diverged, "diverged", ""),
        (waiting, "could not start", ""),
    )
    return [f"{sweep.name}: {_trials(group)} {what}{then}" for group, what, then in groups if group]


def _trials(members: Sequence[MemberRow]) -> str:
    rows = ", ".join(sorted({member.row for member in members}))
    return f"{len(members)} {'trial' if len(members) == 1 else 'trials'} ({rows})"
