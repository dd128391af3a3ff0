"""Which trials stand behind each cell of a board."""

from typing import TYPE_CHECKING

import pandas as pd

from reports.results.states import is_reported
from reports.results.sweep import Cell

if TYPE_CHECKING:
    from reports.results.results import Results

ORDER = {"fixed": 0, "confirm": 1, "teacher": 2, "search": 3}
"""Of the trials behind a cell: those in its mean come first."""
TEACHER = "teacher"


class Behind:
    """The places of trials in `Results.trials` behind each cell: in the mean first, then by phase, rank and seed."""

    def __init__(self, results: "Results") -> None:
        trials = results.trials.reset_index(drop=True)
        is_teacher = trials["phase"] == TEACHER
        order = _order(trials)
        students = trials[~is_teacher].groupby(["cell", "row"], sort=False).groups
        self._students = {
            place: tuple(sorted(map(int, found), key=order.__getitem__)) for place, found in students.items()
        }
        own = trials[is_teacher].drop_duplicates(["dataset", "student", "trial_key"])
        self._teachers = {
            place: tuple(sorted(map(int, found), key=order.__getitem__))
            for place, found in own.groupby(["dataset", "student"], sort=False).groups.items()
        }

    def of(self, cell: Cell, label: str) -> tuple[int, ...]:
        """Return the trials of a row by its label."""
        return self._students.get((cell.id, label), ())

    def of_teacher(self, cell: Cell) -> tuple[int, ...]:
        """Return the trials of a cell's teacher, each once."""
        return self._teachers.get((cell.dataset, cell.teacher), ())


def counted(trials: pd.DataFrame) -> "pd.Series[bool]":
    """Return which trials are in a mean of the head-to-head table, or are its teachers."""
    shown = is_reported(trials) | (trials["phase"] == TEACHER)
    scored = trials[["final_top1", "final_miou"]].notna().any(axis=1)
    return shown & (trials["state"] == "COMPLETE") & (trials["status"] == "FINISHED") & scored


def _order(trials: pd.DataFrame) -> list[tuple[bool, int, float, int, int]]:
    """Return what each trial is sorted by among the trials behind a cell."""
    ranks = trials["rank"].astype("Float64").fillna(0.0)
    lines = zip(counted(trials), trials["phase"], ranks, trials["seed"].fillna(-1), strict=True)
    return [
        (not counts, ORDER.get(phase, len(ORDER)), float(rank), int(seed), place)
        for place, (counts, phase, rank, seed) in enumerate(lines)
    ]
