"""Whether the trainings of one mean ran alike: what is not in their keys and may still change their numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.board.behind import counted
from reports.board.board import Board
from reports.tables.wording import place_text

if TYPE_CHECKING:
    from reports.results.results import Results

WORDS = {
    "threads": "Threads",
    "ranks": "Ranks",
    "device": "The device",
    "torch": "torch's version",
    "cuda": "CUDA's version",
}
"""By tag. Sums over other threads or ranks round otherwise, and so do other devices and libraries."""
MOST = 4
"""Means that a sentence names."""


def notes(results: "Results", board: Board) -> Iterator[str]:
    """Yield what differs between trainings of one mean, with the means it does in."""
    in_means, keys = counted(results.trials).tolist(), results.trials["trial_key"].tolist()
    means: dict[tuple[int, str], tuple[str, list[str]]] = {}
    for place, line in enumerate(board.lines):
        for cell, score in zip(board.cells, line.scores, strict=True):
            if len(score.by_seed) > 1 and score.same_as is None:
                ids = [keys[trial] for trial in score.trials if in_means[trial]]
                means[place, cell.id] = place_text(board, place, cell), ids
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for where, ids in means.values():
        tags = [results.runs[key].tags for key in ids if key in results.runs]
        for tag in WORDS:
            values = tuple(sorted({of[tag] for of in tags if tag in of}))
            if len(values) > 1:
                found.setdefault((tag, values), []).append(where)
    for (tag, values), every in found.items():
        more = f" and {len(every) - MOST} more" if len(every) > MOST else ""
        differ = "differ" if tag in ("threads", "ranks") else "differs"
        yield f"{WORDS[tag]} {differ} within a mean ({', '.join(values)}): {'; '.join(every[:MOST])}{more}."
