"""What stands over, in and under an ablation table, whatever it is written as."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.ablation import Ablation, Level
from reports.differences import notes, why_none
from reports.head_to_head import Table
from reports.resolved import Cell
from reports.scores import Score
from reports.spread import Stat
from reports.wording import column_text, measure_text, pair_text

GAIN = "Δ"


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference from the base."""

    stat: Stat


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a term is on; None where it changes nothing."""

    on: bool | None


Item = str | Score | Gain | Mark
"""A text, a number or why there is none, a difference, a mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table that is ready to be written, in any form."""

    title: str
    heads: tuple[str, ...]
    texts: tuple[int, ...]
    """Columns that are not numbers."""
    lines: tuple[tuple[Item, ...], ...]
    rules: tuple[bool, ...]
    """After which lines there is a rule."""
    caption: str


def sheets(ablation: Ablation, table: Table, arrow: str = "→") -> Iterator[Sheet]:
    """Yield the tables of an ablation: one, or for a matrix one for each cell."""
    if ablation.kind == "matrix":
        for column, cell in enumerate(table.cells):
            yield _matrix(ablation, table, column, cell, arrow)
            if ablation.base is not None:
                yield _matrix(ablation, table, column, cell, arrow, ablation.base)
        return
    named = ablation.kind == "terms"
    first = ("row",) if named else ()
    heads = [*first, *ablation.factors]
    for cell in table.cells:
        heads += [column_text(cell, table, arrow), *([GAIN] if ablation.base else [])]
    lines = tuple(tuple(_line(level, ablation, named=named)) for level in ablation.levels)
    yield Sheet(
        title=title(ablation),
        heads=tuple(heads),
        texts=tuple(range(len(first) + len(ablation.factors))),
        lines=lines,
        rules=tuple(_rules(ablation)),
        caption=" ".join(caption(ablation, table)),
    )


def title(ablation: Ablation) -> str:
    """Return the heading of an ablation."""
    return ablation.name if ablation.kind == "terms" else f"{ablation.name}: {' × '.join(ablation.factors)}"


def _line(level: Level, ablation: Ablation, *, named: bool) -> Iterator[Item]:
    if named:
        yield level.shown
    if level.factors:
        yield from (factor if isinstance(factor, str) else Mark(factor) for factor in level.factors)
    else:  # a row from elsewhere
        yield from ("" if named or i else level.shown for i in range(len(ablation.factors)))
    for column, score in enumerate(level.scores):
        yield score
        if ablation.base is not None:
            yield _gain(level, column, ablation.base)


def _gain(level: Level, column: int, base: Level) -> Item:
    """Return what a row has over the base in a cell, or why there is none."""
    gain = level.gains[column]
    if level.is_base:
        return "base"
    return f"– {why_none(level.scores[column], base.scores[column], base.shown)}" if gain is None else Gain(gain)


def _rules(ablation: Ablation) -> Iterator[bool]:
    inner = [(bool(level.factors) and any(level.factors)) or ablation.kind != "terms" for level in ablation.levels]
    for i, level in enumerate(ablation.levels):
        last = i + 1 == len(ablation.levels)
        apart = not level.factors or not inner[i]
        yield apart and not last and bool(ablation.levels[i + 1].factors) and inner[i + 1]


def _matrix(ablation: Ablation, table: Table, column: int, cell: Cell, arrow: str, base: Level | None = None) -> Sheet:
    """Return the scores of a cell as a matrix; with a base what they have over it."""
    down, across = (_values(ablation.inner, i) for i in (0, 1))
    levels = {level.factors: level for level in ablation.inner}
    items = [[_entry(levels.get((value, other)), column, base) for other in across] for value in down]
    pair = pair_text(cell, table, arrow) if len(table.cells) > 1 else ""
    over = f"{GAIN} over {base.shown}" if base is not None else ""
    return Sheet(
        title=", ".join(text for text in (title(ablation), pair, over) if text),
        heads=(f"{ablation.factors[0]} \\ {ablation.factors[1]}", *across),
        texts=(0,),
        lines=tuple((value, *found) for value, found in zip(down, items, strict=True)),
        rules=(False,) * len(down),
        caption=" ".join([*([f"{pair}."] if pair else []), *caption(ablation, table, matrix=True, base=base)]),
    )


def _entry(level: Level | None, column: int, base: Level | None) -> Item:
    if level is None:
        return Score(missing="not asked for")
    return level.scores[column] if base is None else _gain(level, column, base)


def _values(levels: Sequence[Level], factor: int) -> list[str]:
    """Return the values of a factor in the sweep's order."""
    return list(dict.fromkeys(str(level.factors[factor]) for level in levels))


def caption(ablation: Ablation, table: Table, *, matrix: bool = False, base: Level | None = None) -> Iterator[str]:
    """Yield the sentences that a reader needs.

    Args:
        matrix: it is a matrix of one cell; with a base, of differences from that.
    """
    if ablation.caption:
        yield ablation.caption + ("" if ablation.caption.endswith((".", "!", "?")) else ".")
    yield _about(ablation)
    over = base or ablation.base
    if not matrix or base is None:
        measured = measure_text(table)
        yield f"Test {measured} in percent after the last epoch, mean ± sample standard deviation (number of seeds)."
        if any(score.best for level in ablation.levels for score in level.scores):
            yield "Best mean in bold." if matrix else "Best mean of a column in bold."
    if over is not None and (base is not None or not matrix):
        spread = "mean ± sample standard deviation of the differences (number of seeds)"
        yield f"{GAIN}: difference from {over.shown} in points, seed by seed: {spread}."
        yield from notes([gain for level in ablation.levels for gain in level.gains])
    yield from ablation.notes


def _about(ablation: Ablation) -> str:
    if ablation.kind == "grid":
        return f"{ablation.name} over {ablation.factors[0]}, all else equal."
    if ablation.kind == "matrix":
        return f"{ablation.name} over {ablation.factors[0]} (down) and {ablation.factors[1]} (across), all else equal."
    dead = any(factor is None for level in ablation.inner for factor in level.factors)
    return f"What is on (✓) and off{'; – changes nothing at these values' if dead else ''}."
