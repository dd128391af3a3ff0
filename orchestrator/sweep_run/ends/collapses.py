"""Which trainings of a sweep have collapsed, in words: said at the end of a run and by `status`."""

from typing import Any

from orchestrator.ledger.ledger import Ledger
from search_spaces import proposal_text
from trainers.texts.counting import counted
from trainers.training.tasks.collapse import CURES

SHOWN = 3
"""So many trials are named with their reasons."""
SHOWN_ROWS = 6


def collapse_warnings(sweep: str, ledger: Ledger) -> tuple[str, ...]:
    """Return what is to be said of trials that ended, but with a network that is worth nothing; empty for none."""
    trials = ledger.rows(
        "SELECT m.row, m.phase, m.seed, m.proposal, t.collapsed FROM member m JOIN trial t USING (key) "
        "WHERE m.sweep = ? AND t.collapsed != '' AND t.state = 'COMPLETE' "
        "AND json_extract(t.spec, '$.role') IS NOT 'given' GROUP BY t.key ORDER BY min(m.position)",
        sweep,
    )
    if not trials:
        return ()
    rows = list(dict.fromkeys(trial["row"] for trial in trials))
    more = f" and {counted(len(rows) - SHOWN_ROWS, 'more row')}" if len(rows) > SHOWN_ROWS else ""
    lines = [f"{sweep}: {counted(len(trials), 'trial')} collapsed ({', '.join(rows[:SHOWN_ROWS])}{more}); {CURES}"]
    lines += [f"  {_which(trial)}: {trial['collapsed']}" for trial in trials[:SHOWN]]
    left = len(trials) - SHOWN
    return (*lines, f"  and {left} more, told by the column `collapsed` of results.parquet") if left > 0 else (*lines,)


def _which(trial: Any) -> str:
    searched = trial["phase"] == "search"
    which = proposal_text(trial["proposal"], trial["seed"]) if searched else f"seed {trial['seed']}"
    return f"{trial['row']}, {which}"
