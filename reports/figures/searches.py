"""The trainings of a search as figures need them: settings, validation scores, and which of them count."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from reports.board.score import chosen, dimension_names
from reports.results.sweep import Cell, Row
from reports.stores import METHOD_PREFIX

if TYPE_CHECKING:
    from reports.board.board import Board
    from reports.results.measures import Measure

FEWEST = 4
"""Scores of a search that is drawn: of fewer the table of searches says all."""
LOST = ("PRUNED", "DIVERGED")
"""States of trainings that a search has paid for and that have no score of their own."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One searched hyperparameter."""

    name: str
    log: bool
    low: float | None
    """Of its range; None for choices."""
    high: float | None


@dataclass(frozen=True, slots=True)
class SearchTrials:
    """What one search has trained with the seed of all proposals, in the order proposed; trainings that failed are not
    among them."""

    row: str
    """Its label: others may be shown alike."""
    shown: str
    cell: Cell
    measure: "Measure"
    axes: tuple[Axis, ...]
    settings: tuple[Mapping[str, Any], ...]
    scores: tuple[float | None, ...]
    """On validation images after the last epoch, in percent; None for a training that was pruned or diverged."""
    chosen: Mapping[str, Any] | None
    """The setting that was confirmed first."""
    raced: int = 0
    """Trainings of the best settings with further seeds, which are not among these."""

    @property
    def completed(self) -> int:
        """How many have a score."""
        return sum(score is not None for score in self.scores)


def searches(board: "Board") -> Iterator[SearchTrials]:
    """Yield the searches that have scores enough, cell by cell, in the order of the board's rows."""
    for cell in board.cells:
        for line in board.lines:
            if line.kind != "teacher" and line.searched:
                found = _search(board.behind.of(cell, line.row), line.row, cell, board.measure(cell))
                if found.completed >= FEWEST:
                    yield found


def _search(trials: pd.DataFrame, row: Row, cell: Cell, measure: "Measure") -> SearchTrials:
    search = trials[trials["phase"] == "search"]
    ended = search["state"].isin(LOST) | (search["state"].eq("COMPLETE") & search[measure.validation].notna())
    proposed = search["seed"] == search["seed"].min()
    raced, search, names = int((ended & ~proposed).sum()), search[ended & proposed], dimension_names(trials, row)
    scores = search[measure.validation].where(search["state"] == "COMPLETE").tolist()
    known = [name for name in names if METHOD_PREFIX + name in search.columns]
    columns = [search[METHOD_PREFIX + name].tolist() for name in known]
    return SearchTrials(
        row=row.label,
        shown=row.shown,
        cell=cell,
        measure=measure,
        axes=tuple(_axis(name, row.dimensions, search[METHOD_PREFIX + name]) for name in known),
        settings=tuple(dict(zip(known, values, strict=True)) for values in zip(*columns, strict=True)),
        scores=tuple(None if pd.isna(score) else float(score) for score in scores),
        chosen=chosen(trials, names, rank=1),
        raced=raced,
    )


def _axis(name: str, dimensions: Sequence[Mapping[str, Any]], values: "pd.Series[Any]") -> Axis:
    known = next((d for d in dimensions if str(d["name"]) == name), {})
    if known.get("low") is not None:
        return Axis(name, bool(known.get("log")), float(known["low"]), float(known["high"]))
    present = values.dropna()
    if known.get("choices") is None and pd.api.types.is_numeric_dtype(values.dtype) and len(present):
        return Axis(name, False, float(present.min()), float(present.max()))
    return Axis(name, False, None, None)
