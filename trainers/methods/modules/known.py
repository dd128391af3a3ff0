"""A loss with a gradient that is known."""

from typing import Any

import torch
from torch import Tensor


class Known(torch.autograd.Function):
    """A loss whose gradient is known when the loss is."""

    @staticmethod
    def forward(ctx: Any, _student_BC: Tensor, known: tuple[Tensor, Tensor | None, Tensor]) -> Tensor:
        """Return Σ factors · sums of known = (sums, factors, gradient with respect to the student's logits); without
        factors, Σ sums."""
        sums, factors, ctx.gradient_BC = known  # save_for_backward refuses tensors of the inference mode
        return sums.sum() if factors is None else torch.dot(sums, factors)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        """Return the gradient, which has no derivative of its own.

        PyTorch's `once_differentiable` refuses that too and takes as long as five of the operations above.
        """
        if torch.is_grad_enabled():
            raise RuntimeError("a loss whose gradient is known can be differentiated once only")
        return ctx.gradient_BC * outer, None
