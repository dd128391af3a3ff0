"""Logits to test with, and the losses once more, written as the papers have them: masks, one sample at a time."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from trainers.methods import BuiltMethod, Method, Setting
from trainers.methods.terms.groups import Comparison, compare_groups
from trainers.methods.terms.tensors import raised

repeatable = settings(max_examples=50, deadline=None, derandomize=True, database=None)
KLS = ("forward", "reverse", "both")


def random_logits(batch: int, classes: int, *, seed: int = 0, size: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits of a student and of a teacher in float64, and targets."""
    generator = torch.Generator().manual_seed(seed)
    student = size * torch.randn(batch, classes, generator=generator, dtype=torch.float64)
    teacher = size * torch.randn(batch, classes, generator=generator, dtype=torch.float64)
    return student, teacher, torch.randint(classes, (batch,), generator=generator)


@st.composite
def pairs(draw: st.DrawFn, *, batch: int | None = None, classes: int = 2) -> tuple[Tensor, Tensor]:
    """Draw the logits of a student and a teacher in float64, at least so many classes, often with ties."""
    rows = batch or draw(st.integers(1, 3))
    shape = (2, rows, draw(st.integers(classes, 8)))
    elements = st.one_of(st.integers(-3, 3).map(float), st.floats(-40, 40))
    student, teacher = torch.from_numpy(draw(arrays.arrays("float64", shape, elements=elements)))
    return student, teacher


@st.composite
def cut_pairs(draw: st.DrawFn, *, batch: int | None = None) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Draw logits and cuts for them."""
    student, teacher = draw(pairs(batch=batch))
    cuts = draw(st.sets(st.integers(1, student.shape[1] - 1), min_size=1))
    return student, teacher, tuple(sorted(cuts))


def by_ranking(
    student: Tensor, teacher: Tensor, *, ranking: Tensor, cuts: Sequence[int], **settings: Any
) -> Comparison:
    """Compare groups of classes that are ranked so."""
    top = ranking[:, : cuts[-1] if cuts else 1]
    return compare_groups(*raised(student, teacher), cuts, **settings, top_BK=top)


def ranked(teacher: Tensor) -> list[list[int]]:
    """Return the classes of each sample, highest logit first, ties by class index."""
    return [sorted(range(len(row)), key=lambda c, row=row: (-row[c], c)) for row in teacher.tolist()]


def textbook(
    student: Tensor,
    teacher: Tensor,
    rankings: Sequence[Sequence[int]],
    cuts: Sequence[int],
    w0: float,
    weights: Sequence[float],
    temperature: float,
    kl: str = "forward",
) -> Tensor:
    """Return the partition loss in float64, sample by sample."""
    student, teacher = student.double() / temperature, teacher.detach().double() / temperature
    total = student.new_zeros(())
    edges = [0, *cuts, student.shape[1]]
    for q, p, ranking in zip(student.log_softmax(1), teacher.log_softmax(1), rankings, strict=True):
        groups = [list(ranking[start:end]) for start, end in pairwise(edges)]
        total = total + w0 * _kl(torch.stack([p[g].logsumexp(0) for g in groups]), [q[g].logsumexp(0) for g in groups])
        for weight, group in zip(weights, groups, strict=True):
            ours, theirs = q[group].log_softmax(0), p[group].log_softmax(0)
            share = {"forward": (1.0, 0.0), "reverse": (0.0, 1.0), "both": (0.5, 0.5)}[kl]
            total = total + weight * (share[0] * _kl(theirs, ours) + share[1] * _kl(ours, theirs))
    return total * temperature**2 / len(student)


def _kl(left: Tensor, right: Tensor | list[Tensor]) -> Tensor:
    right = torch.stack(right) if isinstance(right, list) else right
    return (left.exp() * (left - right)).sum()


def kl(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the KL of two lists of probabilities; their sums are divided out."""
    normal = [(p / sum(left), q / sum(right)) for p, q in zip(left, right, strict=True)]
    return sum(p * math.log(p / q) for p, q in normal)


def with_gradient(loss, student: Tensor, *rest: Tensor, **settings) -> tuple[Tensor, Tensor]:
    """Return a loss and its gradient with respect to the student's logits."""
    student = student.detach().clone().requires_grad_()
    value = loss(student, *rest, **settings)
    (gradient,) = torch.autograd.grad(value, student)
    return value.detach(), gradient


def built(method: Method, setting: Setting | None = None, **values: Any) -> BuiltMethod:
    """Return a method that can be called, with these values and else its defaults, which need keep no rules."""
    return BuiltMethod(method, method.coerced({**method.defaults(), **values}), setting or Setting())
