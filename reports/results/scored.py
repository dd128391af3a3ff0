"""Which trials of a report have a score: what a report that is written over another one may have lost."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from reports.results.results import Results

SCORES = ("final_top1", "final_miou")
"""Columns with the score of a trial on test images."""


def scored(results: "Results") -> frozenset[str]:
    """Return the keys of the trials that have ended with a score on test images."""
    return _scored(results.trials)


def lost_scores(results: "Results", folder: Path) -> int:
    """Return how many trials of the results have a score in the report that is in the folder, and have none now."""
    try:
        before = pd.read_parquet(folder / "results.parquet")
    except (OSError, ValueError):  # there is none, or what is there is none
        return 0
    members = frozenset(str(key) for key in results.trials["trial_key"].dropna())
    return len((_scored(before) & members) - scored(results))


def _scored(trials: "pd.DataFrame") -> frozenset[str]:
    scores = [name for name in SCORES if name in trials]
    if not scores or not {"trial_key", "state"} <= {*trials}:
        return frozenset()
    ended = (trials["state"] == "COMPLETE") & trials[scores].notna().any(axis=1)
    return frozenset(str(key) for key in trials.loc[ended.fillna(value=False), "trial_key"].dropna())
