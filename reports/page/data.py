"""What the page shows, as plain data: the tables as text with the numbers to sort by, figures, trials, curves."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.page import cross, curves, figures, trials
from reports.page.behind import Behind
from reports.page.compact import number

if TYPE_CHECKING:
    from reports.head_to_head import Table
    from reports.plots import Plot
    from reports.results import Results
    from reports.sheets import Sheet

STATES = ("COMPLETE", "PRUNED", "DIVERGED", "FAIL", "INTERRUPTED", "RUNNING", "WAITING")


def payload(
    results: "Results",
    table: "Table",
    sheets: "Sequence[Sheet]" = (),
    tables: "Sequence[Table]" = (),
    plots: "Sequence[Plot]" = (),
) -> dict[str, Any]:
    """Return all that the page's script needs."""
    results = replace(results, trials=results.trials.reset_index(drop=True))  # lines are named by their places
    behind = Behind(results, table)
    drawn, left_out = curves.of_trials(results, table)
    return {
        "name": table.name,
        **cross.payload(table, behind),
        "digits": table.options.digits,
        "states": _states(results),
        "search": _search(table, behind),
        "figures": list(figures.charts(plots, table)),
        "tables": [cross.payload(one, Behind(results, one)) for one in tables],
        "sheets": [_sheet(sheet) for sheet in sheets],
        "trials": trials.columns(results, table),
        "curves": drawn,
        "curvesNote": left_out,
    }


def _states(results: "Results") -> list[tuple[str, int]]:
    """Return how many trials stand in each state; one that serves several rows counts once."""
    counts = Counter(results.trials.drop_duplicates("trial_key")["state"])
    order = [*STATES, *sorted(counts.keys() - set(STATES))]
    return [(state, counts[state]) for state in order if counts[state]]


def _sheet(sheet: "Sheet") -> dict[str, Any]:
    return {
        "name": sheet.name,
        "title": sheet.title,
        "notes": list(sheet.notes),
        "heads": list(sheet.heads),
        "lines": [list(line) for line in sheet.lines],
        "texts": list(sheet.texts),
    }


def _search(table: "Table", behind: Behind) -> dict[str, Any] | None:
    """Return the table of searches: heads, and lines of (text, number to sort by)."""
    if not table.choices:
        return None
    heads, texts = wording.search_texts(table)
    lines = [list(_search_line(table, index, row)) for index, row in enumerate(texts)]
    places = [_behind_choice(table, index, behind) for index in range(len(table.choices))]
    return {
        "heads": [*heads, "validation", "test"],
        "lines": lines,
        "trials": places,
        "ranks": [c.rank for c in table.choices],
    }


def _search_line(table: "Table", index: int, texts: Sequence[str]) -> Iterator[tuple[str, float | int | None]]:
    choice = table.choices[index]
    spent = sum(choice.ended.values())
    for text in texts:
        yield text, spent if text == wording.spent_text(choice) else choice.rank if text == str(choice.rank) else None
    digits = table.options.digits
    validation = "–" if choice.validation is None else wording.percent(choice.validation, digits)
    yield validation, number(choice.validation)
    test = choice.test
    yield "–" if test is None else wording.mean_text(test, digits), None if test is None else number(test.mean)


def _behind_choice(table: "Table", index: int, behind: Behind) -> list[int]:
    choice = table.choices[index]
    for line in table.lines:
        if line.searched and line.shown == choice.shown:
            return behind.of(line, table.cells.index(choice.cell))
    return []
