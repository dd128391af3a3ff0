"""Our numbers beside published figures, a table for each cell."""

from collections.abc import Iterator, Sequence

from reports.board.board import Board
from reports.tables.against.beside import Beside, CellComparison, Comparison
from reports.tables.table import EMPTY, NONE, Cell, Missing, Number, Records, Row, Table, Text, Value, columns_of
from reports.tables.wording import ALONE, SHOWN, label, number, shown_of

PUBLISHED_DIGITS = 2
"""Decimals of a published figure; ours have as many or more, so that differences add up."""
HEADS = ("method", "ours", "published", "difference", "our gain", "their gain", "usual spread", "comparable")
CONTRACT = {
    "cell": "data set and pair",
    "dataset": "name of the data set",
    "teacher": "name of the teacher",
    "student": "name of the student",
    "row": "the entry with its grid values, or `teacher`; empty for a method that the sweep has not",
    "method": "as the figures call it: `dkd+ls` with standardized logits; `ce` for a network alone and for the teacher",
    "measure": "`top1` or `miou`, in percent",
    "n": "seeds in our mean; 0 where there is none",
    "ours": "mean of the best epochs",
    "std": "of the sample; empty for one seed",
    "published": "the figure; empty where none is known",
    "source": "where it is from",
    "difference": "ours less the published figure, in points",
    "gain": "ours less our row of kd, in points, over the seeds that both have",
    "published_gain": "the figure less `published_kd`, in points",
    "published_kd": "the figure of kd that the published gain is over",
    "usual_spread": "in points; empty where none is known",
    "within": "yes or no: whether the difference is within it",
    "comparable": "yes or no; empty where there are not two numbers",
    "why": "why not, or why there is no figure",
    "missing": "why seeds are not in our mean",
    **SHOWN,
}
"""Contract of against.csv. Numbers in percent or points with at most 4 decimals; empty where there is none."""
FIELDS = tuple(CONTRACT)
WHETHER = {True: "yes", False: "no", None: ""}
NOT_IN_TEXT = "not published in text form"
NOT_RUN = "not run here"
PURPOSE = (
    "Best epoch against best epoch, in percent on the test images. Published figures are of the best epoch, so ours "
    "are too: the epoch is chosen on test. They are for checking a reproduction, not for quoting."
)
COLUMNS = (
    "Ours: mean ± sample standard deviation over seeds (number of seeds). Difference: ours less the published figure, "
    "in points. Gain over KD: ours over {over}, seed by seed; the published figure over the KD of the same source, "
    "else over the first one listed. Usual spread: how far repetitions lie from published figures, in points. A number "
    "is not comparable where its training is known to differ from the figure's."
)


def build(comparison: Comparison) -> list[Table]:
    """Return a table for each cell: our rows in the board's order with every figure of theirs."""
    found, board = comparison.cells, comparison.board
    rows = dict.fromkeys(of.baseline for of in found if of.baseline)
    over = f"our row {' or '.join(rows)}" if rows else "a row of KD, which there is none of here"
    return [_table(of, board, over, place) for place, of in enumerate(found, start=1)]


def _table(of: CellComparison, board: Board, over: str, place: int) -> Table:
    digits = max(board.options.digits, PUBLISHED_DIGITS)
    return Table(
        name=f"against-{place}",
        title=f"{of.cell.title}, {of.measure.label}",
        label=f"tab:{label(board.name)}-against-{place}",
        columns=columns_of(HEADS, (0,)),
        rows=tuple(Row(cells=tuple(_cells(*one, digits))) for one in _firsts(of.ours)),
        caption=f"{of.cell.title}, {of.measure.label}.",
        notes=(*_not_run(of), PURPOSE, COLUMNS.format(over=over)),
        records=Records(fields=FIELDS, lines=tuple(tuple(_record(of, beside)) for beside in of.lines)),
    )


def _firsts(lines: Sequence[Beside]) -> Iterator[tuple[Beside, bool]]:
    """Yield each line, and whether it is the first of its row: further ones have the same number of ours."""
    before = None
    for beside in lines:
        own = (beside.kind, beside.row or beside.method)
        yield beside, own != before
        before = own


def _name(beside: Beside) -> str:
    return f"{beside.shown} ({ALONE})" if beside.kind == "alone" else beside.shown


def _cells(beside: Beside, first: bool, digits: int) -> Iterator[Cell]:
    yield Text(text=_name(beside) if first else "")
    yield _ours(beside, digits) if first else EMPTY
    figure = beside.figure
    yield NONE if figure is None else Number(value=figure.value, digits=PUBLISHED_DIGITS, notes=(figure.source,))
    yield _signed(beside.difference, digits)
    yield _signed(None if beside.gain is None else beside.gain.mean, digits) if first else EMPTY
    yield _signed(beside.published_gain, digits)
    yield _spread(beside)
    yield _verdict(beside)


def _ours(beside: Beside, digits: int) -> Cell:
    if beside.stat is None:
        return Missing(why=beside.missing, trials=beside.trials)
    return number(beside.stat, digits, trials=beside.trials, inside=beside.stat.n, lacking=beside.missing)


def _signed(value: float | None, digits: int) -> Cell:
    return NONE if value is None else Number(value=value, digits=digits, signed=True)


def _spread(beside: Beside) -> Cell:
    """Return whether the difference lies within the usual spread."""
    if beside.difference is None:
        return NONE
    if beside.spread is None:
        return Text(text="no spread is known")
    return Text(text=f"{'within' if beside.within else 'outside'} ±{beside.spread:g}")


def _verdict(beside: Beside) -> Cell:
    if beside.figure is None:
        return Text(text="–", notes=(NOT_IN_TEXT + ": " + beside.note if beside.withheld else beside.note,))
    if beside.comparable is None:
        return NONE
    return Text(text="yes") if beside.comparable else Text(text="no", notes=beside.reasons)


def _not_run(of: CellComparison) -> Iterator[str]:
    others = [beside for beside in of.lines if beside.kind == "published" and beside.figure is not None]
    told = (
        f"{_name(one)} {one.figure.value:.{PUBLISHED_DIGITS}f} ({one.figure.source})" for one in others if one.figure
    )
    if others:
        yield f"Published, {NOT_RUN}: {', '.join(told)}."


def _record(of: CellComparison, beside: Beside) -> Iterator[Value]:
    cell, figure, stat = of.cell, beside.figure, beside.stat
    yield from (cell.id, cell.dataset, cell.teacher, cell.student, beside.row, beside.method)
    yield of.measure.final.removeprefix("final_")
    yield from (0, None, None) if stat is None else (stat.n, stat.mean, stat.std)
    yield from (None, None) if figure is None else (figure.value, figure.source)
    yield beside.difference
    yield None if beside.gain is None else beside.gain.mean
    yield beside.published_gain
    yield None if beside.kd is None else beside.kd.value
    yield None if beside.spread is None else float(beside.spread)
    yield WHETHER[beside.within]
    yield WHETHER[beside.comparable]
    yield "; ".join(_why(beside))
    yield beside.missing
    yield from shown_of(beside.shown, cell)


def _why(beside: Beside) -> tuple[str, ...]:
    """Return why two numbers are not comparable, or why one of them is missing."""
    if beside.figure is None:
        return (beside.note,)
    if beside.kind == "published":
        return (NOT_RUN,)
    return beside.reasons if beside.comparable is False else ()
