"""Compares two sweeps, or two states of one: rows of one label in cells of one id, by seed where seeds are common."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports import head_to_head
from reports.errors import ReportError, UnknownSweepError
from reports.head_to_head import NO_TEACHER, Line, Table
from reports.resolved import Cell
from reports.scores import Score
from reports.statistics import contrast, holm
from reports.sweep_comparison import CellChanges, Change, SweepComparison, Verdict

if TYPE_CHECKING:
    from reports.results import Results

EQUAL = 1e-9
"""Points by which the same number may differ after it was written down."""


def build(ours: "Results", theirs: "Results", names: tuple[str, str] | None = None) -> SweepComparison:
    """Return our numbers against theirs, with whatever has ended so far (see `reports.compare_sweeps`)."""
    tables = head_to_head.build(ours), head_to_head.build(theirs)
    every = {cell.id: cell for table in reversed(tables) for cell in table.cells}
    order = dict.fromkeys(cell.id for table in tables for cell in table.cells)
    cells = [CellChanges(cell=every[name], changes=tuple(_cell(every[name], *tables))) for name in order]
    first, second = names or (ours.name, theirs.name)
    digits = max(tables[0].options.digits, tables[1].options.digits)
    level = tables[0].options.level
    judged = tuple(_judged(cells, level))
    return SweepComparison(ours=first, theirs=second, digits=digits, level=level, cells=judged)


def against(
    ours: "Results", name: str, other: str | None, *, home: Path, other_home: str | None = None
) -> SweepComparison:
    """Return our numbers against those that the command line names (see `reports.changes`)."""
    import reports

    wanted = name if other is None else other
    if other_home is None and wanted == name:
        message = (
            f"{name} is compared with itself; name another sweep, --compare-home, or the folder of an earlier report"
        )
        raise ReportError(message)
    if other is not None and other_home is None and Path(other).exists() and not other.endswith((".yaml", ".yml")):
        if other == Path(other).name:  # a sweep may be named like a file here; `./NAME` is the file then
            with contextlib.suppress(UnknownSweepError):
                return build(ours, reports.load(other, home=home))
        return build(ours, reports.load_stored(other), (ours.name, other))
    if other_home is None:
        theirs = reports.load_any(wanted, home=home)
        return build(ours, theirs)
    theirs = reports.load_home(wanted, other_home)
    return build(ours, theirs, (ours.name, f"{theirs.name} in {other_home}"))


def _cell(cell: Cell, ours: Table, theirs: Table) -> Iterator[Change]:
    mine, others = _scores(ours, cell), _scores(theirs, cell)
    for key in dict.fromkeys([*mine, *others]):
        both = mine.get(key), others.get(key)
        if any(found is not None and found[1].missing != NO_TEACHER for found in both):
            yield _change(key[1], *both)


def _scores(table: Table, cell: Cell) -> dict[tuple[bool, str], tuple[Line, Score]]:
    """Return the scores of a cell by (whether it is the teacher, label): an entry may be called `teacher`, too."""
    column = next((i for i, own in enumerate(table.cells) if own.id == cell.id), None)
    if column is None:
        return {}
    return {(line.kind == "teacher", line.row.label): (line, line.scores[column]) for line in table.lines}


def _change(label: str, ours: tuple[Line, Score] | None, theirs: tuple[Line, Score] | None) -> Change:
    """Return a row of either, before its test is read together with the others."""
    known = ours or theirs
    assert known is not None  # the label is of one of them
    mine, other = (Score(missing="not in it") if found is None else found[1] for found in (ours, theirs))
    plain = Change(row=label, shown=known[0].shown, ours=mine.stat, theirs=other.stat)
    if mine.stat is None and other.stat is None:
        return dataclasses.replace(plain, why=mine.missing)
    if mine.stat is None or other.stat is None:
        verdict: Verdict = "only ours" if other.stat is None else "only theirs"
        return dataclasses.replace(plain, verdict=verdict, why=mine.missing or other.missing)
    common = mine.by_seed.keys() & other.by_seed.keys()
    if common and all(abs(mine.by_seed[seed] - other.by_seed[seed]) < EQUAL for seed in common):
        why = "" if mine.by_seed.keys() == other.by_seed.keys() else f"in the {len(common)} common seeds"
        return dataclasses.replace(plain, difference=0.0, pairs=len(common), verdict="the same", why=why)
    found = contrast(mine.by_seed, other.by_seed)
    verdict = "too few seeds" if found.p is None else "within noise"
    pairs = len(found.seeds) if found.is_paired else 0
    return dataclasses.replace(plain, difference=found.mean, test=found.kind, pairs=pairs, p=found.p, verdict=verdict)


def _judged(cells: Sequence[CellChanges], level: float) -> Iterator[CellChanges]:
    """Yield the cells with p values adjusted for all of them together, and what they say."""
    adjusted = iter(holm([change.p for of in cells for change in of.changes]))
    for of in cells:
        yield dataclasses.replace(of, changes=tuple(_with(change, next(adjusted), level) for change in of.changes))


def _with(change: Change, adjusted: float | None, level: float) -> Change:
    if adjusted is None:
        return change
    verdict: Verdict = "moved" if adjusted <= level else "within noise"
    return dataclasses.replace(change, adjusted=adjusted, verdict=verdict)
