"""Which trials stand behind each cell of a board."""

from typing import TYPE_CHECKING

import pandas as pd

from reports.results.states import is_reported
from reports.results.sweep import Cell, Row
from reports.stores import METHOD_PREFIX

if TYPE_CHECKING:
    from reports.results.results import Results

ORDER = {"fixed": 0, "confirm": 1, "teacher": 2, "search": 3}
"""Of the trials behind a cell: those in its mean come first."""
TEACHER = "teacher"


class Behind:
    """The places of trials in `Results.trials` behind each cell: in the mean first, then by phase, rank and seed."""

    def __init__(self, results: "Results") -> None:
        trials = results.trials.reset_index(drop=True)
        is_teacher, order = trials["phase"] == TEACHER, _order(trials)
        own = trials[is_teacher].drop_duplicates(["dataset", "student", "trial_key"])
        groups = (trials[~is_teacher].groupby(["cell", "row"], sort=False), own.groupby(["dataset", "student"]))
        self._students, self._teachers = (
            {place: tuple(sorted(map(int, found), key=order.__getitem__)) for place, found in by.groups.items()}
            for by in groups
        )

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


class Parts:
    """The trials of each row in each cell, each copied out when it is first asked for: there may be thousands, and a
    table has a column for every hyperparameter of any method; a row gets those of its own if it was searched."""

    def __init__(self, trials: pd.DataFrame) -> None:
        texts = [name for name in trials.columns if isinstance(trials[name].dtype, pd.StringDtype)]
        self._whole = trials.astype(dict.fromkeys(texts, object))  # of which a few lines are taken much faster
        self._few = self._whole[[name for name in trials.columns if not name.startswith(METHOD_PREFIX)]].copy()
        self._places = trials.groupby(["cell", "row"], sort=False).indices
        self._sources: dict[str, pd.DataFrame] = {}
        for label, own in self._whole.groupby("row", sort=False):
            if (own["phase"] != "fixed").any():
                names = [name for name in own if name in self._few or own[name].notna().any()]
                self._sources[str(label)] = self._whole[names].copy()
        self._parts: dict[tuple[str, str], pd.DataFrame] = {}

    def of(self, cell: Cell, row: Row) -> pd.DataFrame:
        """Return the trials, without hyperparameters where all rows of that label are fixed."""
        key = (cell.id, row.label)
        if key not in self._parts:
            source = self._sources.get(row.label, self._few)
            self._parts[key] = source.iloc[self._places[key]] if key in self._places else source.iloc[:0]
        return self._parts[key]


def of_teacher(teachers: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """Return the trials of a cell's teacher among those of all teachers, each once."""
    own = teachers[(teachers["dataset"] == cell.dataset) & (teachers["student"] == cell.teacher)]
    return own.drop_duplicates("trial_key")
