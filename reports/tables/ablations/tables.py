"""Ablations as tables: one each, or for a matrix one for each cell, and one of the differences."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.board.board import ALONE, Board
from reports.board.differences import notes, why_none
from reports.board.score import Score
from reports.results import naming
from reports.tables.ablations.ablation import Ablation, Level
from reports.tables.ablations.making import ablations
from reports.tables.files import slug
from reports.tables.table import (
    EMPTY,
    NONE,
    Cell,
    Column,
    Missing,
    Number,
    Records,
    Row,
    Table,
    Text,
    Tick,
    Value,
    decimals,
)
from reports.tables.wording import SHOWN, label, measure_text, number, pair_columns, pair_text, shown_of
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
    name, records = f"ablation-{slug(ablation.name)}", _records(ablation, board)
    own = ablation.label or f"tab:{label(board.name)}-ablation-{place}"
    if ablation.kind == "matrix":
        yield _matrices(ablation, board, None, name, own, records)
        if ablation.base is not None:
            yield _matrices(ablation, board, ablation.base, name, f"{own}-2", None)
    elif ablation.kind == "grid" and len(board.cells) > MOST_CELLS:
        yield _by_pair(ablation, board, name, own, records)
    else:
        yield _plain(ablation, board, name, own, records)


# --- a table of rows --------------------------------------------------------------------------------------------------


def _plain(ablation: Ablation, board: Board, name: str, own: str, records: Records) -> Table:
    named = ablation.kind == "terms"
    columns = [Column(head="row", kind="text")] if named else []
    heads = _factors(ablation)
    columns += [Column(head=head, stacked=(head,), kind="tick" if named else "text", sign=True) for head in heads]
    for column in pair_columns(board) if len(board.cells) <= MOST_CELLS else _mean_columns(board):
        columns.append(column)
        columns += [Column(head=GAIN, groups=column.groups, scope=column.scope)] if ablation.base else []
    apart = list(_apart(ablation))
    return Table(
        name=name,
        title=ablation.title if named else f"{ablation.title}: {' × '.join(heads)}",
        label=own,
        columns=tuple(columns),
        rows=tuple(
            Row(cells=tuple(_cells(level, ablation, board)), rule=rule)
            for level, rule in zip(ablation.levels, apart, strict=True)
        ),
        caption=" ".join([*_own(ablation), _about(ablation), _measured(board, means=len(board.cells) > MOST_CELLS)]),
        legend=(("best", "highest mean of a column."),) if _has_best(ablation) else (),
        notes=_notes(ablation, ablation.base),
        records=records,
    )


def _cells(level: Level, ablation: Ablation, board: Board) -> Iterator[Cell]:
    named = ablation.kind == "terms"
    if named:
        yield Text(text=level.shown)
    if level.factors:
        yield from (Text(text=f) if isinstance(f, str) else Tick(on=f) for f in level.factors)
    else:  # a row from elsewhere
        yield from (EMPTY if named or i else Text(text=level.shown) for i in range(len(ablation.factors)))
    if len(board.cells) > MOST_CELLS:
        for _, places in scopes(board):
            yield from _means(level, ablation, board, places)
        return
    for column, score in enumerate(level.scores):
        yield _score(score, board)
        if ablation.base is not None:
            yield _gain(level, column, ablation.base, board)


def scopes(board: Board) -> list[tuple[str, tuple[int, ...]]]:
    """Return what means over pairs are of, with their columns: a data set's pairs of one architecture or of two."""
    parts = board.parts()
    found: dict[str, list[int]] = {}
    for part in parts:
        for cell in part.cells:
            names = (cell.shown_dataset if board.several_datasets else "", part.part)
            found.setdefault(", ".join(filter(None, names)), []).append(board.cells.index(cell))
    return [(name, tuple(places)) for name, places in found.items()]


def _mean_columns(board: Board) -> Iterator[Column]:
    """Yield a column for each mean over pairs."""
    for name, places in scopes(board):
        yield Column(head=f"mean of {counted(len(places), 'pair')}", groups=(name,), scope=name)


