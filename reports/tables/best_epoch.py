"""The best epoch beside the last one: what it is worth to pick an epoch by its score on the test images."""

import math
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.statistics.spread import paired_difference, summarise
from reports.tables.table import Cell, Interval, Number, Row, Table, Text, columns_of
from reports.tables.wording import main_label, number, pair_text

if TYPE_CHECKING:
    from reports.results.results import Results


def build(results: "Results", board: Board) -> Table | None:
    """Return the table; None while no trial has both."""
    trials, digits = results.trials, board.options.digits
    seeds, keys = trials["seed"].tolist(), trials["trial_key"].tolist()
    bests = {measure: trials[measure.best].tolist() for measure in board.measures}
    rows = []
    biases: dict[str, float] = {}  # by trial: several rows or cells may share one
    for column, cell in enumerate(board.cells):
        for line in board.lines:
            last, found = line.scores[column].by_seed, line.scores[column].trials
            inside, scored = found[: len(last)], bests[board.measure(cell)]
            best = {int(seeds[place]): scored[place] for place in inside if not math.isnan(scored[place])}
            stat, whole, bias = summarise(last), summarise(best), paired_difference(best, last)
            if stat is None or whole is None or bias is None:
                continue
            biases |= {keys[place]: best[seed] - last[seed] for place in inside if (seed := int(seeds[place])) in best}
            cells: list[Cell] = [Text(text=pair_text(cell, board))] if len(board.cells) > 1 else []
            cells += [Text(text=line.shown, trials=found, inside=stat.n), number(stat, digits), number(whole, digits)]
            cells += [Number(value=bias.mean, digits=digits, signed=True)]
            rows.append(Row(cells=(*cells, Interval(low=bias.low, high=bias.high, digits=digits))))
    if not rows:
        return None
    heads = [*(["pair"] if len(board.cells) > 1 else []), "method"]
    return Table(
        name="best_epoch",
        title="Best epoch, chosen on test",
        label=f"{main_label(board)}-best-epoch",
        columns=columns_of(
            [*heads, "last epoch", "best epoch (by test)", "bias", "range"],
            range(len(heads)),
            over=[0] if len(heads) > 1 else (),
        ),
        rows=tuple(rows),
        notes=(_explanation(list(biases.values()), digits),),
    )


def _explanation(biases: list[float], digits: int) -> str:
    mean = Number(value=math.fsum(biases) / len(biases), digits=digits, signed=True)
    return (
        "Best epoch: the highest score on the test images of any epoch, as much of the literature reports. It is "
        "chosen on test, so it is too high, and more so for rows whose curves are noisy. Bias: what it adds to the "
        f"last epoch, in points, by seed; {mean.sign}{mean.figure} on average over {len(biases)} "
        f"training{'s' * (len(biases) != 1)}. Compare this column with published figures of its kind and with nothing "
        "else."
    )
