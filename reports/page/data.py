"""What the page shows, as plain data: the tables as text with the numbers to sort by, figures, trials, curves."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.head_to_head import of_teacher
from reports.page import curves, figures, trials
from reports.page.compact import number

if TYPE_CHECKING:
    from reports.head_to_head import Line, Table
    from reports.results import Results
    from reports.scores import Score
    from reports.spread import Stat

ORDER = {"fixed": 0, "confirm": 1, "teacher": 2, "search": 3}
"""Of the runs behind a cell: those in its mean come first."""

STATES = ("COMPLETE", "PRUNED", "DIVERGED", "FAIL", "INTERRUPTED", "RUNNING", "WAITING")


def payload(results: "Results", table: "Table") -> dict[str, Any]:
    """Return all that the page's script needs."""
    results = replace(results, trials=results.trials.reset_index(drop=True))  # lines are named by their places
    behind = Behind(results, table)
    drawn, left_out = curves.of_trials(results, table)
    return {
        "name": table.name,
        "caption": list(wording.caption(table)),
        "gaps": list(wording.gaps(table)),
        "digits": table.options.digits,
        "states": _states(results),
        "cells": [_column(table, column) for column in range(len(table.cells))],
        "lines": [_line(table, index, behind) for index in range(len(table.lines))],
        "baseline": table.baseline,
        "differences": list(_differences(table, behind)),
        "search": _search(table, behind),
        "figures": list(figures.charts(results, table)),
        "trials": trials.columns(results, table),
        "curves": drawn,
        "curvesNote": left_out,
    }


class Behind:
    """Which lines of the table of trials stand behind each cell of the head-to-head table."""

    def __init__(self, results: "Results", table: "Table") -> None:
        frame = results.trials
        self._order = _order(results)
        students = frame[frame["phase"] != "teacher"]
        self._groups = students.groupby(["cell", "row"], sort=False).groups
        self._teachers = frame[frame["phase"] == "teacher"]
        self._table = table

    def of(self, line: "Line", column: int) -> list[int]:
        """Return the lines behind a cell: in its mean first, then by phase, rank and seed."""
        cell = self._table.cells[column]
        found = self._groups.get((cell.id, line.row.label), ())
        places = of_teacher(self._teachers, cell).index if line.kind == "teacher" else found
        return sorted((int(place) for place in places), key=self._order.__getitem__)


def _order(results: "Results") -> list[tuple[int, int, float, int, int]]:
    """Return what each trial is sorted by among the runs behind a cell."""
    frame = results.trials
    counts = trials.counted(frame)
    ranks = frame["rank"].astype("Float64").fillna(0.0)
    lines = zip(counts, frame["phase"], ranks, frame["seed"].fillna(-1), strict=True)
    return [
        (not counts, ORDER.get(phase, len(ORDER)), float(rank), int(seed), place)
        for place, (counts, phase, rank, seed) in enumerate(lines)
    ]


def _states(results: "Results") -> list[tuple[str, int]]:
    """Return how many trials stand in each state; one that serves several rows counts once."""
    counts = Counter(results.trials.drop_duplicates("trial_key")["state"])
    order = [*STATES, *sorted(counts.keys() - set(STATES))]
    return [(state, counts[state]) for state in order if counts[state]]


def _column(table: "Table", column: int) -> dict[str, str]:
    cell = table.cells[column]
    return {
        "id": cell.id,
        "dataset": cell.dataset,
        "pair": wording.pair_text(cell, table, "→"),
        "head": wording.column_text(cell, table, "→"),
        "measure": table.measure(cell).label,
        "short": table.measure(cell).short,
    }


def _line(table: "Table", index: int, behind: Behind) -> dict[str, Any]:
    line = table.lines[index]
    scores = (_score(score, table, behind.of(line, column)) for column, score in enumerate(line.scores))
    return {
        "kind": line.kind,
        "name": wording.line_name(table, index),
        "method": line.row.method,
        "searched": line.searched,
        "inference": line.row.inference,
        "scores": list(scores),
    }


def _score(score: "Score", table: "Table", places: Sequence[int]) -> dict[str, Any]:
    cell = _number_cell(score.stat, table, sign=False)
    marks, notes = _marks(score)
    return {
        **cell,
        "best": score.best,
        "marks": marks,
        "notes": notes,
        "missing": score.missing,
        "setting": wording.setting_text(score.setting, 4),
        "trials": list(places),
    }


def _marks(score: "Score") -> tuple[str, list[str]]:
    """Return the signs that stand beside a number, and the sentences that its panel says; nothing but bold so far."""
    return "", ["Highest mean of its column, as printed."] if score.best else []


def _number_cell(stat: "Stat | None", table: "Table", *, sign: bool) -> dict[str, Any]:
    """Return a mean as text, split where bold print ends, with the number to sort by."""
    if stat is None:
        return {"mean": None, "text": "", "rest": ""}
    text = (wording.difference_text if sign else wording.mean_text)(stat, table.options.digits)
    first, space, rest = text.partition(" ")
    return {"mean": number(stat.mean), "text": first, "rest": space + rest}


def _differences(table: "Table", behind: Behind) -> Iterator[dict[str, Any]]:
    """Yield the lines of differences: one for each row but the teacher and the baseline, in the table's order."""
    rows = [line for line in table.lines if line.kind != "teacher"]
    if table.differences:
        rows.remove(next(line for line in rows if line.shown == table.baseline))
    for line, difference in zip(rows, table.differences, strict=False):
        cells = [
            {**_number_cell(stat, table, sign=True), "trials": behind.of(line, column)}
            for column, stat in enumerate(difference.stats)
        ]
        yield {"name": difference.shown, "scores": cells}


def _search(table: "Table", behind: Behind) -> dict[str, Any] | None:
    """Return the table of searches: heads, and lines of (text, number to sort by)."""
    if not table.choices:
        return None
    heads, texts = wording.search_texts(table)
    lines = [list(_search_line(table, index, row)) for index, row in enumerate(texts)]
    places = [_behind_choice(table, index, behind) for index in range(len(table.choices))]
    return {"heads": [*heads, "validation", "test"], "lines": lines, "trials": places}


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
