"""What was measured of the test images that a home's networks answered; the answers themselves when they are asked for.

`trainers.predictions.kept` is the contract of the files. No torch in here.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainers.files.store import Store
from trainers.predictions.measures import measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "predictions"


@dataclass(frozen=True, slots=True)
class Predictions:
    """One network's predictions on the test images."""

    file: Path
    teacher: str
    """Key of the trial that trained or scored the teacher that they were compared with; empty for none."""
    measures: Mapping[str, float]
    """By the names of `trainers.predictions.kept.MEASURES`."""
    by_rank: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    """Images by the teacher's rank of their class, from the first, and how many of them were answered right."""
    iou: tuple[float, ...] | None = None
    """Of a segmentation: intersection over union of each class, in percent; NaN for a class that is nowhere."""

    def right(self) -> "NDArray[np.bool_] | None":
        """Return of each test image whether it was answered right; None of a segmentation.

        Raises:
            OSError: it cannot be read any more.
        """
        found = _tensors(self.file, ("right",)).get("right")
        return None if found is None else found.astype(bool)

    def rate(self, first: int, last: int | None = None) -> float | None:
        """Return in percent how many are right of the images whose class the teacher ranks from `first`, from 1, up to
        `last`; None where there are none, or no teacher."""
        if self.by_rank is None:
            return None
        images, right = (sum(counts[first - 1 : last]) for counts in self.by_rank)
        return 100 * right / images if images else None


def read(home: Path | None, lines: Iterable[Mapping[str, str]]) -> dict[str, Predictions]:
    """Return what a home has of the trials of these lines of members.csv, by trial key."""
    folder = None if home is None else home / FOLDER
    if home is None or folder is None or not folder.is_dir():
        return {}
    store, there, found = Store(home), {path.stem for path in folder.glob("*.safetensors")}, {}
    for line in lines:
        key = line["trial_key"]
        if key in there and key not in found and (one := _predictions(store.predictions(key))) is not None:
            found[key] = one
    return found


def beside(own: Predictions, teacher: Predictions) -> Predictions:
    """Return the predictions of a network that had no teacher, compared with those of one."""
    told, by_rank = _beside(own.file, teacher.file)
    return (
        own if not told else replace(own, teacher=teacher.file.stem, measures={**own.measures, **told}, by_rank=by_rank)
    )


@functools.lru_cache(maxsize=4096)
def _beside(own: Path, teacher: Path) -> tuple[dict[str, float], tuple[tuple[int, ...], tuple[int, ...]] | None]:
    names = ("logits", "targets", "classes")
    try:
        measures, counts = measured(_tensors(own, names), _tensors(teacher, names))
    except OSError:
        return {}, None
    return (measures, _ranked(counts.get("by_rank"))) if "agreement" in measures else ({}, None)


def _ranked(by_rank: "NDArray[np.int64] | None") -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    return None if by_rank is None else (tuple(by_rank[0].tolist()), tuple(by_rank[1].tolist()))


def _predictions(file: Path) -> Predictions | None:
    from safetensors import SafetensorError

    try:
        told, tensors = _metadata(file), _tensors(file, ("by_rank", "confusion"))
        measures = {str(name): float(value) for name, value in told["measures"].items()}
        teacher = str(told.get("teacher", ""))
    except (OSError, SafetensorError, ValueError, KeyError, AttributeError, TypeError):
        return None  # as if it were not there: a report is worth more
    confusion = tensors.get("confusion")
    iou = None if confusion is None else _iou(confusion)
    return Predictions(file, teacher, measures, _ranked(tensors.get("by_rank")), iou)


def _iou(confusion: "NDArray[np.int64]") -> tuple[float, ...]:
    both, either = confusion.diagonal(), confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    return tuple(100 * b / e if e else float("nan") for b, e in zip(both.tolist(), either.tolist(), strict=True))


def _metadata(file: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(file, framework="np") as handle:
        told: dict[str, Any] = json.loads((handle.metadata() or {}).get("json", "{}"))
    return told


def _tensors(file: Path, names: Iterable[str]) -> "dict[str, NDArray[Any]]":
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as handle:
            there = set(handle.keys())
            return {name: handle.get_tensor(name) for name in names if name in there}
    except SafetensorError as error:
        raise OSError(f"{file}: {error}") from error
