"""The numbers of the main table by name, for whoever keeps named numbers alone."""

import re

from reports.board.board import Board

SEPARATE = "/"
"""Between the parts of a name."""
FORBIDDEN = re.compile(r"[^\w. -]+")
LENGTH = 240
"""MLflow takes 250 characters."""

NAMES = {
    "final_top1/CELL/ROW": "mean over seeds, as in the table but not rounded; of a segmentation `final_miou/…`",
    "final_top1_std/CELL/ROW": "standard deviation of the sample, where there are two seeds or more",
    "final_top1_n/CELL/ROW": "number of seeds",
}
"""Contract: what the parent run of a sweep holds beside its description."""


def numbers(board: Board) -> dict[str, float]:
    """Return mean, spread and count of every cell of the table that has a number; the names are of letters, digits and
    ` _-./`, and no two are alike."""
    found: dict[str, float] = {}
    for line in board.lines:
        for cell, score in zip(board.cells, line.scores, strict=True):
            if (stat := score.stat) is None:
                continue
            final, place = board.measure(cell).final, f"{plain(cell.id)}{SEPARATE}{plain(line.row.label)}"
            while f"{final}{SEPARATE}{place}" in found:
                place += "_"
            values = {"": stat.mean, "_std": stat.std, "_n": float(stat.n)}
            found |= {f"{final}{of}{SEPARATE}{place}": value for of, value in values.items() if value is not None}
    return found


def plain(text: str) -> str:
    """Return a text of letters, digits and ` _-.` alone: `a -> b` becomes `a - b`, `k=5` becomes `k_5`."""
    text = FORBIDDEN.sub(" ", text.replace("->", "-").replace("=", "_"))
    return " ".join(text.split())[: LENGTH // 3].strip(" .") or "_"
