"""Logit standardization: what a student learns is the shape of the teacher's logits, not their size.

Sun, Ren, Li, Wang, Cao, "Logit Standardization in Knowledge Distillation", CVPR 2024, arXiv:2403.01427, section 4.
Shapes: B = batch, C = classes.
"""

from __future__ import annotations

from trainers.late import Tensor, torch

EPSILON = 1e-7
FLAT = 1e-6
"""Logits that spread no more than this are taken for equal."""


def standardize(logits_BC: Tensor) -> Tensor:
    """Return (z − mean) / (std + 1e-7) over the classes of each sample; std with C − 1, as its authors have it.

    Keeps the order of the classes. 0 where all logits of a sample are equal, as those of a classifier that starts at 0
    are, and without a gradient: the formula's own is 1e7 and more there.
    """
    mean, std = logits_BC.mean(dim=-1, keepdim=True), logits_BC.std(dim=-1, keepdim=True)
    return torch.where(std > FLAT, (logits_BC - mean) / (std + EPSILON), 0.0)
