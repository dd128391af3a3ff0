"""Neuron selectivity transfer: the distribution of the channels' patterns, compared by a polynomial kernel.

Huang, Wang, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer", 2017, arXiv:1707.01219.
Shapes: B = batch, C = channels (Cs of the student, Ct of the teacher), H = height, W = width, P = H · W.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs
from trainers.methods.terms.bound import of_loss
from trainers.methods.terms.layers import paired, same_size, spatial, unit


class NST(Distilled):
    weight: Annotated[Factor, Log(5, 500)] = 50.0


def nst_loss(student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]) -> Tensor:
    """Return the sum over the maps of the squared maximum mean discrepancy between the channels of an image.

    mean k(t, t) + mean k(s, s) − 2 mean k(s, t) with k(a, b) = (a · b)², over batch and channels; a channel is a
    vector over the pixels at length 1. Never negative, 0 where the channels are equal up to order and sign.

    Args:
        student_maps: [B, Cs, H, W] each; channels and size may differ from the teacher's: the larger is averaged.
        teacher_maps: [B, Ct, H, W], as many; constants.
    """
    pairs = zip(student_maps, teacher_maps, strict=True)
    return torch.stack([_discrepancy(*same_size(ours, theirs.detach())) for ours, theirs in pairs]).sum()


def _discrepancy(ours: Tensor, theirs: Tensor) -> Tensor:
    """Compute the kernel's means by the smaller Gram matrices: [P, P], or [Cs, Cs], [Ct, Ct] and [Cs, Ct].

    The sum of k over two sets of channels A [C, P] and D is the inner product of AᵀA and DᵀD, so that the discrepancy
    is the squared distance of two [P, P] matrices: deep layers have thousands of channels, but few pixels.
    """
    a, b = unit(ours.flatten(2), dim=2), unit(theirs.flatten(2), dim=2)
    of_ours, of_theirs, pixels = a.shape[1], b.shape[1], a.shape[2]
    if 2 * pixels**2 <= of_ours**2 + of_theirs**2 + of_ours * of_theirs:
        difference = a.mT @ a / of_ours - b.mT @ b / of_theirs
        return difference.square().sum((1, 2)).mean()
    return _kernel_mean(b, b) + _kernel_mean(a, a) - 2 * _kernel_mean(a, b)


def _kernel_mean(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.mT).square().mean()


NST_METHOD = Method(
    name="nst",
    title="NST",
    version=1,
    hyperparameters=NST,
    loss=nst_loss,
    term=of_loss("nst", nst_loss, paired(partial(spatial, "nst"))),
    needs=Needs.FEATURES,
    summary="distribution of the patterns that the channels select",
    source="arXiv:1707.01219",
    fits=lambda _values, student, teacher: spatial("nst", student.maps, teacher.maps),
)
