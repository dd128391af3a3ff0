"""Two sweeps side by side, a table for each cell."""

from collections import Counter
from collections.abc import Iterator

from reports.tables.against.changes import CellChanges, Change, SweepComparison
from reports.tables.table import NONE, Cell, Column, Number, Records, Row, Table, Text, Value
from reports.tables.wording import SHOWN, label, number, p_value, shown_of
from trainers.texts.counting import counted

HEADS = ("row", "difference", "p", "verdict")
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
ORDER = ("moved", "within noise", "the same", "too few seeds", "only ours", "only theirs", "no number")


def build(comparison: SweepComparison) -> list[Table]:
    """Return a table for each cell of either."""
    return [_table(comparison, of, place) for place, of in enumerate(comparison.cells, start=1)]


def _table(comparison: SweepComparison, of: CellChanges, place: int) -> Table:
    row, *others = HEADS
    sides = [Column(head=name, stacked=(name,)) for name in (comparison.ours, comparison.theirs)]
    columns = [Column(head=row, kind="text"), *sides, *(Column(head=head) for head in others[:-1])]
    return Table(
        name=f"compare-{place}",
        title=of.cell.title,
        label=f"tab:{label(comparison.ours)}-compare-{place}",
        columns=(*columns, Column(head=others[-1], kind="text")),
        rows=tuple(Row(cells=tuple(_cells(change, comparison))) for change in of.changes),
        caption=f"{of.cell.title}: {comparison.ours} against {comparison.theirs}.",
        notes=(" ".join(_explained(comparison)),),
        records=Records(fields=FIELDS, lines=tuple(tuple(_record(of, change)) for change in of.changes)),
    )


def _cells(change: Change, comparison: SweepComparison) -> Iterator[Cell]:
    digits = comparison.digits
    yield Text(text=change.shown)
    for stat in (change.ours, change.theirs):
        yield NONE if stat is None else number(stat, digits)
    yield NONE if change.difference is None else Number(value=change.difference, digits=digits, signed=True)
    test = "" if change.test == "paired t" else f" ({change.test})"
    yield p_value(change.adjusted, 3, after=test) or NONE
    yield Text(text=_verdict(change, comparison), strong=change.moved)


def _verdict(change: Change, comparison: SweepComparison) -> str:
    text = _name(change.verdict, comparison)
    if change.verdict == "the same":
        return f"{text} {change.why}".strip()
    return f"{text}: {change.why}" if change.why and change.why != "not in it" else text


def _name(verdict: str, comparison: SweepComparison) -> str:
    names = {"only ours": f"only in {comparison.ours}", "only theirs": f"only in {comparison.theirs}"}
    return names.get(verdict, verdict)


def summary(comparison: SweepComparison) -> str:
    """Return how many numbers moved, in a sentence."""
    counts: Counter[str] = Counter(change.verdict for change in comparison.changes)
    told = [f"{counts[verdict]} {_name(verdict, comparison)}" for verdict in ORDER if counts[verdict]]
    return f"Of {counted(len(comparison.changes), 'number')}: {', '.join(told) or 'none'}."


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


def _record(of: CellChanges, change: Change) -> Iterator[Value]:
    cell = of.cell
    yield from (cell.id, cell.dataset, cell.teacher, cell.student, change.row)
    for stat in (change.ours, change.theirs):
        yield from (0, None, None) if stat is None else (stat.n, stat.mean, stat.std)
    yield change.difference
    yield change.test
    yield change.pairs
    yield from (None if p is None else f"{p:.6f}" for p in (change.p, change.adjusted))
    yield change.verdict
    yield change.why
    yield from shown_of(change.shown, cell)
