"""How good a network's predictions are beyond accuracy, and how like its teacher's.

Calibration error: Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv:1706.04599, section 2, with 15
bins. Agreement and KL to the teacher: Stanton et al., "Does Knowledge Distillation Really Work?", 2021,
arXiv:2106.05945, section 3. All are of what is kept, in float16, computed in float64.

Shapes: N = test images, C = classes, b = rows that are computed at once.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from trainers.files.tensor_files import save_tensors
from trainers.predictions.answers import Answers
from trainers.predictions.kept import BINS
from trainers.segmentation.pixels import IGNORE

AT_ONCE = 2**21
"""Numbers that are computed at once: 16 MB in float64."""
Found = tuple[dict[str, float], dict[str, Tensor]]
"""Measures, and what is counted by image, bin or rank."""


def save_predictions(
    path: Path, answers: Answers, key: str, teacher: str = "", theirs: Mapping[str, Tensor] | None = None
) -> None:
    """Write a file of predictions, with what is measured of them.

    Args:
        key: of the trial.
        teacher: id of the teacher, whose own predictions `theirs` are; None where there are none.
    """
    own = answers.tensors()
    compared = theirs if theirs is not None and _alike(own, theirs) else None
    measures, counts = pixels(own, compared) if "classes" in own else images(own, compared)
    told = {"trial_key": key, "teacher": teacher if compared is not None else "", "measures": measures}
    save_tensors(path, own | counts, told)


def _alike(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> bool:
    """Return whether both are of the same images, classes and pixels."""
    name = "classes" if "classes" in own else "logits"
    if name not in theirs or theirs[name].shape != own[name].shape:
        return False
    return name == "classes" or bool((own["targets"] == theirs["targets"]).all())


def images(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor] | None) -> Found:
    """Return the measures of a classifier: nll, ece and, beside a teacher, agreement and kl."""
    targets = own["targets"].long()
    count, classes = own["logits"].shape
    right, bins = torch.zeros(count, dtype=torch.uint8), torch.zeros(3, BINS, dtype=torch.float64)
    by_rank = torch.zeros(2, classes, dtype=torch.int64)
    nll, kl, agreed = (torch.zeros((), dtype=torch.float64) for _ in range(3))
    step = max(1, AT_ONCE // classes)
    for start in range(0, count, step):
        part = slice(start, start + step)
        target_b = targets[part]
        log_bC = own["logits"][part].double().log_softmax(1)
        taken_b = log_bC.argmax(1)
        right_b = taken_b == target_b
        right[part] = right_b
        nll -= log_bC.gather(1, target_b[:, None]).sum()
        confidence_b = log_bC.amax(1).exp()
        bin_b = (confidence_b * BINS).ceil().long().sub(1).clamp(0, BINS - 1)  # a bin holds its upper end
        for row, values_b in enumerate((torch.ones_like(confidence_b), confidence_b, right_b.double())):
            bins[row].scatter_add_(0, bin_b, values_b)
        if theirs is not None:
            logit_bC = theirs["logits"][part].double()
            teacher_bC = logit_bC.log_softmax(1)
            kl += (teacher_bC.exp() * (teacher_bC - log_bC)).sum()
            agreed += (logit_bC.argmax(1) == taken_b).sum()
            rank_b = _ranks(logit_bC, target_b)
            by_rank[0] += torch.bincount(rank_b, minlength=classes)
            by_rank[1] += torch.bincount(rank_b[right_b], minlength=classes)
    measures = {"nll": float(nll / count), "ece": float(100 * (bins[2] - bins[1]).abs().sum() / count)}
    counts = {"right": right, "bins": bins}
    if theirs is not None:
        measures |= {"agreement": float(100 * agreed / count), "kl": float(kl / count)}
        counts["by_rank"] = by_rank
    return measures, counts


def _ranks(logits_bC: Tensor, target_b: Tensor) -> Tensor:
    """Return the rank of each target among the logits, from 0; ties by the number of the class."""
    own_b1 = logits_bC.gather(1, target_b[:, None])
    before_C = torch.arange(logits_bC.shape[1])
    ties = (logits_bC == own_b1) & (before_C < target_b[:, None])
    return ((logits_bC > own_b1) | ties).sum(1)


def pixels(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor] | None) -> Found:
    """Return the measures of a segmentation: agreement, over the kept pixels that have a label."""
    if theirs is None:
        return {}, {}
    known = (own["classes"] != IGNORE) & (theirs["classes"] != IGNORE)
    agreed = ((own["classes"] == theirs["classes"]) & known).sum()
    return {"agreement": float(100 * agreed / known.sum().clamp(min=1))}, {}
