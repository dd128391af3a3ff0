"""What each search tuned, spent and chose: the setting's validation accuracy beside its accuracy on test images."""

from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.board.searches import Choice
from reports.results.sweep import setting_shown
from reports.statistics.spread import Stat
from reports.tables.table import NONE, Cell, Number, Table, Text
from reports.tables.wording import listed, measure_text, number, numbers, pair_text, signed, words

if TYPE_CHECKING:
    from reports.results.results import Results

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "DIVERGED": "diverged", "FAIL": "failed"}
UNITS = (("h", 3600, 1), ("min", 60, 1), ("s", 1, 0))
"""Of times: from how many seconds on, and decimals."""


def build(_: "Results", board: Board) -> Table | None:
    """Return the table of searches; None where nothing is searched."""
    several, measured = len(board.cells) > 1, measure_text(board)
    raced = any(choice.validation is not None and choice.validation.n > 1 for choice in board.choices)
    columns = [
        words("method", over=several),
        words("pair") if several else None,
        *(words("tuned"), words("trials"), *numbers("epochs", "time")),
        *(numbers("rank") if any(choice.rank != 1 for choice in board.choices) else [None]),
        *(words("setting"), *numbers("validation", "test", "gap")),
    ]
    return listed(
        board,
        "search",
        "Search",
        columns,
        [_cells(choice, board) for choice in board.choices],
        caption=f"The searches: what was tuned, what it has cost, the setting chosen, and its {measured} in percent.",
        notes=(
            f"Validation: {measured} that the setting was chosen by. Test: trained anew on all training images.",
            "Gap: validation less test, in points, of other trainings on other images: a check, not a result.",
            *["Validation with a number in brackets: mean and spread over so many search seeds."] * raced,
        ),
    )


def _cells(choice: Choice, board: Board) -> tuple[Cell, ...]:
    digits, validation = board.options.digits, choice.validation
    setting = "not chosen yet" if choice.setting is None else setting_shown(choice.setting, 4)
    return (
        Text(text=choice.shown, trials=choice.trials, inside=0 if choice.test is None else choice.test.n),
        Text(text=pair_text(choice.cell, board)),
        Text(text=", ".join(choice.tuned)),
        Text(text=_spent(choice)),
        Number(value=choice.epochs, digits=0, before="" if choice.whole else "≤ "),
        NONE if choice.seconds is None else duration(choice.seconds, "" if choice.timed else "≥ "),
        Number(value=choice.rank, digits=0),
        Text(text=setting),
        NONE if validation is None else _scored(validation, digits),
        NONE if choice.test is None else number(choice.test, digits),
        signed(None if validation is None or choice.test is None else validation.mean - choice.test.mean, digits),
    )


def _scored(validation: Stat, digits: int) -> Number:
    """Return a validation score: with spread and seeds where there were several."""
    return number(validation, digits) if validation.n > 1 else Number(value=validation.mean, digits=digits)


def _spent(choice: Choice) -> str:
    """Return how many trials a search has spent, such as `12: 10 complete, 2 pruned`."""
    parts = [f"{count} {STATES[state]}" for state, count in choice.ended.items()]
    parts += [f"{choice.open} not ended"] if choice.open else []
    total = sum(choice.ended.values())
    return str(total) if parts == [f"{total} complete"] else f"{total}: {', '.join(parts)}" if parts else "0"


def duration(seconds: float, before: str = "") -> Number:
    """Return a time: `35 s`, `12.5 min`, `3.2 h`."""
    unit, size, digits = next(one for one in UNITS if seconds >= one[1] or one[1] == 1)
    return Number(value=seconds / size, digits=digits, before=before, after=f" {unit}")
