"""Which trials stand behind each cell of a table."""

from typing import TYPE_CHECKING

from reports.head_to_head import of_teacher
from reports.page.trials import counted

if TYPE_CHECKING:
    from reports.head_to_head import Line, Table
    from reports.results import Results

ORDER = {"fixed": 0, "confirm": 1, "teacher": 2, "search": 3}
"""Of the runs behind a cell: those in its mean come first."""


class Behind:
    """Which lines of the table of trials stand behind each cell of the head-to-head table."""

    def __init__(self, results: "Results", table: "Table") -> None:
        frame = results.trials
        self._order = _order(results)
        students = frame[frame["phase"] != "teacher"]
        self._groups = students.groupby(["cell", "row"], sort=False).groups
        self._teachers = frame[frame["phase"] == "teacher"]
        self._table = table

    def of(self, line: "Line", column: int) -> list[int]:
        """Return the lines behind a cell: in its mean first, then by phase, rank and seed."""
        cell = self._table.cells[column]
        found = self._groups.get((cell.id, line.row.label), ())
        places = of_teacher(self._teachers, cell).index if line.kind == "teacher" else found
        return sorted((int(place) for place in places), key=self._order.__getitem__)


def _order(results: "Results") -> list[tuple[int, int, float, int, int]]:
    """Return what each trial is sorted by among the runs behind a cell."""
    frame = results.trials
    counts = counted(frame)
    ranks = frame["rank"].astype("Float64").fillna(0.0)
    lines = zip(counts, frame["phase"], ranks, frame["seed"].fillna(-1), strict=True)
    return [
        (not counts, ORDER.get(phase, len(ORDER)), float(rank), int(seed), place)
        for place, (counts, phase, rank, seed) in enumerate(lines)
    ]
