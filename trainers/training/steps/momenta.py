"""SGD for a loss whose parts have a momentum each: DOT, and DeepKD.

Zhao, Cui, Song, Liang, "DOT: A Distillation-Oriented Trainer", ICCV 2023, arXiv:2307.08436; Huang et al., "DeepKD",
NeurIPS 2025, arXiv:2505.15133. Every part has a backward pass of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from timm.utils import dispatch_clip_grad
from torch import Tensor, nn

from trainers.methods import BuiltMethod
from trainers.methods.record.built import share_of
from trainers.training.steps.loss_parts import Part


class PartedSGD(torch.optim.Optimizer):
    """Moves the parameters once for every part of the loss, in their order.

    A part's gradient is what lies in `grad` when it is taken. Its buffer becomes momentum · buffer + gradient; with
    `nesterov` the step is gradient + momentum · buffer.
    """

    def __init__(
        self, params: Iterable[Any], *, lr: float, parts: Sequence[Part], weight_decay: float, nesterov: bool
    ) -> None:
        for part in parts:
            if not 0 <= part.momentum < 1:
                raise ValueError(f"the momentum of {part.name} must lie in [0, 1), got {part.momentum:g}")
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.parts = tuple(parts)
        self._nesterov = nesterov
        self._taken: list[dict[Tensor, Tensor]] = [{} for _ in parts]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts, in the order in which they move the parameters."""
        return tuple(part.name for part in self.parts)

    def backward(self, losses: Sequence[Tensor | None], factor: float) -> None:
        """Add the gradients of the parts' losses, times a factor, to what has been taken of them since the last step.

        Args:
            losses: of the parts, in their order; None where there is none, as in a batch in which nothing is compared.
        """
        self.zero_grad(set_to_none=True)
        last = max(i for i, loss in enumerate(losses) if loss is not None)
        for i, (loss, taken) in enumerate(zip(losses, self._taken, strict=True)):
            if loss is None:
                continue
            (loss * factor).backward(retain_graph=i < last)
            for parameter in self._parameters():
                if parameter.grad is not None:
                    known = taken.get(parameter)
                    taken[parameter] = parameter.grad if known is None else known.add_(parameter.grad)
                    parameter.grad = None

    @torch.no_grad()
    def prepare(self, summed: Callable[[Sequence[nn.Parameter]], None], clip_norm: float) -> None:
        """Put together what ranks have taken, and scale it so that the norm of the sum of the parts is no more than
        `clip_norm`; 0: no bound."""
        parameters = self._parameters()
        for taken in self._taken:
            for parameter in parameters:
                parameter.grad = taken.get(parameter)
            summed(parameters)
            taken.update({one: one.grad for one in parameters if one.grad is not None})
        self.zero_grad(set_to_none=True)
        if clip_norm:
            totals = [sum(found[1:], found[0]) for one in parameters if (found := self._found(one))]
            norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(one) for one in totals]))
            factor = (clip_norm / (norm + 1e-6)).clamp(max=1.0)  # as torch's clip_grad_norm_ has it
            for taken in self._taken:
                torch._foreach_mul_([*taken.values()], factor)

    def _found(self, parameter: Tensor) -> list[Tensor]:
        return [taken[parameter] for taken in self._taken if parameter in taken]

    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # there is no closure
        """Move the parameters, part by part; the gradients taken are used up."""
        for i, (part, taken) in enumerate(zip(self.parts, self._taken, strict=True)):
            for group in self.param_groups:
                self._move(i, part, group, taken)
        self._taken = [{} for _ in self.parts]

    def _move(self, number: int, part: Part, group: dict[str, Any], taken: dict[Tensor, Tensor]) -> None:
        parameters = [one for one in group["params"] if self._found(one)]
        if not parameters:
            return
        gradients = [taken[one] if one in taken else torch.zeros_like(one) for one in parameters]
        if part.decays and group["weight_decay"]:
            torch._foreach_add_(gradients, parameters, alpha=group["weight_decay"])
        buffers = [self._buffer(one, number) for one in parameters]
        torch._foreach_mul_(buffers, part.momentum)
        torch._foreach_add_(buffers, gradients)
        moves = buffers
        if self._nesterov:
            torch._foreach_add_(gradients, buffers, alpha=part.momentum)
            moves = gradients
        torch._foreach_add_(parameters, moves, alpha=-group["lr"])

    def _buffer(self, parameter: Tensor, number: int) -> Tensor:
        state = self.state[parameter]
        name = f"momentum_{number}"
        if name not in state:
            state[name] = torch.zeros_like(parameter)
        buffer: Tensor = state[name]
        return buffer


def backward(
    optimizer: torch.optim.Optimizer,
    method: BuiltMethod,
    terms: dict[str, Tensor],
    together: int = 1,
    share: float = 1.0,
) -> None:
    """Add the gradient of a batch to those before it, or of each part of its loss; the terms are left without parts.

    Args:
        together: batches that are averaged.
        share: of the batch that is this rank's.
    """
    if not isinstance(optimizer, PartedSGD):
        loss = terms["loss"] if together == 1 else terms["loss"] / together
        (loss if share == 1 else loss * share).backward()
        return
    parts = {name: terms.pop(share_of(name), None) for name in method.apart}
    if not any(part is not None for part in parts.values()):  # nothing was compared: all that there is, is the task
        parts["task"] = terms["loss"]
    optimizer.backward([*parts.values()], share / together)


def prepare(
    optimizer: torch.optim.Optimizer,
    trained: Sequence[nn.Parameter],
    summed: Callable[[Sequence[nn.Parameter]], None],
    clip_norm: float,
) -> None:
    """Put the ranks' gradients together, and hold their norm to a bound; 0: there is none."""
    if isinstance(optimizer, PartedSGD):
        optimizer.prepare(summed, clip_norm)
        return
    summed(trained)
    if clip_norm:
        dispatch_clip_grad(trained, clip_norm)
