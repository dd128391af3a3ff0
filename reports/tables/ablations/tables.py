"""Ablations as tables: one each, or for a matrix one for each cell, and one of the differences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.board.score import Score
from reports.results import naming
from reports.results.sweep import ALONE
from reports.tables.ablations.ablation import Ablation, Level
from reports.tables.ablations.making import ablations
from reports.tables.difference import apart_note, difference_cell
from reports.tables.table import EMPTY, Cell, Column, Missing, Number, Records, Row, Table, Text, Tick, Value, decimals
from reports.tables.wording import (
    SHOWN,
    closed,
    label,
    measure_text,
    numbers_of,
    pair_columns,
    pair_text,
    score_cell,
    shown_of,
    signed,
    slug,
    words,
)
from trainers import titles
from trainers.texts.counting import counted

if TYPE_CHECKING:
    from reports.results.results import Results

GAIN = "Δ"
MOST_CELLS = 2
"""Beside one another; over more pairs a grid has pairs as rows, and terms are means over pairs."""
CONTRACT = {
    "ablation": "name of the table",
    "kind": "grid, matrix or terms",
    "cell": "data set and pair",
    "dataset": "name of the data set",
    "teacher": "name of the teacher",
    "student": "name of the student",
    "entry": "name under `methods`; empty for the teacher",
    "row": "the entry with its grid values",
    "method": "name of the method",
    "factors": "`k=5`; of terms `w0=on; w1=off; w2=without effect`; empty for a base from elsewhere",
    "base": "yes or no: whether it is the base",
    "n": "seeds in the mean",
    "mean": "percent",
    "std": "of the sample",
    "seeds": "those in the mean",
    "gain": "difference from the base in points: over the seeds that both have, of the means where fewer than two"
    " are common",
    "gain_std": "of the differences",
    "gain_n": "seeds in it; 0 where it is of the means",
    "missing": "why seeds are not in the mean",
    **SHOWN,
}
"""Contract of ablations.csv. Percent and points; names as in the sweep file, at the end as shown."""
FIELDS = tuple(CONTRACT)
WORDS = {True: "on", False: "off", None: "without effect"}


def build(results: "Results", board: Board) -> list[Table]:
    """Return the tables of all ablations, those of one after another; the first of each has its records."""
    return [table for n, item in enumerate(ablations(results, board), start=1) for table in tables(item, board, n)]


def tables(ablation: Ablation, board: Board, place: int = 1) -> Iterator[Table]:
    """Yield the tables of one ablation.

    Args:
        place: among all of the report, for its label.
    """
    base = ablation.base
    many = len(board.cells) > MOST_CELLS
    ablation = replace(ablation, label=ablation.label or f"tab:{label(board.name)}-ablation-{place}")
    if ablation.kind == "matrix":
        yield _table(ablation, board, *_matrix(ablation, board, None), best_of="pair", measured=_measured(board))
        if base is not None:
            over = f"{GAIN} over {base.shown}"
            second = _table(ablation, board, *_matrix(ablation, board, base), base=base, over=over)
            yield replace(second, label=f"{ablation.label}-2", records=None)
    elif ablation.kind == "grid" and many:
        columns, rows = _by_pair(ablation, board)
        yield _table(ablation, board, columns, rows, best_of="row", measured=_measured(board), base=base)
    else:
        columns, rows = _plain(ablation, board)
        measured = _measured(board, means=many)
        yield _table(ablation, board, columns, rows, best_of="column", measured=measured, base=base)


def _table(
    ablation: Ablation,
    board: Board,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    best_of: str = "",
    measured: str = "",
    base: Level | None = None,
    over: str = "",
) -> Table:
    """Return a table of an ablation.

    Args:
        best_of: what the best of are marked; empty for none.
        measured: what the numbers are; empty where `over` says it.
        base: that differences are from; None without any.
    """
    has_best = best_of and any(score.best for level in ablation.levels for score in level.scores)
    title = ablation.title + ("" if ablation.kind == "terms" else f": {' × '.join(_factors(ablation))}")
    told = []
    if base is not None:
        spread = "mean ± sample standard deviation of the differences (number of seeds)"
        told = [f"{GAIN}: difference from {base.shown} in points, seed by seed: {spread}."]
        told += apart_note(gain for level in ablation.levels for gain in level.gains)
    note = " ".join([*told, *ablation.notes])
    caption = [*closed(ablation.caption), f"{over}." if over else "", _about(ablation), measured]
    return Table(
        name=f"ablation-{slug(ablation.name)}",
        title=f"{title}, {over}" if over else title,
        label=ablation.label,
        columns=tuple(columns),
        rows=tuple(rows),
        caption=" ".join(filter(None, caption)),
        legend=(("best", f"highest mean of a {best_of}."),) if has_best else (),
        notes=(note,) if note else (),
        records=_records(ablation, board),
    )


def _factors(ablation: Ablation) -> list[str]:
    """Return the hyperparameters, or the methods of a combination, as people read them."""
    return [titles.method(titles.symbol(name)) for name in ablation.factors]


def _about(ablation: Ablation) -> str:
    if ablation.kind != "terms":
        values = zip(*(level.factors for level in ablation.inner), strict=True)
        over = [
            naming.setting(name, ", ".join(dict.fromkeys(map(str, of))))
            for name, of in zip(ablation.factors, values, strict=True)
        ]
        where = [" (down)", " (across)"] if ablation.kind == "matrix" else [""]
        told = " and ".join(map("".join, zip(over, where, strict=True)))
        return f"{ablation.title} over {told}, all else equal."
    dead = any(factor is None for level in ablation.inner for factor in level.factors)
    return f"What is on (✓) and off{'; – changes nothing at these values' if dead else ''}."


def _measured(board: Board, *, means: bool = False) -> str:
    of = "mean over pairs" if means else "mean ± sample standard deviation (number of seeds)"
    return f"Test {measure_text(board)} in percent after the last epoch, {of}."


# --- cells ------------------------------------------------------------------------------------------------------------


def _score(score: Score, board: Board) -> Cell:
    return score_cell(score, board.options.digits, mark="best" if score.best else "")


def _gain(level: Level, column: int, base: Level, board: Board) -> Cell:
    """Return what a row has over the base in a cell, or why there is none."""
    if level.is_base:
        return Text(text="base")
    return difference_cell(level.gains[column], level.scores[column], base.scores[column], base.shown, board)


def _scopes(board: Board) -> dict[str, list[int]]:
    """Return what means over pairs are of, with their columns: a data set's pairs of one architecture or of two."""
    found: dict[str, list[int]] = {}
    for part in board.parts():
        for cell in part.cells:
            names = (cell.shown_dataset if board.several_datasets else "", part.part)
            found.setdefault(", ".join(filter(None, names)), []).append(board.cells.index(cell))
    return found


