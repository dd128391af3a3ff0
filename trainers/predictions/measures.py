"""How good a network's predictions are beyond accuracy, and how like its teacher's. No torch in here: reports measure
students that had no teacher beside one.

Calibration error: Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599, section 2, with 15
bins. Agreement and KL to the teacher: Stanton et al., "Does Knowledge Distillation Really Work?", 2021,
arXiv:2106.05945, section 3. All are of what is kept, in float16, computed in float64.

Shapes: N = test images, C = classes, b = rows that are computed at once, h, w = kept pixels of an image.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.predictions.kept import BINS, IGNORE

AT_ONCE = 2**21
"""Numbers that are computed at once: 16 MB in float64."""
Arrays = Mapping[str, NDArray[Any]]
Found = tuple[dict[str, float], dict[str, NDArray[Any]]]
"""Measures, and what is counted by image, bin or rank."""


def measured(own: Arrays, theirs: Arrays | None = None) -> Found:
    """Return what there is to measure of a network's predictions, by the names of the file.

    Args:
        theirs: the teacher's; None, or of other images, classes or pixels: what needs a teacher is left out.
    """
    compared = theirs if theirs is not None and are_alike(own, theirs) else None
    return _pixels(own, compared) if "classes" in own else _images(own, compared)


def are_alike(own: Arrays, theirs: Arrays) -> bool:
    """Return whether both are of the same images, classes and pixels."""
    name = "classes" if "classes" in own else "logits"
    if name not in theirs or theirs[name].shape != own[name].shape:
        return False
    return name == "classes" or np.array_equal(own["targets"], theirs["targets"])


def _images(own: Arrays, theirs: Arrays | None) -> Found:
    logits_NC, target_N = own["logits"], own["targets"].astype(np.int64)
    count, classes = logits_NC.shape
    right_N, bins = np.zeros(count, np.uint8), np.zeros((3, BINS))
    by_rank, nll, kl, agreed = np.zeros((2, classes), np.int64), 0.0, 0.0, 0
    step = max(1, AT_ONCE // classes)
    for start in range(0, count, step):
        part = slice(start, start + step)
        target_b = target_N[part]
        log_bC = _log_softmax(logits_NC[part])
        taken_b = log_bC.argmax(1)
        right_b = taken_b == target_b
        right_N[part] = right_b
        nll -= float(np.take_along_axis(log_bC, target_b[:, None], 1).sum())
        confidence_b = np.exp(log_bC.max(1))
        bin_b = np.clip(np.ceil(confidence_b * BINS).astype(np.int64) - 1, 0, BINS - 1)  # a bin holds its upper end
        for row, values_b in enumerate((None, confidence_b, right_b)):
            bins[row] += np.bincount(bin_b, values_b, BINS)
        if theirs is not None:
            teacher_bC = theirs["logits"][part].astype(np.float64)
            log_teacher_bC = _log_softmax(teacher_bC)
            kl += float((np.exp(log_teacher_bC) * (log_teacher_bC - log_bC)).sum())
            agreed += int((teacher_bC.argmax(1) == taken_b).sum())
            rank_b = _ranks(teacher_bC, target_b)
            by_rank[0] += np.bincount(rank_b, minlength=classes)
            by_rank[1] += np.bincount(rank_b[right_b], minlength=classes)
    measures = {"nll": nll / count, "ece": float(100 * np.abs(bins[2] - bins[1]).sum() / count)}
    counts: dict[str, NDArray[Any]] = {"right": right_N, "bins": bins}
    if theirs is not None:
        measures |= {"agreement": 100 * agreed / count, "kl": kl / count}
        counts["by_rank"] = by_rank
    return measures, counts


def _log_softmax(logits_bC: NDArray[Any]) -> NDArray[np.float64]:
    shifted = logits_bC.astype(np.float64)
    shifted -= shifted.max(1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return found


def _ranks(logits_bC: NDArray[np.float64], target_b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank of each target among the logits, from 0; ties by the number of the class."""
    own_b1 = np.take_along_axis(logits_bC, target_b[:, None], 1)
    ties = (logits_bC == own_b1) & (np.arange(logits_bC.shape[1]) < target_b[:, None])
    ranks: NDArray[np.int64] = ((logits_bC > own_b1) | ties).sum(1)
    return ranks


def _pixels(own: Arrays, theirs: Arrays | None) -> Found:
    """Of the kept pixels that have a label, how many student and teacher give the same class."""
    if theirs is None:
        return {}, {}
    known = (own["classes"] != IGNORE) & (theirs["classes"] != IGNORE)
    agreed = ((own["classes"] == theirs["classes"]) & known).sum()
    return {"agreement": float(100 * agreed / max(1, known.sum()))}, {}
