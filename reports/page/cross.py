"""A table of rows against cells as the page's script reads it: texts, numbers to sort by, marks, the runs behind."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.columns import columns
from reports.layout import architecture, architecture_matters, headings
from reports.page.compact import number

if TYPE_CHECKING:
    from reports.head_to_head import Table
    from reports.page.behind import Behind
    from reports.significance import Verdict
    from reports.spread import Stat


def payload(table: "Table", behind: "Behind") -> dict[str, Any]:
    """Return the table, what stands under it, and its differences from the baseline."""
    groups = any(heading for heading, _ in headings(table))
    return {
        "title": " or ".join(measure.long for measure in table.measures),
        "caption": list(wording.caption(table, second="in italics")),
        "gaps": list(wording.gaps(table)),
        "cells": [_cell(table, column) for column in range(len(table.cells))],
        "lines": [_line(table, index, behind, groups=groups) for index in range(len(table.lines))],
        "columns": [{"head": column.head, "texts": list(column.texts)} for column in columns(table)],
        "baseline": table.baseline,
        "differences": list(_differences(table, behind)),
    }


def _cell(table: "Table", column: int) -> dict[str, str]:
    cell = table.cells[column]
    return {
        "id": cell.id,
        "dataset": cell.dataset,
        "pair": wording.pair_text(cell, table, "→"),
        "head": wording.column_text(cell, table, "→"),
        "kind": architecture(cell) if architecture_matters(table) else "",
        "measure": table.measure(cell).label,
        "short": table.measure(cell).short,
    }


def _line(table: "Table", index: int, behind: "Behind", *, groups: bool) -> dict[str, Any]:
    line = table.lines[index]
    return {
        "kind": line.kind,
        "name": wording.line_name(table, index),
        "method": line.row.method,
        "group": line.group if groups and line.kind == "method" else "",
        "scores": [_score(table, index, column, behind) for column in range(len(table.cells))],
    }


def _score(table: "Table", index: int, column: int, behind: "Behind") -> dict[str, Any]:
    line = table.lines[index]
    score = line.scores[column]
    return {
        **_number_cell(score.stat, table, sign=False, behind=wording.collapsed_text(score)),
        "best": score.best,
        "second": score.second,
        "marks": wording.MARK if score.tied else "",
        "notes": list(_notes(table, index, column)),
        "missing": score.missing,
        "setting": wording.setting_text(score.setting, 4),
        "trials": behind.of(line, column),
    }


def _number_cell(stat: "Stat | None", table: "Table", *, sign: bool, behind: str = "") -> dict[str, Any]:
    """Return a mean as text, split where bold print ends, with the number to sort by; `behind` stands at its end."""
    if stat is None:
        return {"mean": None, "text": "", "rest": ""}
    text = (wording.difference_text if sign else wording.mean_text)(stat, table.options.digits)
    first, space, rest = text.partition(" ")
    return {"mean": number(stat.mean), "text": first, "rest": space + rest + behind}


def _notes(table: "Table", index: int, column: int) -> Iterator[str]:
    """Yield what the panel says of a number beside its runs: how it stands to the best and to the reference."""
    leader = table.leaders[column] if table.leaders else None
    if table.lines[index].scores[column].best:
        yield "The highest mean of its column, as printed."
    if table.to_best and leader is not None:
        yield from _compared(table, table.to_best[index][column], f"the best, {table.lines[leader].shown}")
    if table.to_reference:
        yield from _compared(table, table.to_reference[index][column], table.reference)


def _compared(table: "Table", verdict: "Verdict | None", other: str) -> Iterator[str]:
    if verdict is None:
        return
    contrast, level = verdict.contrast, table.options.level
    text = f"{contrast.mean:+.{table.options.digits + 1}f} points against {other}"
    if contrast.p is None or verdict.holm is None:
        yield f"{text}; not tested, for want of seeds."
        return
    significant = "significant" if verdict.significant(level) else "not significant"
    corrected = f"{verdict.holm:.3g} by Holm among {verdict.family}"
    yield f"{text}: {significant} at {level:g} ({contrast.kind}, p = {contrast.p:.3g}; {corrected})."


def _differences(table: "Table", behind: "Behind") -> Iterator[dict[str, Any]]:
    """Yield the lines of differences: one for each row but the teacher and the baseline, in the table's order."""
    own = table.reference_place if table.differences else None  # of the baseline, where there is one
    rows = [line for place, line in enumerate(table.lines) if line.kind != "teacher" and place != own]
    for line, difference in zip(rows, table.differences, strict=False):
        cells = [
            {**_number_cell(stat, table, sign=True), "missing": why, "trials": behind.of(line, column)}
            for column, (stat, why) in enumerate(zip(difference.stats, difference.missing, strict=True))
        ]
        yield {"name": difference.shown, "scores": cells}