def _means(level: Level, ablation: Ablation, board: Board, places: Sequence[int]) -> Iterator[Cell]:
    """Yield the mean over pairs, bold where it is the highest of all rows, and what it has over the base."""
    means = {one.row.label: mean_over(one, places) for one in ablation.levels}
    best = max((mean for mean in means.values() if mean is not None), default=None)
    own = means[level.row.label]
    digits = board.options.digits
    if own is None:
        yield Missing(why="not every pair")
    else:
        alike = best is not None and decimals(own, digits) == decimals(best, digits)
        yield Number(value=own, digits=digits, mark="best" if alike and level.row.method != ALONE else "")
    if ablation.base is not None:
        gains = [level.gains[place] for place in places]
        known = [gain.mean for gain in gains if gain is not None]
        if level.is_base:
            yield Text(text="base")
        elif len(known) < len(places):
            yield NONE
        else:
            yield Number(value=math.fsum(known) / len(known), digits=digits, signed=True)


def mean_over(level: Level, places: Sequence[int]) -> float | None:
    """Return the mean of a row over pairs; None where it lacks one."""
    stats = [level.scores[place].stat for place in places]
    means = [stat.mean for stat in stats if stat is not None]
    return math.fsum(means) / len(means) if len(means) == len(places) else None


def _by_pair(ablation: Ablation, board: Board, name: str, own: str, records: Records) -> Table:
    """Return a grid over many pairs: a row for each pair, a column for each value, means and differences below."""
    (head,) = _factors(ablation)
    outside = [level for level in ablation.levels if not level.factors]
    levels = [*outside, *ablation.inner]
    rows: list[Row] = []
    for title, places in scopes(board):
        found = [list(_means(level, ablation, board, places)) for level in levels]
        for i in places:
            pair = Text(text=pair_text(board.cells[i], board))
            rows.append(Row(cells=(pair, *(_score(level.scores[i], board) for level in levels)), heading=title))
        rows.append(Row(cells=(Text(text="mean"), *(cells[0] for cells in found)), heading=title, rule=True))
        if ablation.base is not None:
            over = Text(text=f"{GAIN} over {ablation.base.shown}")
            rows.append(Row(cells=(over, *(cells[1] for cells in found)), heading=title))
    return Table(
        name=name,
        title=f"{ablation.title}: {head}",
        label=own,
        columns=(
            Column(head="pair", kind="text"),
            *(Column(head=level.shown) for level in outside),
            *(Column(head=str(level.factors[0]), groups=(head,)) for level in ablation.inner),
        ),
        rows=tuple(rows),
        caption=" ".join([*_own(ablation), _about(ablation), _measured(board)]),
        legend=(("best", "highest mean of a row."),) if _has_best(ablation) else (),
        notes=_notes(ablation, ablation.base),
        records=records,
    )


def _score(score: Score, board: Board) -> Cell:
    if score.stat is None:
        return Missing(why=score.missing, trials=score.trials)
    mark = "best" if score.best else ""
    return number(
        score.stat, board.options.digits, mark=mark, trials=score.trials, inside=score.stat.n, lacking=score.missing
    )


def _gain(level: Level, column: int, base: Level, board: Board) -> Cell:
    """Return what a row has over the base in a cell, or why there is none."""
    gain = level.gains[column]
    if level.is_base:
        return Text(text="base")
    if gain is None:
        return Missing(why=why_none(level.scores[column], base.scores[column], base.shown))
    return number(gain, board.options.digits, signed=True)


def _apart(ablation: Ablation) -> Iterator[bool]:
    """Yield whether there is a rule above each row: below those from elsewhere, and those without any term."""
    inner = [bool(level.factors) and (any(level.factors) or ablation.kind != "terms") for level in ablation.levels]
    for i, level in enumerate(ablation.levels):
        yield i > 0 and not inner[i - 1] and inner[i] and bool(level.factors)


# --- a matrix ---------------------------------------------------------------------------------------------------------


