"""What rows have learnt, from predictions on test images: measures by seed, and two rows image by image."""

import math
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.board.board import Board, Line, build
from reports.board.score import setting_of
from reports.results.predictions import Predictions, beside
from reports.statistics.mcnemar import exact, together

if TYPE_CHECKING:
    from reports.results.results import Results

COLUMNS = {
    "nll": "negative log-likelihood of the right class on the test images, in nats",
    "ece": "expected calibration error on the test images, 15 bins, percent",
    "agreement": "test images (of a segmentation: pixels) to which the teacher gives the same class, percent",
    "kl": "KL divergence from the teacher's probabilities to the student's on the test images, in nats",
    "teacher_right": "accuracy on the test images that the teacher has right, whose class it ranks first, percent",
    "teacher_wrong": "accuracy on the test images that the teacher has wrong, percent",
    "k": "of the two columns that follow",
    "rank_2_to_k": "accuracy on the test images whose class the teacher ranks second to k-th, percent",
    "rank_above_k": "accuracy on the test images whose class the teacher ranks behind the k-th, percent",
}
"""Columns of a trial: name -> what it holds. In results.parquet they begin with `PREFIX`."""
PREFIX = "fidelity."
CUTS = {"gdkd": "k", "gdkd3": "k", "partition": "cuts"}
"""Methods that cut the teacher's ranking: name -> hyperparameter, whose last rank is the k."""


def of_one(found: Predictions, k: int | None) -> dict[str, float]:
    """Return what there is of one network's predictions, by the names of `COLUMNS`."""
    ranks = {"teacher_right": found.rate(1, 1), "teacher_wrong": found.rate(2)}
    if k is not None:
        ranks |= {"k": float(k), "rank_2_to_k": found.rate(2, k) if k > 1 else None, "rank_above_k": found.rate(k + 1)}
    told = {**found.measures, **{name: value for name, value in ranks.items() if value is not None}}
    return {name: told[name] for name in COLUMNS if name in told and math.isfinite(told[name])}


def group_sizes(results: "Results", board: Board) -> list[int | None]:
    """Return for each cell the k that its images are grouped by: the proposal's, else that of the first row that cuts
    the ranking at one, at best above 1, which leaves a group in the middle; None where none does."""
    found: list[int | None] = []
    for column in range(len(board.cells)):
        proposal = [line for line in board.lines if board.options.proposal in (line.row.label, line.row.entry)]
        own, all_rows = (
            [k for line in lines if line.kind == "method" and (k := _cut(results, line, column)) is not None]
            for lines in (proposal, board.lines)
        )
        found.append(next(iter([*own, *(k for k in all_rows if k > 1), *all_rows]), None))
    return found


def _cut(results: "Results", line: Line, column: int) -> int | None:
    """Return the last rank after which a row cuts the teacher's ranking, given or by default; None where it cuts
    nowhere, or each image elsewhere."""
    score, combined = line.scores[column], "+" in line.row.method
    for method, name in CUTS.items():
        if method in line.row.method.split("+"):
            rank, way = (f"{method}.{one}" if combined else one for one in (name, "cut"))
            known = setting_of(results.trials.iloc[score.trials[0]], (rank, way)) if score.by_seed else score.setting
            ranks = re.findall(r"[0-9]+", str(known.get(rank, "")))  # of a list MLflow has the text
            if ranks and known.get(way, "k") == "k":
                return int(ranks[-1])
    return None


def by_seed(results: "Results", board: Board, place: int, column: int) -> dict[int, Predictions]:
    """Return the predictions behind a number of the board, by seed: of students alone beside the cell's teacher."""
    found = kept(results, board, place, column)
    teachers = [] if board.lines[place].kind == "teacher" else [*kept(results, board, 0, column).values()]
    return {seed: beside(one, teachers[0]) if teachers and not one.teacher else one for seed, one in found.items()}


