"""Columns that sum a table up: trainings that searches spent, gain over the reference, rank."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.averages import Average, averages
from reports.head_to_head import Table
from trainers.counting import counted

NONE = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """One text for each line of the table; empty where it does not apply."""

    head: str
    texts: tuple[str, ...]


def columns(table: Table, part: Sequence[int] | None = None) -> list[Column]:
    """Return what stands behind these columns of the table; by default behind all of them."""
    whole = range(len(table.cells))
    return [*_spent(table, whole if part is None else part), *_averages(table, whole if part is None else part)]


def _spent(table: Table, part: Sequence[int]) -> Iterator[Column]:
    spent = [[line.spent[column] for column in part] if line.spent else [] for line in table.lines]
    if any(spent):
        yield Column("search trials", tuple(_range_text(counts) for counts in spent))


def _range_text(counts: Sequence[int]) -> str:
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"


def scopes(table: Table, part: Sequence[int] | None = None) -> list[tuple[str, tuple[int, ...]]]:
    """Return data sets with the columns that are averaged: those with several pairs, and a single column."""
    places = range(len(table.cells)) if part is None else part
    found: dict[str, list[int]] = {}
    for column in places:
        found.setdefault(table.cells[column].dataset, []).append(column)
    return [(name, tuple(of)) for name, of in found.items() if len(of) > 1 or len(places) == 1]


def _averages(table: Table, part: Sequence[int]) -> Iterator[Column]:
    found = scopes(table, part)
    for dataset, of in found:
        single, where = len(of) == 1, f" ({dataset})" if len(found) > 1 else ""
        lines = averages(table, of)
        if table.reference and (table.baseline or not single):
            head = f"{'' if single else 'mean '}Δ {table.reference}{where}"
            yield Column(head, tuple(_gain(table, place, average) for place, average in enumerate(lines)))
        if not single and any(average.rank is not None for average in lines):
            yield Column(f"mean rank{where}", tuple(_rank(table, place, a) for place, a in enumerate(lines)))


def _gain(table: Table, place: int, average: Average) -> str:
    line = table.lines[place]
    if line.kind == "teacher" or place == table.reference_place:
        return ""
    if average.gain is None:
        return NONE
    count = "" if len(average.gains) == average.columns else f" ({len(average.gains)} of {average.columns})"
    return signed(average.gain, table.options.digits) + count


def _rank(table: Table, place: int, average: Average) -> str:
    if table.lines[place].kind != "method":
        return ""
    return NONE if average.rank is None else f"{average.rank:.1f}"


def signed(value: float, digits: int) -> str:
    """Return a number with its sign; 0 has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def explained(table: Table) -> Iterator[str]:
    """Yield the sentences that say what these columns hold."""
    heads = [column.head for column in columns(table)]
    if any(head == "search trials" for head in heads):
        budget = f", of {counted(table.budget, 'proposal')} that each of them may make" if table.budget else ""
        yield f"Search trials: trainings that the choice of a searched row's setting has cost{budget}."
    if any(head.startswith("mean Δ") for head in heads):
        yield f"Mean Δ: mean over pairs of the difference from {table.reference}, in points."
    elif any(head.startswith("Δ") for head in heads):
        yield f"Δ: difference from {table.reference} in points, seed by seed where two or more seeds are common."
    if any(head.startswith("mean rank") for head in heads):
        yield "Mean rank: over pairs, among the rows that have a number for each; 1 is best."