def _matrices(
    ablation: Ablation, board: Board, base: Level | None, name: str, own: str, records: Records | None
) -> Table:
    """Return the scores as a matrix for each cell, beside one another; with a base what they have over it."""
    down, across = (list(dict.fromkeys(str(level.factors[i]) for level in ablation.inner)) for i in (0, 1))
    levels = {level.factors: level for level in ablation.inner}
    heads = _factors(ablation)
    title = f"{ablation.title}: {' × '.join(heads)}"
    over = f"{GAIN} over {base.shown}" if base is not None else ""
    shown = [] if base is not None else [_measured(board)]
    several = len(board.cells) > 1
    corner = " \\ ".join(heads)
    return Table(
        name=name,
        title=", ".join(text for text in (title, over) if text),
        label=own,
        columns=(
            Column(head=corner, stacked=(corner,), kind="text", sign=True),
            *(
                Column(head=value, stacked=(value,), groups=(pair_text(cell, board),) if several else (), scope=cell.id)
                for cell in board.cells
                for value in across
            ),
        ),
        rows=tuple(
            Row(
                cells=(
                    Text(text=value),
                    *(_entry(levels.get((value, a)), c, base, board) for c in range(len(board.cells)) for a in across),
                )
            )
            for value in down
        ),
        caption=" ".join([*_own(ablation), *([f"{over}."] if over else []), _about(ablation), *shown]),
        legend=(("best", "highest mean of a pair."),) if base is None and _has_best(ablation) else (),
        notes=_notes(ablation, base),
        records=records,
    )


def _entry(level: Level | None, column: int, base: Level | None, board: Board) -> Cell:
    if level is None:
        return Missing(why="not asked for")
    return _score(level.scores[column], board) if base is None else _gain(level, column, base, board)


# --- sentences --------------------------------------------------------------------------------------------------------


def _own(ablation: Ablation) -> list[str]:
    own = ablation.caption
    return [own + ("" if own.endswith((".", "!", "?")) else ".")] if own else []


def _factors(ablation: Ablation) -> list[str]:
    """Return the hyperparameters, or the methods of a combination, as people read them."""
    return [titles.method(titles.symbol(name)) for name in ablation.factors]


def _about(ablation: Ablation) -> str:
    if ablation.kind != "terms":
        values = (
            dict.fromkeys(str(level.factors[i]) for level in ablation.inner) for i in range(len(ablation.factors))
        )
        over = [naming.setting(name, ", ".join(of)) for name, of in zip(ablation.factors, values, strict=True)]
        where = [" (down)", " (across)"] if ablation.kind == "matrix" else [""]
        told = " and ".join(map("".join, zip(over, where, strict=True)))
        return f"{ablation.title} over {told}, all else equal."
    dead = any(factor is None for level in ablation.inner for factor in level.factors)
    return f"What is on (✓) and off{'; – changes nothing at these values' if dead else ''}."


def _measured(board: Board, *, means: bool = False) -> str:
    of = "mean over pairs" if means else "mean ± sample standard deviation (number of seeds)"
    return f"Test {measure_text(board)} in percent after the last epoch, {of}."


def _has_best(ablation: Ablation) -> bool:
    return any(score.best for level in ablation.levels for score in level.scores)


def _notes(ablation: Ablation, base: Level | None) -> tuple[str, ...]:
    told: list[str] = []
    if base is not None:
        spread = "mean ± sample standard deviation of the differences (number of seeds)"
        told = [f"{GAIN}: difference from {base.shown} in points, seed by seed: {spread}."]
        told += notes([gain for level in ablation.levels for gain in level.gains])
    return tuple(filter(None, (" ".join([*told, *ablation.notes]),)))


# --- records ----------------------------------------------------------------------------------------------------------


def _records(ablation: Ablation, board: Board) -> Records:
    """Return a line for each row in each cell."""
    every = ((column, level) for column in range(len(board.cells)) for level in ablation.levels)
    return Records(fields=FIELDS, lines=tuple(_record(ablation, level, board, column) for column, level in every))


def _record(ablation: Ablation, level: Level, board: Board, column: int) -> tuple[Value, ...]:
    cell, score, gain = board.cells[column], level.scores[column], level.gains[column]
    pairs = zip(ablation.factors, level.factors, strict=False)
    factors = "; ".join(f"{name}={factor if isinstance(factor, str) else WORDS[factor]}" for name, factor in pairs)
    stat = score.stat
    numbers: tuple[Value, ...] = (0, None, None, "")
    if stat is not None:
        numbers = (stat.n, stat.mean, stat.std, " ".join(map(str, stat.seeds)))
    gains: tuple[Value, ...] = (None, None, 0) if gain is None else (gain.mean, gain.std, gain.n)
    names = (ablation.name, ablation.kind, cell.id, cell.dataset, cell.teacher, cell.student)
    row = (level.row.entry, level.row.label, level.row.method, factors, "yes" if level.is_base else "no")
    return (*names, *row, *numbers, *gains, score.missing, *shown_of(level.shown, cell))