def columns(results: "Results", board: Board) -> dict[str, list[float | None]]:
    """Return `COLUMNS` of all trials in their order, by names with `PREFIX`; none where no prediction was kept."""
    if not results.predictions:
        return {}
    sizes, told = group_sizes(results, board), dict[int, dict[str, float]]()
    for column in range(len(board.cells)):
        for place, line in enumerate(board.lines):
            k, found = None if line.kind == "teacher" else sizes[column], by_seed(results, board, place, column)
            for at in line.scores[column].trials:
                seed, key = int(results.trials["seed"].iloc[at]), results.trials["trial_key"].iloc[at]
                if seed in found and found[seed].file == getattr(results.predictions.get(key), "file", None):
                    told[at] = of_one(found[seed], k)
    every = range(len(results.trials))
    return {PREFIX + name: [told.get(at, {}).get(name) for at in every] for name in COLUMNS}


def kept(results: "Results", board: Board, place: int, column: int) -> dict[int, Predictions]:
    """Return the predictions behind a number of the board, by seed, as they were measured."""
    score = board.lines[place].scores[column]
    keys, seeds = results.trials["trial_key"], results.trials["seed"]
    inside = score.trials[: len(score.by_seed)]
    return {
        int(seeds.iloc[i]): results.predictions[key] for i in inside if (key := keys.iloc[i]) in results.predictions
    }


@dataclass(frozen=True, slots=True)
class Paired:
    """Two rows image by image, over the seeds that both have predictions of."""

    only_one: float
    """Images that the one has right and the other wrong, mean over seeds."""
    only_other: float
    images: int
    ps: Mapping[int, float]
    """McNemar's exact p by seed."""

    @property
    def p(self) -> float:
        """Of all seeds (`reports.statistics.mcnemar.together`)."""
        return together([*self.ps.values()])


class Right:
    """Which test images each row has right; read once."""

    def __init__(self, results: "Results", board: Board) -> None:
        self._results, self._board = results, board
        self._known: dict[tuple[int, int], dict[int, int]] = {}
        self._images: dict[tuple[int, int], int] = {}

    def paired(self, one: int, other: int, column: int) -> Paired | None:
        """Return two lines of the board side by side in a cell; None where they have no seed in common."""
        ours, theirs = self._of(one, column), self._of(other, column)
        seeds = sorted(ours.keys() & theirs.keys())
        if not seeds or self._images[one, column] != self._images[other, column]:
            return None
        alone = [((ours[s] & ~theirs[s]).bit_count(), (theirs[s] & ~ours[s]).bit_count()) for s in seeds]
        return Paired(
            statistics.fmean(first for first, _ in alone),
            statistics.fmean(second for _, second in alone),
            self._images[one, column],
            {seed: exact(*counts) for seed, counts in zip(seeds, alone, strict=True)},
        )

    def _of(self, place: int, column: int) -> dict[int, int]:
        """Return by seed which images are right, as bits of a number."""
        import numpy as np

        if (place, column) not in self._known:
            found: dict[int, int] = {}
            for seed, one in kept(self._results, self._board, place, column).items():
                try:
                    right = one.right()
                except OSError:
                    continue
                if right is not None:
                    found[seed] = int.from_bytes(np.packbits(right).tobytes(), "big")
                    self._images[place, column] = len(right)
            self._known[place, column] = found
        return self._known[place, column]


def mcnemar(results: "Results", one: str, other: str, cell: str = "") -> Paired | None:
    """Return two rows image by image, by their labels; None where they have no seed with predictions in common.

    Args:
        cell: data set and pair, as `board.cells` have them; by default the first.

    Raises:
        ValueError: there is no such row or cell.
    """
    board = build(results)
    places = {line.row.label: place for place, line in enumerate(board.lines) if line.kind != "teacher"}
    cells = {found.id: column for column, found in enumerate(board.cells)}
    for known, wanted in ((places, one), (places, other), (cells, cell or next(iter(cells), ""))):
        if wanted not in known:
            raise ValueError(f"{board.name} has no {wanted!r}; it has {', '.join(known)}")
    return Right(results, board).paired(places[one], places[other], cells[cell] if cell else 0)
