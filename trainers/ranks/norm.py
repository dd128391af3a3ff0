"""BatchNorm over a batch that several ranks have parts of, on any device.

Shapes: B = images of a rank, C = channels, R = ranks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class OverAll(TorchFunctionMode):
    """While entered, every BatchNorm in training mode, of whatever class, normalises by the images of all ranks.

    Args:
        tabled: turns what a rank has, [n], into what all have, [R, n], with a gradient.
    """

    def __init__(self, tabled: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._tabled = tabled

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func is functional.batch_norm and given.get("training", False):
            rest = {name: value for name, value in given.items() if name != "training"}
            return _batch_norm(self._tabled, *args, **rest)
        return func(*args, **given)


def _batch_norm(
    tabled: Callable[[Tensor], Tensor],
    inputs: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float,
    eps: float,
) -> Tensor:
    """Return what `torch.nn.functional.batch_norm` does in training mode for the images of all ranks, of [B, C, …].

    Means and variances of the ranks are put together by their differences: sums of squares would lose the variance of
    numbers that lie far from 0.
    """
    numbers = inputs if inputs.dtype == torch.float64 else inputs.float()
    channels = inputs.shape[1]
    var_C, mean_C = torch.var_mean(numbers, [0, *range(2, inputs.ndim)], correction=0)
    count = mean_C.new_full((1,), inputs.numel() / channels)
    means_RC, vars_RC, counts_R1 = tabled(torch.cat([mean_C, var_C, count])).split([channels, channels, 1], dim=1)
    shares_R1, total = counts_R1 / counts_R1.sum(), counts_R1.sum()
    mean_C = (shares_R1 * means_RC).sum(0)
    var_C = (shares_R1 * (vars_RC + (means_RC - mean_C).square())).sum(0)
    with torch.no_grad():
        for running, now_C in ((running_mean, mean_C), (running_var, var_C * (total / (total - 1)))):
            if running is not None:
                running.lerp_(now_C.to(running.dtype), momentum)
    along = (1, channels, *[1] * (inputs.ndim - 2))
    scale_C = (var_C + eps).rsqrt()
    if weight is not None:
        scale_C = scale_C * weight
    centred = numbers - mean_C.view(along)
    normal: Tensor = centred * scale_C.view(along)
    normal = normal if bias is None else normal + bias.view(along)
    return normal.to(inputs.dtype)
