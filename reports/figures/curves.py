"""What is drawn over a hyperparameter: for each cell, the entries with a grid over it and the rows to compare with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.board.board import Board, Line
from reports.results.measures import TOP1, Measure
from reports.results.sweep import Cell, Row
from reports.tables.files import slug

COMPARED = ("ce", "kd", "dkd")
"""Methods whose fixed rows are drawn as lines to compare with."""
LEVELS = 8
"""The first so many of them: more could not be told apart."""


@dataclass(frozen=True, slots=True)
class Curve:
    """An entry's accuracies over the values of its grid."""

    shown: str
    points: tuple[tuple[float, Mapping[int, float]], ...]
    """(value, accuracy of each seed), by rising value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Accuracy over one hyperparameter in one cell."""

    hyperparameter: str
    cell: Cell
    curves: tuple[Curve, ...]
    levels: tuple[tuple[str, float], ...]
    """(shown name, mean) of rows that do not depend on the hyperparameter."""
    measure: Measure = TOP1

    @property
    def stem(self) -> str:
        """Name of the file, but for its ending and the cell's name."""
        return f"{self.measure.short.lower()}_over_{slug(self.hyperparameter)}"

    @property
    def caption(self) -> str:
        """What the figure shows."""
        levels = " Dashed lines are rows that do not depend on it." if self.levels else ""
        return (
            f"{self.measure.long} on the test images after the last epoch over {self.hyperparameter}, {self.cell.id}: "
            f"mean (line), sample standard deviation (band) and each seed (dots).{levels}"
        )


def figures(table: Board) -> Iterator[Figure]:
    """Yield the figures that the sweep has numbers for, by cell, then by hyperparameter in the sweep's order."""
    grids = _grids(table.lines)
    for column, cell in enumerate(table.cells):
        levels = tuple(_levels(table.lines, column, grids))[:LEVELS]
        for name in dict.fromkeys(name for name, _ in grids.values()):
            curves = (_curve(entry, values, table, column) for entry, (n, values) in grids.items() if n == name)
            drawn = tuple(curve for curve in curves if curve.points)
            if drawn:
                yield Figure(name, cell, drawn, levels, table.measure(cell))


def _grids(lines: Sequence[Line]) -> dict[str, tuple[str, dict[str, float]]]:
    """Return entry -> (hyperparameter, its value by row) of every entry with a grid over one number."""
    entries: dict[str, list[Row]] = {}
    for line in lines:
        if line.kind != "teacher":
            entries.setdefault(line.row.entry, []).append(line.row)
    grids = {entry: grid_of(rows) for entry, rows in entries.items()}
    return {entry: grid for entry, grid in grids.items() if grid is not None}


def grid_of(rows: Sequence[Row]) -> tuple[str, dict[str, float]] | None:
    """Return the hyperparameter that an entry has a grid over, and each row's value of it.

    None where it has no grid, grids over several, or values that are not numbers.
    """
    names = {name for row in rows for name in (row.grid or _labelled(row))}
    if len(rows) < 2 or len(names) != 1:
        return None
    name = names.pop()
    values = {row.label: _number(row.hyperparameters.get(name, _labelled(row).get(name))) for row in rows}
    numbers = {label: value for label, value in values.items() if value is not None}
    return (name, numbers) if len(set(numbers.values())) == len(rows) else None


def _labelled(row: Row) -> dict[str, str]:
    """Return the grid values that a row's label names, such as k of `gdkd (by k) k=5`."""
    words = row.label.removeprefix(row.entry).split()
    return {name: value for name, _, value in (word.partition("=") for word in words) if value}


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(str(value))
    except ValueError:
        return None


def _curve(entry: str, values: Mapping[str, float], table: Board, column: int) -> Curve:
    scores = {ln.row.label: ln.scores[column].by_seed for ln in table.lines if ln.row.entry == entry}
    points = [(values[label], scores[label]) for label in sorted(values, key=values.__getitem__) if scores[label]]
    return Curve(table.options.names.get(entry, entry), tuple(points))


def _levels(lines: Sequence[Line], column: int, grids: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for line in lines:
        stat = line.scores[column].stat
        fixed = line.kind != "teacher" and not line.searched and line.row.entry not in grids
        if fixed and line.row.method in COMPARED and stat is not None:
            yield line.shown, stat.mean