def _means(level: Level, ablation: Ablation, board: Board, places: Sequence[int]) -> Iterator[Cell]:
    """Yield the mean over pairs, bold where it is the highest of all rows, and what it has over the base."""
    digits, own = board.options.digits, _mean_over(level, places)
    if own is None:
        yield Missing(why="not every pair")
    else:
        means = (_mean_over(one, places) for one in ablation.levels)
        alike = decimals(own, digits) == decimals(max(mean for mean in means if mean is not None), digits)
        yield Number(value=own, digits=digits, mark="best" if alike and level.row.method != ALONE else "")
    gains = [level.gains[place] for place in places]
    known = [gain.mean for gain in gains if gain is not None]
    if level.is_base:
        yield Text(text="base")
    elif ablation.base is not None:
        yield signed(math.fsum(known) / len(known) if len(known) == len(places) else None, digits)


def _mean_over(level: Level, places: Sequence[int]) -> float | None:
    """Return the mean of a row over pairs; None where it lacks one."""
    stats = [level.scores[place].stat for place in places]
    means = [stat.mean for stat in stats if stat is not None]
    return math.fsum(means) / len(means) if len(means) == len(places) else None


# --- columns and rows -------------------------------------------------------------------------------------------------


def _plain(ablation: Ablation, board: Board) -> tuple[list[Column], list[Row]]:
    """Return what an ablation has as a table of its rows."""
    named, many = ablation.kind == "terms", len(board.cells) > MOST_CELLS
    columns = [words("row")] if named else []
    columns += [
        Column(head=head, stacked=(head,), kind="tick" if named else "text", sign=True) for head in _factors(ablation)
    ]
    scopes = _scopes(board)
    means = (
        Column(head=f"mean of {counted(len(of), 'pair')}", groups=(name,), scope=name) for name, of in scopes.items()
    )
    for column in means if many else pair_columns(board):
        columns.append(column)
        columns += [Column(head=GAIN, groups=column.groups, scope=column.scope)] if ablation.base else []
    rows: list[Row] = []
    inside = False
    for level in ablation.levels:
        cells: list[Cell] = [Text(text=level.shown)] if named else []
        if level.factors:
            cells += [Text(text=f) if isinstance(f, str) else Tick(on=f) for f in level.factors]
        else:  # a row from elsewhere
            cells += [EMPTY if named or i else Text(text=level.shown) for i in range(len(ablation.factors))]
        if many:
            cells += [cell for places in scopes.values() for cell in _means(level, ablation, board, places)]
        else:
            for place, score in enumerate(level.scores):
                cells.append(_score(score, board))
                cells += [_gain(level, place, ablation.base, board)] if ablation.base else []
        was, inside = inside, bool(level.factors) and (any(level.factors) or not named)
        rows.append(Row(cells=tuple(cells), rule=bool(rows) and inside and not was))
    return columns, rows


