"""The losses of a step of segmentation: cross-entropy at the size of the labels, distillation at that of the logits.

Shapes: B = batch, C = classes, H, W = size of the labels, h, w = size of the logits.
"""

import torch
from torch import Tensor
from torch.nn import functional

from trainers.methods import BuiltMethod
from trainers.methods.record.built import share_of
from trainers.ranks.ranks import Ranks
from trainers.segmentation.pixels import IGNORE, counted_pixels, resized

AUX_WEIGHT = 0.4
"""Factor of the losses of the auxiliary head, as in the literature."""

Answer = tuple[Tensor, Tensor | None]
"""What `forward_with_aux` of a segmentation network returns: logits [B, C, h, w] and the auxiliary head's, if any."""


def distill_pixels(
    method: BuiltMethod,
    student: Answer,
    teacher: Answer | None,
    labels_BHW: Tensor,
    epoch: int,
    ranks: Ranks | None = None,
    *,
    ignore: int = IGNORE,
) -> dict[str, Tensor]:
    """Return `loss`, to be minimised, and named parts for the log, as the method does for a batch of images.

    The cross-entropy, `ce` among the parts, is `task_loss`. The method compares the pixels that have a class; where
    both networks have an auxiliary head, it compares those too and AUX_WEIGHT of it is added, as DIST and the GDKD
    authors do. The other parts are those of the main heads. In a batch where no pixel counts there is nothing to
    compare: the term is 0, and so is its gradient.

    Args:
        teacher: constant, of any size; resized to the student's. None for a method that needs no teacher.
        epoch: from 1.
        ranks: that have parts of the batch: a mean is then over the pixels of all.
    """
    ranks = ranks or Ranks()
    logits, aux = student
    ce = task_loss(logits, labels_BHW, aux, ranks, ignore=ignore)
    if teacher is None:
        terms: dict[str, Tensor] = method(logits, None, labels_BHW, epoch, ce=ce)
        return terms
    size = (logits.shape[2], logits.shape[3])
    pixels = counted_pixels(labels_BHW, *size, ignore)
    part = ranks.part_of_rows(len(pixels.numbers))
    if not part.batch:
        return {"loss": float(method.values.get("ce_weight", 1)) * ce, "ce": ce.detach()}

    def compared(ours: Tensor, theirs: Tensor, ce: Tensor) -> dict[str, Tensor]:
        rows = (pixels.rows(ours), pixels.rows(resized(theirs, *size)))
        with ranks.rows(part):
            terms: dict[str, Tensor] = method(*rows, pixels.targets, epoch, ce=ce)
        return terms

    terms = compared(logits, teacher[0], ce)
    if aux is not None and teacher[1] is not None:
        of_aux = compared(aux, teacher[1], torch.zeros_like(ce))
        for name in ("loss", *map(share_of, method.apart)):
            terms[name] = terms[name] + AUX_WEIGHT * of_aux[name]
    return terms


def task_loss(
    logits_BChw: Tensor,
    labels_BHW: Tensor,
    aux_BChw: Tensor | None = None,
    ranks: Ranks | None = None,
    *,
    ignore: int = IGNORE,
) -> Tensor:
    """Return the cross-entropy with the labels at their size, averaged over the pixels that have a class, plus
    AUX_WEIGHT of that of the auxiliary head.

    The logits are brought to that size as `resized` does. 0 where no pixel has a class. No look at the labels: a GPU is
    not waited for.

    Args:
        labels_BHW: class numbers of any whole type; all but `ignore` below C.
    """
    counted = (labels_BHW != ignore).sum()
    counted = counted if ranks is None else ranks.summed(counted)
    loss = _cross_entropy(logits_BChw, labels_BHW, counted, ignore)
    if aux_BChw is not None:
        loss = loss + AUX_WEIGHT * _cross_entropy(aux_BChw, labels_BHW, counted, ignore)
    return loss if ranks is None or not ranks.split else loss / ranks.image_share  # which it is weighted by


def _cross_entropy(logits_BChw: Tensor, labels_BHW: Tensor, counted: Tensor, ignore: int) -> Tensor:
    with torch.autocast(logits_BChw.device.type, enabled=False):
        logits = resized(logits_BChw, labels_BHW.shape[1], labels_BHW.shape[2])
        each = functional.cross_entropy(logits, labels_BHW.long(), ignore_index=ignore, reduction="none")
        return each.sum() / counted.clamp(min=1)
