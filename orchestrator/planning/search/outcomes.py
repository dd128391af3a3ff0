"""What proposals have come to, and how they stand to one another. No Optuna in here: screens and reports ask, too."""

from collections.abc import Iterable

from orchestrator.ledger.records import ENDED, FINAL_VALIDATION_SCORES, ProposalRow, TrialRow
from orchestrator.planning.search.race import Outcome

MAX_REPEATS = 20
"""So many proposals in a row that repeat an earlier one of this search end it: the space is exhausted."""


def is_exhausted(keys: Iterable[str]) -> bool:
    """Return whether the trials that were proposed one after the other say that the space has no more."""
    seen: set[str] = set()
    repeats = 0
    for key in keys:
        repeats = repeats + 1 if key in seen else 0
        seen.add(key)
    return repeats >= MAX_REPEATS


def ranking(proposals: Iterable[ProposalRow]) -> list[ProposalRow]:
    """Return the COMPLETE proposals by validation accuracy, best first, ties by number, each trial once."""
    best: dict[str, ProposalRow] = {}
    for row in proposals:
        if row.state == "COMPLETE" and row.value is not None:
            best.setdefault(row.key, row)
    return sorted(best.values(), key=lambda row: (-(row.value or 0.0), row.number))


def outcome_in_race(trial: TrialRow | None) -> Outcome:
    """Return what a training in a race has come to; one that has failed is out of it for this run."""
    if trial is None or trial.state not in ENDED | {"FAIL"}:
        return "open"
    score = final_validation(trial) if trial.state == "COMPLETE" else None
    return "out" if score is None else score


def final_validation(trial: TrialRow) -> float | None:
    """Return what a trial scored on validation images at its end, in percent."""
    return next((trial.metrics[name] for name in FINAL_VALIDATION_SCORES if name in trial.metrics), None)