def _by_pair(ablation: Ablation, board: Board) -> tuple[list[Column], list[Row]]:
    """Return a grid over many pairs: a row for each pair, a column for each value, means and differences below."""
    outside = [level for level in ablation.levels if not level.factors]
    levels = [*outside, *ablation.inner]
    rows: list[Row] = []
    for title, places in _scopes(board).items():
        found = [list(_means(level, ablation, board, places)) for level in levels]
        for i in places:
            pair = Text(text=pair_text(board.cells[i], board))
            rows.append(Row(cells=(pair, *(_score(level.scores[i], board) for level in levels)), heading=title))
        rows.append(Row(cells=(Text(text="mean"), *(cells[0] for cells in found)), heading=title, rule=True))
        if ablation.base is not None:
            over = Text(text=f"{GAIN} over {ablation.base.shown}")
            rows.append(Row(cells=(over, *(cells[1] for cells in found)), heading=title))
    of_values = (Column(head=str(level.factors[0]), groups=(_factors(ablation)[0],)) for level in ablation.inner)
    return [words("pair"), *(Column(head=level.shown) for level in outside), *of_values], rows


def _matrix(ablation: Ablation, board: Board, base: Level | None) -> tuple[list[Column], list[Row]]:
    """Return the scores as a matrix for each cell, beside one another; with a base what they have over it."""
    down, across = (list(dict.fromkeys(str(level.factors[i]) for level in ablation.inner)) for i in (0, 1))
    levels = {level.factors: level for level in ablation.inner}
    several, corner = len(board.cells) > 1, " \\ ".join(_factors(ablation))
    columns = [
        Column(head=value, stacked=(value,), groups=(pair_text(cell, board),) if several else (), scope=cell.id)
        for cell in board.cells
        for value in across
    ]
    rows = []
    for value in down:
        cells: list[Cell] = [Text(text=value)]
        for column in range(len(board.cells)):
            for level in (levels.get((value, other)) for other in across):
                if level is None:
                    cells.append(Missing(why="not asked for"))
                else:
                    own = level.scores[column]
                    cells.append(_score(own, board) if base is None else _gain(level, column, base, board))
        rows.append(Row(cells=tuple(cells)))
    return [Column(head=corner, stacked=(corner,), kind="text", sign=True), *columns], rows


# --- records ----------------------------------------------------------------------------------------------------------


def _records(ablation: Ablation, board: Board) -> Records:
    """Return a line for each row in each cell."""
    every = ((column, level) for column in range(len(board.cells)) for level in ablation.levels)
    return Records(
        fields=FIELDS, lines=tuple(tuple(_record(ablation, level, board, column)) for column, level in every)
    )


def _record(ablation: Ablation, level: Level, board: Board, column: int) -> Iterator[Value]:
    cell, score, gain = board.cells[column], level.scores[column], level.gains[column]
    pairs = zip(ablation.factors, level.factors, strict=False)
    yield from (ablation.name, ablation.kind, *cell.names, level.row.entry, level.row.label, level.row.method)
    yield "; ".join(f"{name}={factor if isinstance(factor, str) else WORDS[factor]}" for name, factor in pairs)
    yield "yes" if level.is_base else "no"
    yield from numbers_of(score.stat)
    yield "" if score.stat is None else " ".join(map(str, score.stat.seeds))
    yield from (None, None, 0) if gain is None else (gain.mean, gain.std, gain.n)
    yield from (score.missing, *shown_of(level.shown, cell))
