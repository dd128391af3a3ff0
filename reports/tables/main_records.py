"""What table.csv tells programs: a line for each row in each cell."""

from collections.abc import Iterator

from reports.board.board import Board
from reports.board.order import architecture
from reports.board.verdicts import Verdict
from reports.results.sweep import setting_text
from reports.statistics.settling import Standing
from reports.tables.table import Records, Value
from reports.tables.wording import SHOWN, numbers_of, shown_of

CONTRACT = {
    "cell": "`digits100: tinyresnet -> tinycnn`",
    "dataset": "name of the data set",
    "teacher": "name of the teacher",
    "student": "name of the student",
    "entry": "name under `methods`; empty for the teacher",
    "row": "the entry with its grid values: `gdkd (by k) k=5`; `teacher`",
    "method": "name of the method; `teacher`",
    "n": "seeds in the mean; 0 where there is none",
    "mean": "empty where n is 0",
    "std": "of the sample; empty for one seed",
    "min": "lowest seed",
    "max": "highest seed",
    "seeds": "those in the mean, with spaces between",
    "setting": "what the file fixes and the search chose: `k=7; w2=8.5`",
    "missing": "why seeds are not in the mean; empty where none is missing",
    "group": "heading that the row stands under: `logit`",
    "architecture": "`same` or `different`: families of teacher and student",
    "measure": "`top1` or `miou`",
    "search_trials": "trainings that its search has ended; empty for a fixed row",
    "difference": "in points from the baseline, else from the student alone",
    "difference_p": "of that, corrected for the column by Dunnett; empty without a test",
    "best": "`best`, `second` or empty",
    "best_difference": "in points from the highest mean of the column",
    "best_p": "of that, corrected for the column by Tukey",
    "collapsed": "how many of the trainings in the mean collapsed; empty without a mean",
    **SHOWN,
}
"""Contract of table.csv. Percent with at most 4 decimals; names as in the sweep file, at the end as shown."""
FIELDS = tuple(CONTRACT)
SETTLED = {
    "settled": "against the declared row: `settled`, `open`, or `given up`, which is open without more seeds",
    "settled_n": "seeds that both had at the last look",
    "settled_difference": "from the declared row over these seeds, in points",
    "settled_low": "of the repeated confidence interval of that",
    "settled_high": "likewise",
}
"""Further fields, at the end, where seeds are added until it is settled."""
P_DECIMALS = 8


def records(board: Board) -> Records:
    """Return a line for each row in each cell, teachers first."""
    every = ((place, column) for column in range(len(board.cells)) for place in range(len(board.lines)))
    if board.settling is None:
        return Records(fields=FIELDS, lines=tuple(tuple(_record(board, *at)) for at in every))
    lines = ((*_record(board, *at), *_settled(board.lines[at[0]].scores[at[1]].standing)) for at in every)
    return Records(fields=(*FIELDS, *SETTLED), lines=tuple(lines))


def _settled(standing: Standing | None) -> tuple[Value, ...]:
    if standing is None:
        return ("", None, None, None, None)
    told = "settled" if standing.settled else "given up" if standing.stopped else "open"
    return (told, standing.n, standing.difference, *(standing.interval or (None, None)))


def _record(board: Board, place: int, column: int) -> Iterator[Value]:
    cell, line = board.cells[column], board.lines[place]
    score = line.scores[column]
    stat = score.stat
    yield from (*cell.names, line.row.entry, line.row.label, "teacher" if line.kind == "teacher" else line.row.method)
    yield from numbers_of(stat)
    yield from (None, None, "") if stat is None else (stat.low, stat.high, " ".join(map(str, stat.seeds)))
    yield from (setting_text(score.setting), score.missing, line.group)
    yield architecture(cell).removesuffix(" architecture")
    yield board.measure(cell).name
    yield line.spent[column] if line.spent else None
    yield from _compared(score.to_reference)
    yield "best" if score.best else "second" if score.second else ""
    yield from _compared(score.to_best)
    yield None if stat is None else score.collapsed
    yield from shown_of(line.shown, cell)


def _compared(verdict: Verdict | None) -> tuple[Value, Value]:
    if verdict is None:
        return None, None
    p = None if verdict.test is None else verdict.test.corrected_p
    return verdict.difference.mean, None if p is None else f"{p:.{P_DECIMALS}f}".rstrip("0").rstrip(".")
