"""The best epoch beside the last one: what it is worth to pick an epoch by its score on the test images."""

import math
from typing import TYPE_CHECKING

from reports.columns import NONE, signed
from reports.head_to_head import Parts, Table, of_teacher
from reports.measures import measure_of
from reports.resolved import Cell
from reports.scores import by_seed, is_reported
from reports.sheets import Sheet
from reports.spread import paired_difference, summarise
from reports.wording import mean_text, pair_text

if TYPE_CHECKING:
    import pandas as pd

    from reports.head_to_head import Line
    from reports.results import Results


def sheet(results: "Results", table: Table) -> Sheet | None:
    """Return the table; None while no trial has both."""
    trials, digits = results.trials, table.options.digits
    teachers, parts = trials[trials["phase"] == "teacher"], Parts(trials[trials["phase"] != "teacher"])
    lines, biases = [], []
    for cell in table.cells:
        for line in table.lines:
            part = _part(teachers, parts, line, cell)
            last, best = by_seed(part), by_seed(part, best_epoch=True) if measure_of(part).best else {}
            whole, bias = summarise(best), paired_difference(best, last)
            if whole is None or bias is None:
                continue
            biases += [best[seed] - last[seed] for seed in bias.seeds]
            names = [pair_text(cell, table, "→")] if len(table.cells) > 1 else []
            stat = summarise(last)
            assert stat is not None  # there is a difference
            texts = [mean_text(stat, digits), mean_text(whole, digits), signed(bias.mean, digits)]
            lines.append((*names, line.shown, *texts, f"[{signed(bias.low, digits)}, {signed(bias.high, digits)}]"))
    if not lines:
        return None
    heads = (*(["pair"] if len(table.cells) > 1 else []), "method")
    return Sheet(
        name="best_epoch",
        title="Best epoch, chosen on test",
        notes=(_explanation(biases, digits),),
        heads=(*heads, "last epoch", "best epoch (by test)", "bias", "range"),
        lines=tuple(lines),
        texts=tuple(range(len(heads))),
    )


def _part(teachers: "pd.DataFrame", parts: Parts, line: "Line", cell: Cell) -> "pd.DataFrame":
    if line.kind == "teacher":
        return of_teacher(teachers, cell)
    trials = parts.of(cell, line.row)
    return trials[is_reported(trials)]


def _explanation(biases: list[float], digits: int) -> str:
    mean = signed(math.fsum(biases) / len(biases), digits) if biases else NONE
    return (
        "Best epoch: the highest score on the test images of any epoch, as much of the literature reports. It is "
        "chosen on test, so it is too high, and more so for rows whose curves are noisy. Bias: what it adds to the "
        f"last epoch, in points, by seed; {mean} on average over {len(biases)} training{'s' * (len(biases) != 1)}. "
        "Compare this column with published figures of its kind and with nothing else."
    )
