"""Our numbers beside published figures, a table for each cell: the best epoch of each, for published ones are that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from reports.board.board import Board, Line
from reports.board.score import by_seed, dimension_names
from reports.published import figures as published
from reports.published.comparable import PLAIN, Setting, reasons
from reports.published.figures import Figure
from reports.results import naming
from reports.results.measures import Measure
from reports.results.naming import STANDARDIZE
from reports.results.states import is_reported
from reports.results.sweep import ALONE, dataset_facts
from reports.results.sweep import Cell as Pair
from reports.statistics.spread import Stat, paired_difference, summarise
from reports.stores import METHOD_PREFIX, TEACHER_VARIANT, RunRecord
from reports.tables.table import EMPTY, NONE, Cell, Missing, Number, Records, Row, Table, Text, Value
from reports.tables.wording import SHOWN, STUDENT_ALONE, label, number, numbers, numbers_of, shown_of, signed, words

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

KD = "kd"
UNKNOWN = "no published figure known"
DECIMALS = 4
"""Of a difference: the sum of binary fractions must not decide whether it is within a spread."""
PUBLISHED_DIGITS = 2
"""Decimals of a published figure; ours have as many or more, so that differences add up."""
HEADS = ("ours", "published", "difference", "our gain", "their gain", "usual spread", "comparable")
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

Kind = Literal["teacher", "alone", "method", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A row of ours in a cell and one published figure; or one of the two where the other is missing."""

    kind: Kind
    """published: a method that was not run here."""
    shown: str
    row: str = ""
    """The row's label; empty for a method that was not run here."""
    method: str
    """As the file of figures calls it."""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    """Ours, in the best epoch on the test images."""
    trials: tuple[int, ...] = ()
    """Places in `Results.trials` of those behind it."""
    setting: Setting | None = None
    """How ours were trained."""
    missing: str = ""
    """Why there is no number of ours, or not of every seed."""
    gain: Stat | None = None
    """Ours less our row of kd, seed by seed."""
    figure: Figure | None = None
    kd: Figure | None = None
    """What the published gain is over."""
    spread: float | None = None
    """How far repetitions usually lie from published figures, in points; None where that is not known."""
    reasons: tuple[str, ...] = ()
    """Why the two are not comparable."""
    note: str = ""
    """What to say where there is no figure."""
    withheld: bool = False
    """There are figures, but none in a text that could be read."""

    @property
    def stat(self) -> Stat | None:
        """Mean and spread of ours; None where there is no number."""
        return summarise(self.by_seed)

    @property
    def difference(self) -> float | None:
        """Ours less the published one, in points."""
        stat = self.stat
        return None if stat is None or self.figure is None else round(stat.mean - self.figure.value, DECIMALS)

    @property
    def published_gain(self) -> float | None:
        """The published figure less the published kd, in points."""
        return None if self.figure is None or self.kd is None else round(self.figure.value - self.kd.value, DECIMALS)

    @property
    def within(self) -> bool | None:
        """Whether the difference lies within the usual spread; None where one of them is not known."""
        return None if self.difference is None or self.spread is None else abs(self.difference) <= self.spread

    @property
    def comparable(self) -> bool | None:
        """Whether the two may be compared; None where one of them is missing."""
        return None if self.difference is None else not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class CellComparison:
    """All of one cell: our rows in the table's order, then published methods that were not run here."""

    cell: Pair
    measure: Measure
    baseline: str
    """Shown name of the row that our gains are over; empty where there is none."""
    lines: tuple[Beside, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A whole sweep beside published figures."""

    board: Board
    cells: tuple[CellComparison, ...]

    stem = "against"
    """Of its files."""
    beside = "published figures"
    summary = ""

    @property
    def title(self) -> str:
        return f"{self.board.name} beside published figures"

    def tables(self) -> list[Table]:
        """Return a table for each cell: our rows in the board's order with every figure of theirs."""
        rows = dict.fromkeys(of.baseline for of in self.cells if of.baseline)
        over = f"our row {' or '.join(rows)}" if rows else "a row of KD, which there is none of here"
        return [_table(of, self.board, over, place) for place, of in enumerate(self.cells, start=1)]


def beside_published(results: "Results", board: Board) -> Comparison:
    """Return a sweep's numbers beside published figures, with whatever has ended so far."""
    facts = dataset_facts(results.resolved)
    cells = []
    for column, cell in enumerate(board.cells):
        views, ours = str((facts.get(cell.dataset) or {}).get("view_set") or ""), []
        for line in board.lines:
            own = board.behind.of(cell, None if line.kind == "teacher" else line.row)
            ours.append(_ours(line, column, own, results, views))
        cells.append(_beside(cell, board, ours))
    return Comparison(board=board, cells=tuple(cells))


def _ours(line: Line, column: int, trials: "pd.DataFrame", results: "Results", views: str) -> Beside:
    """Return one row of ours in one cell, without any figure."""
    score, counted = line.scores[column], trials if line.kind == "teacher" else trials[is_reported(trials)]
    best = by_seed(counted, best_epoch=True)
    keys = counted.loc[counted["seed"].isin(list(best)), "trial_key"]
    run = results.runs.get(keys.iloc[0], RunRecord("")) if len(keys) else RunRecord("")
    given = str(line.row.hyperparameters.get(STANDARDIZE, False))
    standardized = run.params.get(METHOD_PREFIX + STANDARDIZE, given).lower() == "true"
    method = line.row.method if line.kind == "method" else ALONE
    return Beside(
        kind=line.kind,
        shown=line.shown,
        row=line.row.label,
        method=published.published_method(method, standardized=standardized),
        by_seed=best,
        trials=score.trials,
        missing=score.missing or ("" if best else "no best epoch recorded"),
        setting=Setting(
            params=run.params,
            taught_by=run.tags.get(TEACHER_VARIANT, PLAIN),
            searched=dimension_names(trials, line.row) if line.searched else (),
            views=views,
        ),
    )


def _beside(cell: Pair, board: Board, ours: Sequence[Beside]) -> CellComparison:
    """Return the rows of a cell, each with every published figure of its method, then what was not run here."""
    teacher, student = (published.published_network(cell.dataset, name) for name in (cell.teacher, cell.student))
    networks = {"teacher": ("", teacher), "alone": ("", student), "method": (teacher, student)}
    figures = {kind: published.figures(cell.dataset, *pair) for kind, pair in networks.items()}
    spreads = {kind: published.usual_spread(cell.dataset, tuple(filter(None, pair))) for kind, pair in networks.items()}
    kds = [figure for figure in figures["method"] if figure.method == KD]
    ranked = zip(ours, board.lines, strict=True)
    own_kds = [(line.searched, bool(line.row.hyperparameters), row) for row, line in ranked if row.method == KD]
    baseline = min((one for one in own_kds if one[2].by_seed), key=lambda one: one[:2], default=(0, 0, None))[2]
    strange = next((_strange(row, figures, spreads["teacher"]) for row in ours if row.kind == "teacher"), "")
    lines = []
    for row in ours:
        is_compared = baseline is not None and row is not baseline and row.kind != "teacher"
        gain = paired_difference(row.by_seed, baseline.by_seed) if is_compared and baseline is not None else None
        own = replace(row, gain=gain, spread=spreads[row.kind])
        mine = [figure for figure in figures[row.kind] if figure.method == row.method]
        lines += [
            replace(
                own,
                figure=figure,
                kd=None if row.kind == "teacher" else _kd(figure, kds),
                reasons=tuple(_reasons(row, figure, strange)),
            )
            for figure in mine
        ]
        why = published.why_unknown(row.method)
        lines += [] if mine else [replace(own, note=why or UNKNOWN, withheld=bool(why))]
    ran = {row.method for row in ours if row.kind != "teacher"}
    for figure in (*figures["alone"], *figures["method"]):
        if figure.method not in ran:
            plain = figure.method.removesuffix(published.STANDARDIZED)
            shown = naming.entry(figure.method, plain, (), {}) + (f" ({STUDENT_ALONE})" if plain == ALONE else "")
            kd = _kd(figure, kds)
            lines.append(Beside(kind="published", shown=shown, method=figure.method, figure=figure, kd=kd))
    over = "" if baseline is None else baseline.shown
    return CellComparison(cell=cell, measure=board.measure(cell), baseline=over, lines=tuple(lines))


def _kd(figure: Figure, kds: Sequence[Figure]) -> Figure | None:
    """Return the published kd that a figure's gain is over: of the same source, else the first."""
    same = (kd for kd in kds if published.same_source(kd, figure))
    return None if figure.method == KD else next(same, kds[0] if kds else None)


def _reasons(row: Beside, figure: Figure, strange: str) -> Iterator[str]:
    if row.by_seed and row.setting is not None:
        yield from reasons(row.setting, figure)
        yield from [strange] if row.kind == "method" and strange else []


def _strange(row: Beside, figures: Mapping[str, Sequence[Figure]], spread: float | None) -> str:
    """Return what is different about our teacher, where it is further from the published one than usual."""
    for figure in figures["teacher"]:
        stat = row.stat if figure.method == ALONE else None
        if stat is not None and spread is not None and abs(stat.mean - figure.value) > spread:
            return f"our teacher has {stat.mean:.2f}, theirs {figure.value:.2f}"
    return ""


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(of: CellComparison, board: Board, over: str, place: int) -> Table:
    digits = max(board.options.digits, PUBLISHED_DIGITS)
    ours = [beside for beside in of.lines if beside.kind != "published"]
    before = [None, *((beside.kind, beside.row) for beside in ours)]
    firsts = [(beside.kind, beside.row) != last for beside, last in zip(ours, before, strict=False)]
    title = f"{of.cell.title}, {of.measure.label}"
    return Table(
        name=f"against-{place}",
        title=title,
        label=f"tab:{label(board.name)}-against-{place}",
        columns=(words("method"), *numbers(*HEADS)),
        rows=tuple(Row(cells=tuple(_cells(*one, digits))) for one in zip(ours, firsts, strict=True)),
        caption=f"{title}.",
        notes=(*_not_run(of), PURPOSE, COLUMNS.format(over=over)),
        records=Records(fields=FIELDS, lines=tuple(tuple(_record(of, beside)) for beside in of.lines)),
    )


def _name(beside: Beside) -> str:
    return f"{beside.shown} ({STUDENT_ALONE})" if beside.kind == "alone" else beside.shown


def _cells(beside: Beside, first: bool, digits: int) -> Iterator[Cell]:
    """Yield the cells of a line; one that is not the first of its row has the same number of ours."""
    stat, figure = beside.stat, beside.figure
    yield Text(text=_name(beside) if first else "")
    if not first:
        yield EMPTY
    elif stat is None:
        yield Missing(why=beside.missing, trials=beside.trials)
    else:
        yield number(stat, digits, trials=beside.trials, inside=stat.n, lacking=beside.missing)
    yield NONE if figure is None else Number(value=figure.value, digits=PUBLISHED_DIGITS, notes=(figure.source,))
    yield signed(beside.difference, digits)
    yield signed(None if beside.gain is None else beside.gain.mean, digits) if first else EMPTY
    yield signed(beside.published_gain, digits)
    within = f"{'within' if beside.within else 'outside'} ±{beside.spread or 0:g}"
    told = within if beside.spread is not None else "no spread is known"
    yield NONE if beside.difference is None else Text(text=told)
    if figure is None:
        yield Text(text="–", notes=(f"{NOT_IN_TEXT}: {beside.note}" if beside.withheld else beside.note,))
    elif beside.comparable is None:
        yield NONE
    else:
        yield Text(text="yes") if beside.comparable else Text(text="no", notes=beside.reasons)


def _not_run(of: CellComparison) -> Iterator[str]:
    others = [(beside, beside.figure) for beside in of.lines if beside.kind == "published" and beside.figure]
    told = (f"{_name(one)} {figure.value:.{PUBLISHED_DIGITS}f} ({figure.source})" for one, figure in others)
    if others:
        yield f"Published, {NOT_RUN}: {', '.join(told)}."


def _record(of: CellComparison, beside: Beside) -> Iterator[Value]:
    figure = beside.figure
    yield from (*of.cell.names, beside.row, beside.method, of.measure.name)
    yield from numbers_of(beside.stat)
    yield from (None, None) if figure is None else (figure.value, figure.source)
    yield beside.difference
    yield None if beside.gain is None else beside.gain.mean
    yield beside.published_gain
    yield None if beside.kd is None else beside.kd.value
    yield None if beside.spread is None else float(beside.spread)
    yield WHETHER[beside.within]
    yield WHETHER[beside.comparable]
    yield "; ".join([beside.note] if figure is None else [NOT_RUN] if beside.kind == "published" else beside.reasons)
    yield beside.missing
    yield from shown_of(beside.shown, of.cell)
