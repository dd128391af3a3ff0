"""How classes are ranked, and where the ranking of each sample is cut.

Shapes: B = batch, C = classes, R = ranks that are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from trainers.late import Tensor, torch

Cut = Literal["k", "mass", "gap"]
"""Where a ranking is cut: at one rank for all samples, or where each sample's own distribution says."""


def by_teacher(teacher_BC: Tensor) -> Tensor:
    """Return the classes [B, C] from the teacher's highest logit to its lowest; ties by class index."""
    return teacher_BC.sort(dim=1, descending=True, stable=True).indices


def top_ranks(teacher_BC: Tensor, ranks: int, *, cuts: Sequence[int] | None = None) -> Tensor:
    """Return the first `ranks` classes [B, R] of the teacher's ranking; ties by class index.

    Where cuts are given, it is enough that the right classes are before and after each of them.

    Raises:
        ValueError: ranks is not in 1 … C − 1.
    """
    size = teacher_BC.shape[1]
    if not 1 <= ranks < size:
        raise ValueError(f"ranks must be from 1 to less than the number of classes ({size}), got {ranks}")
    if teacher_BC.device.type == "cpu":
        values, classes = teacher_BC.topk(ranks + 1, dim=1)
        rises = values.narrow(1, 1, ranks) - values.narrow(1, 0, ranks)  # below 0 but for ties and NaN
        # topk leaves open which of equal logits it takes
        if rises.amax().item() < 0 or (cuts and rises[:, [cut - 1 for cut in cuts]].amax().item() < 0):
            return classes.narrow(1, 0, ranks)
    return by_teacher(teacher_BC)[:, :ranks]  # elsewhere to look at the values would stall the device


def target_first(target_B: Tensor, classes: int) -> Tensor:
    """Return the classes [B, C] with the target before the others, which keep their order."""
    others = torch.arange(classes - 1, device=target_B.device).expand(len(target_B), -1)
    others = others + (others >= target_B[:, None]).long()  # steps over the target
    return torch.cat([target_B[:, None], others], dim=1)


def cut_by_mass(teacher_BC: Tensor, ranking_BC: Tensor, mass: float) -> Tensor:
    """Return, for each sample, how many of the teacher's first classes [B] hold `mass` of its prediction, from 1 to
    C − 1.

    The prediction is the softmax of the logits, at temperature 1.
    """
    held_BC = teacher_BC.softmax(1).gather(1, ranking_BC).cumsum(1)
    return ((held_BC < mass).sum(1) + 1).clamp(max=teacher_BC.shape[1] - 1)


def cut_by_gap(teacher_BC: Tensor, ranking_BC: Tensor) -> Tensor:
    """Return, for each sample, after which rank [B] the teacher's ranked logits fall most, from 1 to C − 1; of equal
    falls the first."""
    ranked_BC = teacher_BC.gather(1, ranking_BC)
    falls = ranked_BC[:, :-1] - ranked_BC[:, 1:]
    first = (falls == falls.amax(1, keepdim=True)).int().argmax(1)  # argmax alone leaves open which of equal ones
    return first + 1


def own_cuts(teacher_BC: Tensor, ranking_BC: Tensor, cut: Cut, mass: float) -> Tensor:
    """Return where the ranking of each sample is cut [B], from 1 to C − 1.

    Raises:
        ValueError: cut is neither mass nor gap, or the mass is not in (0, 1).
    """
    if cut == "mass":
        if not 0 < mass < 1:
            raise ValueError(f"mass must be greater than 0 and less than 1, got {mass}")
        return cut_by_mass(teacher_BC, ranking_BC, mass)
    if cut == "gap":
        return cut_by_gap(teacher_BC, ranking_BC)
    raise ValueError(f"cut must be one of {', '.join(get_args(Cut))}, got {cut!r}")


def idle(values: Mapping[str, Any], classes: int, *, least: int) -> tuple[str, ...]:
    """Return the hyperparameters of gdkd and gdkd3 that change nothing: what the cut does not ask for, the weight of a
    group of one class, and the direction where nothing inside a group counts.

    Args:
        least: the smallest k, at which w1 is that of a group of one class.
    """
    unused = {"k": ("mass",), "mass": ("k",), "gap": ("k", "mass")}[values["cut"]]
    k = values["k"] if values["cut"] == "k" else None
    if k is None and classes == least + 1:
        k, unused = least, ("k", "mass")  # there is one cut only, whatever says where
    alone = (*(("w1",) if k == least else ()), *(("w2",) if k == classes - 1 else ()))
    nothing = all(values[name] == 0 for name in ("w1", "w2") if name not in alone)
    return (*unused, *alone, *(("kl",) if nothing else ()))
