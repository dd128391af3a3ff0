"""The best epoch beside the last one: what it is worth to pick an epoch by its score on the test images."""

import math
from typing import TYPE_CHECKING

from reports.board.board import Board
from reports.statistics.spread import paired_difference, summarise
from reports.tables.table import Interval, Number, Table, Text
from reports.tables.wording import listed, number, numbers, pair_column, pair_text, signed, words
from trainers.texts.counting import counted

if TYPE_CHECKING:
    from reports.results.results import Results

NOTE = (
    "Best epoch: the highest score on the test images of any epoch, as much of the literature reports. It is "
    "chosen on test, so it is too high, and more so for rows whose curves are noisy. Bias: what it adds to the "
    "last epoch, in points, by seed; {mean} on average over {trainings}. Compare this column with published figures "
    "of its kind and with nothing else."
)


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
            names = (Text(text=pair_text(cell, board)), Text(text=line.shown, trials=found, inside=stat.n))
            spread = (signed(bias.mean, digits), Interval(low=bias.low, high=bias.high, digits=digits))
            rows.append((*names, number(stat, digits), number(whole, digits), *spread))
    heads = numbers("last epoch", "best epoch (by test)", "bias", "range")
    mean = Number(value=math.fsum(biases.values()) / max(len(biases), 1), digits=digits, signed=True)
    note = NOTE.format(mean=f"{mean.sign}{mean.figure}", trainings=counted(len(biases), "training"))
    columns = [pair_column(board), words("method"), *heads]
    return listed(board, "best_epoch", "Best epoch, chosen on test", columns, rows, notes=(note,))
