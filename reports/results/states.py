"""What has become of a trial, and whether it counts in a mean."""

import pandas as pd

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

ENDED = ("COMPLETE", "PRUNED", "DIVERGED", "FAIL")


def is_reported(trials: pd.DataFrame) -> "pd.Series[bool]":
    """Return which trials a mean is made of, once they are complete."""
    return (trials["phase"] == "fixed") | ((trials["phase"] == "confirm") & (trials["rank"] == 1).fillna(False))


def reported_of(trials: pd.DataFrame) -> pd.DataFrame:
    """Return those of the trials that a mean is made of; the same object where that is all of them.

    Of the thousands of cells of a large sweep most are of this kind, and pandas takes a millisecond to copy one.
    """
    return trials if set(trials["phase"].tolist()) <= {"fixed"} else trials[is_reported(trials)]
