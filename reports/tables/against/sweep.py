"""Two sweeps, or two states of one, side by side: rows of one label in cells of one id, a table for each cell."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from reports.board.board import NO_TEACHER, Board, Line
from reports.board.score import Score
from reports.results.sweep import Cell as Pair
from reports.statistics.contrasts import Kind, contrast
from reports.statistics.holm import holm
from reports.statistics.spread import Stat
from reports.tables.table import NONE, Cell, Column, Records, Row, Table, Text, Value
from reports.tables.wording import SHOWN, label, number, numbers, numbers_of, p_value, shown_of, signed, words
from trainers.texts.counting import counted

Key = TypeVar("Key")
EQUAL = 1e-9
"""Points by which the same number may differ after it was written down."""
CONTRACT = {
    "cell": "data set and pair",
    "dataset": "name of the data set",
    "teacher": "name of the teacher",
    "student": "name of the student",
    "row": "the entry with its grid values",
    "n": "seeds of A",
    "mean": "of A, percent",
    "std": "of A",
    "other_n": "seeds of B",
    "other_mean": "of B",
    "other_std": "of B",
    "difference": "A less B, in points; over the seeds of both where two or more are common",
    "test": "`paired t`, `Welch`, `sign flip`; empty for none",
    "pairs": "seeds that both have",
    "p": "two-sided",
    "p_adjusted": "by Holm's method",
    "verdict": "as above; `only ours` is A, `only theirs` B",
    "why": "why there is no number",
    **SHOWN,
}
"""Contract of compare.csv. Percent and points with at most 4 decimals; p values with 6."""
FIELDS = tuple(CONTRACT)
NOT_IN_IT = "not in it"

Verdict = Literal["moved", "within noise", "the same", "too few seeds", "only ours", "only theirs", "no number"]
"""What can be said of one row in one cell; `the same`: the same numbers in all seeds that both have."""
ORDER: tuple[Verdict, ...] = ("moved", "within noise", "the same", "too few seeds", "only ours", "only theirs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row in one cell, in both."""

    row: str
    """The row's label; `teacher` for the teacher."""
    shown: str
    ours: Stat | None
    theirs: Stat | None
    difference: float | None = None
    """Ours less theirs, in points; over the seeds of both where two or more are common."""
    test: Kind = ""
    """Of the difference; see `reports.statistics.contrasts`."""
    pairs: int = 0
    """Seeds that both have, where the difference is by them."""
    p: float | None = None
    """Two-sided; None without a test."""
    adjusted: float | None = None
    """The p value by Holm's method."""
    verdict: Verdict = "no number"
    why: str = ""
    """Why there is no number on a side, or of which seeds equal numbers are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChanges:
    """All of one cell: the rows that both have in our order, then ours alone, then theirs."""

    cell: Pair
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepComparison:
    """A whole sweep against another."""

    ours: str
    theirs: str
    digits: int
    level: float
    """Of the whole comparison: p values are raised by Holm's method for as many as there are."""
    cells: tuple[CellChanges, ...]
    """Those that both have in our order, then ours alone, then theirs."""

    stem = "compare"
    """Of its files."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """All lines of all cells."""
        return tuple(change for of in self.cells for change in of.changes)

    @property
    def beside(self) -> str:
        return self.theirs

    @property
    def title(self) -> str:
        return f"{self.ours} against {self.theirs}"

    @property
    def summary(self) -> str:
        """How many numbers moved, in a sentence."""
        counts: Counter[str] = Counter(change.verdict for change in self.changes)
        told = [f"{counts[verdict]} {_name(verdict, self)}" for verdict in (*ORDER, "no number") if counts[verdict]]
        return f"Of {counted(len(self.changes), 'number')}: {', '.join(told) or 'none'}."

    def tables(self) -> list[Table]:
        """Return a table for each cell of either."""
        return [_table(self, of, place) for place, of in enumerate(self.cells, start=1)]


def compare_boards(ours: Board, theirs: Board, names: tuple[str, str] | None = None) -> SweepComparison:
    """Return our numbers against theirs, with whatever has ended so far.

    Args:
        names: what the two are called; by default their own names.
    """
    mine, others = ({cell.id: cell for cell in board.cells} for board in (ours, theirs))
    every, level = {**others, **mine}, ours.options.level
    found = {name: list(_changes(every[name], ours, theirs)) for name in _common_first(mine, others)}
    adjusted = iter(holm([change.p for of in found.values() for change in of]))
    cells = tuple(
        CellChanges(cell=every[name], changes=tuple(_judged(change, next(adjusted), level) for change in of))
        for name, of in found.items()
    )
    first, second = names or (ours.name, theirs.name)
    digits = max(ours.options.digits, theirs.options.digits)
    return SweepComparison(ours=first, theirs=second, digits=digits, level=level, cells=cells)


def _common_first(mine: Collection[Key], others: Collection[Key]) -> list[Key]:
    """Return what both have in our order, then ours alone, then theirs."""
    return sorted(dict.fromkeys([*mine, *others]), key=lambda key: not (key in mine and key in others))


def _changes(cell: Pair, ours: Board, theirs: Board) -> Iterator[Change]:
    mine, others = _scores(ours, cell), _scores(theirs, cell)
    for key in _common_first(mine, others):
        both = mine.get(key), others.get(key)
        if any(found is not None and found[1].missing != NO_TEACHER for found in both):
            shown = next(found[0].shown for found in both if found is not None)
            a, b = (Score(missing=NOT_IN_IT) if found is None else found[1] for found in both)
            plain = Change(row=key[1], shown=shown, ours=a.stat, theirs=b.stat)
            yield _change(plain, _unstopped(a, ours), _unstopped(b, theirs))


def _unstopped(score: Score, board: Board) -> Score:
    """Return a score without the seeds that a row has because of what it scored."""
    if board.settling is None or not board.settling.looks:
        return score
    return replace(score, by_seed={seed: of for seed, of in score.by_seed.items() if seed < board.settling.looks[0]})


def _scores(board: Board, cell: Pair) -> dict[tuple[bool, str], tuple[Line, Score]]:
    """Return the scores of a cell by (whether it is the teacher, label): an entry may be called `teacher`, too."""
    column = next((i for i, own in enumerate(board.cells) if own.id == cell.id), None)
    lines = board.lines if column is not None else ()
    return {(line.kind == "teacher", line.row.label): (line, line.scores[column or 0]) for line in lines}


def _change(plain: Change, ours: Score, theirs: Score) -> Change:
    """Return a row of either, before its test is read together with the others."""
    if plain.ours is None and plain.theirs is None:
        return replace(plain, why=ours.missing)
    if plain.ours is None or plain.theirs is None:
        verdict: Verdict = "only ours" if plain.theirs is None else "only theirs"
        return replace(plain, verdict=verdict, why=ours.missing or theirs.missing)
    common = ours.by_seed.keys() & theirs.by_seed.keys()
    if common and all(abs(ours.by_seed[seed] - theirs.by_seed[seed]) < EQUAL for seed in common):
        why = "" if ours.by_seed.keys() == theirs.by_seed.keys() else f"in the {len(common)} common seeds"
        return replace(plain, difference=0.0, pairs=len(common), verdict="the same", why=why)
    found = contrast(ours.by_seed, theirs.by_seed)
    verdict = "too few seeds" if found.p is None else "within noise"
    return replace(plain, difference=found.mean, test=found.kind, pairs=found.pairs, p=found.p, verdict=verdict)


def _judged(change: Change, adjusted: float | None, level: float) -> Change:
    if adjusted is None:
        return change
    return replace(change, adjusted=adjusted, verdict="moved" if adjusted <= level else "within noise")


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(comparison: SweepComparison, of: CellChanges, place: int) -> Table:
    sides = [Column(head=name, stacked=(name,)) for name in (comparison.ours, comparison.theirs)]
    return Table(
        name=f"compare-{place}",
        title=of.cell.title,
        label=f"tab:{label(comparison.ours)}-compare-{place}",
        columns=(words("row"), *sides, *numbers("difference", "p"), words("verdict")),
        rows=tuple(Row(cells=tuple(_cells(change, comparison))) for change in of.changes),
        caption=f"{of.cell.title}: {comparison.title}.",
        notes=(" ".join(_explained(comparison)),),
        records=Records(fields=FIELDS, lines=tuple(tuple(_record(of.cell, change)) for change in of.changes)),
    )


def _cells(change: Change, comparison: SweepComparison) -> Iterator[Cell]:
    yield Text(text=change.shown)
    for stat in (change.ours, change.theirs):
        yield NONE if stat is None else number(stat, comparison.digits)
    yield signed(change.difference, comparison.digits)
    test = "" if change.test == "paired t" else f" ({change.test})"
    yield p_value(change.adjusted, 3, after=test) or NONE
    told = [_name(change.verdict, comparison)]
    if change.verdict == "the same":
        told += [change.why] if change.why else []
    elif change.why and change.why != NOT_IN_IT:
        told = [f"{told[0]}:", change.why]
    yield Text(text=" ".join(told), strong=change.verdict == "moved")


def _name(verdict: str, comparison: SweepComparison) -> str:
    names = {"only ours": f"only in {comparison.ours}", "only theirs": f"only in {comparison.theirs}"}
    return names.get(verdict, verdict)


def _explained(comparison: SweepComparison) -> Iterator[str]:
    """Yield the sentences that a reader needs to trust the tables."""
    yield (
        f"Difference: {comparison.ours} less {comparison.theirs}, in points on the test images after the last epoch; "
        "mean ± sample standard deviation (number of seeds)."
    )
    tests = {change.test for change in comparison.changes if change.p is not None}
    if tests:
        others = {"Welch": "Welch's where fewer than two are common", "sign flip": "a sign flip where all moved alike"}
        told = "".join(f", or {text}" for test, text in others.items() if test in tests)
        yield (
            f"p: two-sided t test, paired over the seeds that both have{told}; raised by Holm's method for all of them "
            f"together. Moved: at most {comparison.level:g}."
        )
    if any(change.verdict == "too few seeds" for change in comparison.changes):
        yield "Too few seeds: fewer than two on a side, so nothing is known of the noise."


def _record(cell: Pair, change: Change) -> Iterator[Value]:
    yield from (*cell.names, change.row)
    for stat in (change.ours, change.theirs):
        yield from numbers_of(stat)
    yield from (change.difference, change.test, change.pairs)
    yield from (None if p is None else f"{p:.6f}" for p in (change.p, change.adjusted))
    yield from (change.verdict, change.why, *shown_of(change.shown, cell))
