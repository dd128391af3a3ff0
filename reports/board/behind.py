"""Which trials stand behind each cell of a board."""

import pandas as pd

from reports.results.states import TEACHER, is_reported
from reports.results.sweep import Cell, Row
from reports.stores import METHOD_PREFIX

ORDER = {"fixed": 0, "confirm": 1, TEACHER: 2, "search": 3}
"""Of the trials behind a cell: those in its mean come first."""


class Behind:
    """The trials of each row in each cell, and of each cell's teacher, each once."""

    def __init__(self, trials: pd.DataFrame) -> None:
        trials = trials.reset_index(drop=True)
        is_teacher: pd.Series[bool] = trials["phase"] == TEACHER
        texts: list[str] = list(trials.select_dtypes("string").columns)
        self._whole = trials.astype(dict.fromkeys(texts, object))  # of which a few lines are taken much faster
        self._few: pd.DataFrame = self._whole[
            [name for name in trials.columns if not name.startswith(METHOD_PREFIX)]
        ].copy()
        teachers = trials[is_teacher].drop_duplicates(["dataset", "student", "trial_key"])
        groups = (
            (TEACHER, teachers.groupby(["dataset", "student"])),
            ("", trials[~is_teacher].groupby(["cell", "row"])),
        )
        self._places: dict[tuple[str, ...], list[int]] = {
            (*map(str, key), kind): list(places) for kind, by in groups for key, places in by.groups.items()
        }
        self._sources: dict[str, pd.DataFrame] = {}
        for label, rows in self._whole[~is_teacher].groupby("row", sort=False):
            if (rows["phase"] != "fixed").any():
                names = [name for name in rows.columns if name in self._few or rows[name].notna().any()]
                self._sources[str(label)] = self._whole[names].copy()
        self._parts: dict[tuple[str, ...], pd.DataFrame] = {}
        self._order: list[tuple[bool, int, float, int, int]] = _order(trials)

    def of(self, cell: Cell, row: Row | None) -> pd.DataFrame:
        """Return the trials of a row in a cell, without hyperparameters where all of that label are fixed: a table has
        a column for every hyperparameter of any method. None: of the cell's teacher."""
        key = _key(cell, row)
        if key not in self._parts:  # copied out when first asked for: there may be thousands of cells
            source = self._few if row is None else self._sources.get(row.label, self._few)
            self._parts[key] = source.iloc[self._places.get(key, [])]
        return self._parts[key]

    def places(self, cell: Cell, row: Row | None) -> tuple[int, ...]:
        """Return the places of the same in `Results.trials`: in the mean first, then by phase, rank and seed."""
        return tuple(sorted(self._places.get(_key(cell, row), ()), key=self._order.__getitem__))


def _key(cell: Cell, row: Row | None) -> tuple[str, ...]:
    return (cell.dataset, cell.teacher, TEACHER) if row is None else (cell.id, row.label, "")


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
