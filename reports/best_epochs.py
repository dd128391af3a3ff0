"""The best epoch beside the last one: what it is worth to pick an epoch by its score on the test images."""

import math
from typing import TYPE_CHECKING

from reports.columns import NONE, signed
from reports.head_to_head import Parts, Table, of_teacher
from reports.scores import by_seed, is_reported
from reports.sheets import Sheet
from reports.spread import paired_difference, summarise
from reports.wording import mean_text, pair_text

if TYPE_CHECKING:
    from reports.results import Results


def sheet(results: "Results", table: Table) -> Sheet | None:
    """Return the table; None while no trial has both."""
    trials, digits = results.trials, table.options.digits
    teachers, parts = trials[trials["phase"] == "teacher"], Parts(trials[is_reported(trials)])
    lines = []
    biases: dict[str, float] = {}  # by trial: several rows or cells may share one
    for cell in table.cells:
        for line in table.lines:
            part = of_teacher(teachers, cell) if line.kind == "teacher" else parts.of(cell, line.row)
            last, best = by_seed(part, table.measure(cell)), by_seed(part, table.measure(cell), best_epoch=True)
            whole, bias = summarise(best), paired_difference(best, last)
            if whole is None or bias is None:
                continue
            keys = dict(zip(part["seed"], part["trial_key"], strict=True))
            biases |= {keys[seed]: best[seed] - last[seed] for seed in bias.seeds}
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
        notes=(_explanation(list(biases.values()), digits),),
        heads=(*heads, "last epoch", "best epoch (by test)", "bias", "range"),
        lines=tuple(lines),
        texts=tuple(range(len(heads))),
    )


def _explanation(biases: list[float], digits: int) -> str:
    mean = signed(math.fsum(biases) / len(biases), digits) if biases else NONE
    return (
        "Best epoch: the highest score on the test images of any epoch, as much of the literature reports. It is "
        "chosen on test, so it is too high, and more so for rows whose curves are noisy. Bias: what it adds to the "
        f"last epoch, in points, by seed; {mean} on average over {len(biases)} training{'s' * (len(biases) != 1)}. "
        "Compare this column with published figures of its kind and with nothing else."
    )
