"""Logit standardization: what a student learns is the shape of the teacher's logits, not their size.

Sun, Ren, Li, Wang, Cao, "Logit Standardization in Knowledge Distillation", CVPR 2024, arXiv:2403.01427, section 4.
Shapes: B = batch, C = classes.
"""

from torch import Tensor

EPSILON = 1e-7


def standardize(logits_BC: Tensor) -> Tensor:
    """Return (z − mean) / (std + 1e-7) over the classes of each sample; std with C − 1, as its authors have it.

    Keeps the order of the classes; 0 where all logits of a sample are equal.
    """
    mean = logits_BC.mean(dim=-1, keepdim=True)
    return (logits_BC - mean) / (logits_BC.std(dim=-1, keepdim=True) + EPSILON)
