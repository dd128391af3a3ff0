"""What has become of trials: whether they count in a mean, and how far a sweep is."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from reports.results.results import Results

REASONS = {
    "FAIL": "failed",
    "DIVERGED": "diverged",
    "PRUNED": "pruned",
    "INTERRUPTED": "interrupted",
    "RUNNING": "running",
    "WAITING": "not run",
    "COMPLETE": "no accuracy recorded",
}
"""State of a trial that gave no number -> what the table says of it; told in this order."""

TEACHER = "teacher"
"""Phase of a teacher's own trial, and its row."""
ENDED = ("COMPLETE", "PRUNED", "DIVERGED", "FAIL")


def is_reported(trials: pd.DataFrame) -> "pd.Series[bool]":
    """Return which trials a mean is made of, once they are complete."""
    return (trials["phase"] == "fixed") | ((trials["phase"] == "confirm") & (trials["rank"] == 1).fillna(False))


def reported_of(trials: pd.DataFrame) -> pd.DataFrame:
    """Return those of the trials that a mean is made of; the same object where that is all of them.

    Of the thousands of cells of a large sweep most are of this kind, and pandas takes a millisecond to copy one.
    """
    return trials if set(trials["phase"].tolist()) <= {"fixed"} else trials[is_reported(trials)]


def unfinished(results: "Results") -> Iterator[str]:
    """Yield what is missing of a sweep, in a sentence; nothing where all that is known has ended."""
    counts = Counter(results.trials.drop_duplicates("trial_key")["state"].tolist())
    ended = sum(counts.pop(state, 0) for state in ENDED)
    if counts:
        order = [*REASONS, *sorted(counts.keys() - REASONS.keys())]
        rest = ", ".join(f"{counts[state]} {REASONS.get(state, state.lower())}" for state in order if state in counts)
        total = ended + counts.total()  # a search adds its trials as it proposes them
        yield f"Not finished; trials that have ended: {ended} of the {total} known so far ({rest})."
