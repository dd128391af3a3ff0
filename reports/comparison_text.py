"""How our numbers beside published figures read in every kind of table."""

from collections.abc import Iterable, Iterator

from reports.comparison import Beside, CellComparison, Comparison
from reports.wording import difference_text, mean_text, pair_text, percent

PUBLISHED_DIGITS = 2
"""Decimals of a published figure; ours have as many or more, so that differences add up."""
NONE = "–"
NOT_IN_TEXT = "not published in text form"
UNKNOWN_SPREAD = "no spread is known"


def digits(comparison: Comparison) -> int:
    """Return the decimals of all numbers."""
    return max(comparison.table.options.digits, PUBLISHED_DIGITS)


def heading(of: CellComparison, comparison: Comparison, arrow: str = "->") -> str:
    """Return the title of a cell's table, such as `cifar100: a -> b, top-1 (%)`."""
    pair = pair_text(of.cell, comparison.table, arrow)
    named = pair if comparison.table.several_datasets or not of.cell.dataset else f"{of.cell.dataset}: {pair}"
    return f"{named}, {of.measure.label}"


def name_text(beside: Beside) -> str:
    """Return the name of a line."""
    return f"{beside.shown} (student alone)" if beside.kind == "alone" else beside.shown


def ours_text(beside: Beside, places: int) -> str:
    """Return our number, or why there is none."""
    if beside.stat is not None:
        return mean_text(beside.stat, places)
    return NONE if beside.kind == "published" else f"{NONE} {beside.missing}"


def published_text(beside: Beside) -> str:
    """Return the published figure, or that there is none in text form."""
    if beside.figure is not None:
        return percent(beside.figure.value, PUBLISHED_DIGITS)
    return NONE if beside.kind == "published" or not beside.withheld else NOT_IN_TEXT


def signed(value: float | None, places: int) -> str:
    """Return a difference with its sign."""
    if value is None:
        return NONE
    text = percent(value, places)
    return f"+{text}" if float(text) > 0 else text


def gain_text(beside: Beside, places: int) -> str:
    """Return our gain over kd."""
    return NONE if beside.gain is None else difference_text(beside.gain, places).partition(" ")[0]


def spread_text(beside: Beside) -> str:
    """Return whether the difference lies within the usual spread."""
    if beside.difference is None:
        return NONE
    if beside.spread is None:
        return UNKNOWN_SPREAD
    return f"{'within' if beside.within else 'outside'} ±{beside.spread:g}"


def verdicts(beside: Beside) -> tuple[str, tuple[str, ...]]:
    """Return whether the two are comparable, and why not."""
    if beside.figure is None:
        return NONE, (beside.note,)
    if beside.kind == "published":
        return NONE, ("not run here",)
    if beside.comparable is None:
        return NONE, ()
    return ("yes", ()) if beside.comparable else ("not comparable", beside.reasons)


def groups(lines: Iterable[Beside]) -> Iterator[tuple[Beside, bool]]:
    """Yield each line, and whether it is the first of its row: further ones have the same number of ours."""
    before = None
    for beside in lines:
        own = (beside.kind, beside.row or beside.method)
        yield beside, own != before
        before = own


def caption(comparison: Comparison) -> Iterator[str]:
    """Yield the sentences that a reader needs to trust the tables."""
    yield (
        "Best epoch against best epoch, in percent on the test images. Published figures are of the best epoch, so "
        "ours are too: the epoch is chosen on test. They are for checking a reproduction, not for quoting."
    )
    yield (
        "Ours: mean ± sample standard deviation over seeds (number of seeds). Difference: ours less the published "
        "figure, in points."
    )
    rows = dict.fromkeys(of.baseline for of in comparison.cells if of.baseline)
    over = f"our row {' or '.join(rows)}" if rows else "a row of kd, which there is none of here"
    yield (
        f"Gain over kd: ours over {over}, seed by seed; the published figure over the kd of the same source, "
        "else over the first one listed."
    )
    yield (
        "Usual spread: how far repetitions lie from published figures, in points. A number is not comparable where "
        "its training is known to differ from the figure's."
    )


class Marks:
    """Marks for texts that stand below a table: the same mark for the same text."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._free = iter(marks)
        self._marks: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Return the mark of a text."""
        if text not in self._marks:
            self._marks[text] = next(self._free)
        return self._marks[text]

    def lines(self) -> Iterator[str]:
        """Yield what the marks stand for."""
        return (f"{mark} {text}" for text, mark in self._marks.items())


def numbers() -> Iterator[str]:
    """Yield [1], [2], …"""
    number = 0
    while True:
        number += 1
        yield f"[{number}]"


def letters() -> Iterator[str]:
    """Yield (a), (b), …, (z), (aa), …"""
    number = 0
    while True:
        text, rest = "", number
        while rest >= 0:
            text, rest = chr(ord("a") + rest % 26) + text, rest // 26 - 1
        yield f"({text})"
        number += 1
