"""Our numbers beside published figures, as plain data: the best epoch of each, for published ones are that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reports.board.board import Board, Line, Parts, of_teacher
from reports.board.score import Score, by_seed, dimension_names
from reports.published import figures as published_figures
from reports.published.comparable import ALONE, STANDARDIZE, Setting, reasons
from reports.published.figures import Figure
from reports.results import naming
from reports.results.measures import Measure
from reports.results.states import is_reported
from reports.results.sweep import Cell
from reports.statistics.spread import Stat, paired_difference, summarise
from reports.stores import METHOD_PREFIX

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

KD = "kd"
UNKNOWN = "no published figure known"


DECIMALS = 4
"""Of a difference: the sum of binary fractions must not decide whether it is within a spread."""

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
    stat: Stat | None = None
    """Ours, in the best epoch on the test images."""
    trials: tuple[int, ...] = ()
    """Places in `Results.trials` of those behind it."""
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
    def difference(self) -> float | None:
        """Ours less the published one, in points."""
        if self.stat is None or self.figure is None:
            return None
        return round(self.stat.mean - self.figure.value, DECIMALS)

    @property
    def published_gain(self) -> float | None:
        """The published figure less the published kd, in points."""
        if self.figure is None or self.kd is None:
            return None
        return round(self.figure.value - self.kd.value, DECIMALS)

    @property
    def within(self) -> bool | None:
        """Whether the difference lies within the usual spread; None where one of them is not known."""
        if self.difference is None or self.spread is None:
            return None
        return abs(self.difference) <= self.spread

    @property
    def comparable(self) -> bool | None:
        """Whether the two may be compared; None where one of them is missing."""
        return None if self.difference is None else not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class CellComparison:
    """All of one cell: our rows in the table's order, then published methods that were not run here."""

    cell: Cell
    measure: Measure
    spread: float | None
    """Of the pair."""
    baseline: str
    """Shown name of the row that our gains are over; empty where there is none."""
    lines: tuple[Beside, ...]

    @property
    def ours(self) -> tuple[Beside, ...]:
        """The lines of our own rows."""
        return tuple(beside for beside in self.lines if beside.kind != "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A whole sweep beside published figures."""

    board: Board
    cells: tuple[CellComparison, ...]


def beside_published(results: "Results", board: Board) -> Comparison:
    """Return a sweep's numbers beside published figures, with whatever has ended so far."""
    trials = results.trials
    teachers, parts = trials[trials["phase"] == "teacher"], Parts(trials[trials["phase"] != "teacher"])
    infos = (results.resolved.get("facts") or {}).get("datasets") or {}
    cells = []
    for column, cell in enumerate(board.cells):
        views = str((infos.get(cell.dataset) or {}).get("view_set") or "")
        ours = []
        for line in board.lines:
            own = of_teacher(teachers, cell) if line.kind == "teacher" else parts.of(cell, line.row)
            ours.append(_ours(line, line.scores[column], own, results.params, views))
        cells.append(_cell(cell, board.measure(cell), ours))
    return Comparison(board=board, cells=tuple(cells))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    """One row of ours in one cell."""

    line: Line
    method: str
    by_seed: Mapping[int, float]
    missing: str
    trials: tuple[int, ...]
    setting: Setting


def _ours(
    line: Line, score: Score, trials: "pd.DataFrame", params: Mapping[str, Mapping[str, str]], views: str
) -> _Ours:
    counted = trials if line.kind == "teacher" else trials[is_reported(trials)]
    best = by_seed(counted, best_epoch=True)
    keys = counted.loc[counted["seed"].isin(list(best)), "trial_key"]
    run = params.get(keys.iloc[0], {}) if len(keys) else {}
    given = str(line.row.hyperparameters.get(STANDARDIZE, False))
    standardized = run.get(METHOD_PREFIX + STANDARDIZE, given).lower() == "true"
    method = ALONE if line.kind != "method" else line.row.method
    return _Ours(
        line=line,
        method=published_figures.published_method(method, standardized=standardized),
        by_seed=best,
        trials=score.trials,
        missing=score.missing or ("" if best else "no best epoch recorded"),
        setting=Setting(params=run, searched=dimension_names(trials, line.row) if line.searched else (), views=views),
    )


def _cell(cell: Cell, measure: Measure, ours: Sequence[_Ours]) -> CellComparison:
    pair = _Pair(cell, ours)
    lines = [beside for row in ours for beside in pair.beside(row)]
    return CellComparison(
        cell=cell,
        measure=measure,
        spread=pair.spread("method"),
        baseline=pair.baseline.line.shown if pair.baseline is not None else "",
        lines=(*lines, *pair.not_run({row.method for row in ours if row.line.kind != "teacher"})),
    )


class _Pair:
    """What is published for the pair of a cell, and what all its rows are compared by."""

    def __init__(self, cell: Cell, ours: Sequence[_Ours]) -> None:
        self.dataset = cell.dataset
        self.teacher = published_figures.published_network(cell.dataset, cell.teacher)
        self.student = published_figures.published_network(cell.dataset, cell.student)
        self.kds = self.figures("method", KD)
        kds = [row for row in ours if row.method == KD and row.by_seed]
        self.baseline = min(kds, key=lambda row: (row.line.searched, bool(row.line.row.hyperparameters)), default=None)
        self.teacher_reason = next((self._teacher_reason(row) for row in ours if row.line.kind == "teacher"), "")

    def figures(self, kind: Kind, method: str | None = None) -> tuple[Figure, ...]:
        """Return what is published of the teacher, of the student alone, or of a method (of all: None)."""
        teacher = "" if kind in ("teacher", "alone") else self.teacher
        student = self.teacher if kind == "teacher" else self.student
        return published_figures.figures(self.dataset, teacher, student, method)

    def spread(self, kind: Kind) -> float | None:
        """Return the usual spread of a number that these networks are behind."""
        networks = {"teacher": (self.teacher,), "alone": (self.student,)}.get(kind, (self.teacher, self.student))
        return published_figures.usual_spread(self.dataset, networks)

    def beside(self, row: _Ours) -> Iterator[Beside]:
        """Yield a row of ours with each published figure of its method, or alone."""
        kind = row.line.kind
        gain = None
        if self.baseline is not None and row is not self.baseline and kind != "teacher":
            gain = paired_difference(row.by_seed, self.baseline.by_seed)
        why = published_figures.why_unknown(row.method)
        for figure in self.figures(kind, row.method) or (None,):
            yield Beside(
                kind=kind,
                shown=row.line.shown,
                row=row.line.row.label,
                method=row.method,
                stat=summarise(row.by_seed),
                trials=row.trials,
                missing=row.missing,
                gain=gain,
                figure=figure,
                kd=None if figure is None or kind == "teacher" else self.kd(figure),
                spread=self.spread(kind),
                reasons=() if figure is None else tuple(self._reasons(row, figure)),
                note="" if figure is not None else why or UNKNOWN,
                withheld=figure is None and bool(why),
            )

    def not_run(self, ran: set[str]) -> Iterator[Beside]:
        """Yield the figures of methods that were not run here."""
        kinds: tuple[Kind, ...] = ("alone", "method")
        for figure in (figure for kind in kinds for figure in self.figures(kind) if figure.method not in ran):
            plain = figure.method.removesuffix(published_figures.STANDARDIZED)
            shown = naming.entry(figure.method, plain, (), {}) + (" (student alone)" if plain == ALONE else "")
            yield Beside(kind="published", shown=shown, method=figure.method, figure=figure, kd=self.kd(figure))

    def kd(self, figure: Figure) -> Figure | None:
        """Return the published kd that a figure's gain is over: of the same source, else the first."""
        if figure.method == KD:
            return None
        same = (kd for kd in self.kds if published_figures.same_source(kd, figure))
        return next(same, self.kds[0] if self.kds else None)

    def _reasons(self, row: _Ours, figure: Figure) -> Iterator[str]:
        if not row.by_seed:
            return
        yield from reasons(row.setting, figure)
        if row.line.kind == "method" and self.teacher_reason:
            yield self.teacher_reason

    def _teacher_reason(self, row: _Ours) -> str:
        """Return what is different about our teacher, where it is further from the published one than usual."""
        stat, spread = summarise(row.by_seed), self.spread("teacher")
        for figure in self.figures("teacher", ALONE):
            if stat is not None and spread is not None and abs(stat.mean - figure.value) > spread:
                return f"our teacher has {stat.mean:.2f}, theirs {figure.value:.2f}"
        return ""
