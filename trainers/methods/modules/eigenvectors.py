"""Eigenvectors with a gradient that is finite for equal eigenvalues."""

from typing import Any

import torch
from torch import Tensor

BROADENING = 1e-10
"""Added to the squared difference of two eigenvalues, of which the largest are at most 1, where the gradient divides
by that difference."""


class Eigenvectors(torch.autograd.Function):
    """Eigenvectors (differentiable) and eigenvalues (constants) of symmetric matrices, in rising order.

    The gradient divides by differences d of eigenvalues: here by d + ε/d, so that it is finite for equal ones. Matrices
    that are not finite have vectors that are not: they must be seen in the loss, not break the decomposition.
    """

    @staticmethod
    def forward(ctx: Any, matrices: Tensor) -> tuple[Tensor, Tensor]:
        finite = matrices.isfinite().all(2, keepdim=True).all(1, keepdim=True)
        eigenvalues, vectors = torch.linalg.eigh(torch.where(finite, matrices, 0.0))
        vectors = torch.where(finite, vectors, torch.nan)
        ctx.save_for_backward(eigenvalues, vectors)
        ctx.mark_non_differentiable(eigenvalues)
        return vectors, eigenvalues

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        eigenvalues: Tensor
        vectors: Tensor
        eigenvalues, vectors = ctx.saved_tensors
        apart = eigenvalues.unsqueeze(1) - eigenvalues.unsqueeze(2)
        turned = apart / (apart.square() + BROADENING) * (vectors.mT @ gradients[0])
        gradient = vectors @ turned @ vectors.mT
        return (gradient + gradient.mT) / 2
