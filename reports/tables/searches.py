"""What each search tuned, spent and chose: the setting's validation accuracy beside its accuracy on test images."""

from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.board.searches import Choice
from reports.results.sweep import setting_shown
from reports.tables.table import NONE, Cell, Number, Row, Table, Text, columns_of
from reports.tables.wording import main_label, measure_text, number, pair_text

if TYPE_CHECKING:
    from reports.results.results import Results

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "DIVERGED": "diverged", "FAIL": "failed"}
UNITS = (("h", 3600, 1), ("min", 60, 1), ("s", 1, 0))
"""Of times: from how many seconds on, and decimals."""
HEADS = ("method", "pair", "tuned", "trials", "epochs", "time", "rank", "setting", "validation", "test", "gap")
WORDS = ("method", "pair", "tuned", "trials", "setting")


def build(_: "Results", board: Board) -> Table | None:
    """Return the table of searches; None where nothing is searched."""
    if not board.choices:
        return None
    left_out = {"pair"} if len(board.cells) == 1 else set()
    left_out |= {"rank"} if all(choice.rank == 1 for choice in board.choices) else set()
    kept = [head for head in HEADS if head not in left_out]
    rows = []
    for choice in board.choices:
        cells = _cells(choice, board)
        rows.append(Row(cells=tuple(cells[head] for head in kept)))
    measured = measure_text(board)
    return Table(
        name="search",
        title="Search",
        label=f"{main_label(board)}-search",
        columns=columns_of(
            kept, [i for i, head in enumerate(kept) if head in WORDS], over=[0] if "pair" in kept else ()
        ),
        rows=tuple(rows),
        caption=f"The searches: what was tuned, what it has cost, the setting chosen, and its {measured} in percent.",
        notes=(
            f"Validation: {measured} that the setting was chosen by. Test: trained anew on all training images.",
            "Gap: validation less test, in points, of other trainings on other images: a check, not a result.",
        ),
    )


def _cells(choice: Choice, board: Board) -> dict[str, Cell]:
    digits, spent = board.options.digits, choice.spent
    setting = "not chosen yet" if choice.setting is None else setting_shown(choice.setting, 4)
    return {
        "method": Text(text=choice.shown, trials=choice.trials, inside=0 if choice.test is None else choice.test.n),
        "pair": Text(text=pair_text(choice.cell, board)),
        "tuned": Text(text=", ".join(choice.tuned)),
        "trials": Text(text=_spent(choice)),
        "epochs": Number(value=spent.epochs, digits=0, before="" if spent.whole else "≤ "),
        "time": NONE if spent.seconds is None else duration(spent.seconds, "" if spent.timed else "≥ "),
        "rank": Number(value=choice.rank, digits=0),
        "setting": Text(text=setting),
        "validation": NONE if choice.validation is None else Number(value=choice.validation, digits=digits),
        "test": NONE if choice.test is None else number(choice.test, digits),
        "gap": NONE if choice.gap is None else Number(value=choice.gap, digits=digits, signed=True),
    }


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
