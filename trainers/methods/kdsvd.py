"""Knowledge distillation by singular value decomposition: how the main patterns of one stage become those of the next.

Lee, Kim, Song, "Self-supervised Knowledge Distillation Using Singular Value Decomposition", ECCV 2018,
arXiv:1807.06819. As in the comparison of Tian, Krishnan, Isola, arXiv:1910.10699, without the self-supervised part.
Shapes: B = batch, C = channels, H = height, W = width, K = singular vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from trainers.late import Tensor, torch
from trainers.methods.record.hyperparameters import Distilled, Factor, Log
from trainers.methods.record.method import Method, Needs
from trainers.methods.terms.bound import of_loss
from trainers.methods.terms.layers import EPS, Shape, compared, paired, same_size, unit

MORE = 3
"""How many more vectors of the student are offered to align with the teacher's."""
RBF_WIDTH = 8.0


class KDSVD(Distilled):
    k: Annotated[int, Field(ge=1), Log(1, 4)] = 1
    """How many singular vectors of the teacher's maps are compared; at most the width of the smallest map."""
    weight: Annotated[Factor, Log(0.1, 10)] = 1.0


def kdsvd_loss(student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor], *, k: int = 1) -> Tensor:
    """Return the sum over consecutive maps of |R_student − R_teacher|² / B, R = exp(−(v_i − u_j)² / 8).

    v and u are the right singular vectors of a map, seen as a matrix [C·H, W], and of the map before; those of both
    networks are scaled by the teacher's singular values (at length 1), the student's first brought into the order and
    sign of the teacher's. 0 where the vectors are equal.

    Waits for the GPU in every step: torch's decomposition of matrices does. The gradient is finite for repeated
    singular values, whose vectors are not determined: it leaves their turning into each other out.

    Args:
        student_maps: [B, C, H, W], two or more; channels and size may differ from the teacher's: the larger is
            averaged.
        teacher_maps: as many; constants.
    """
    sized = [same_size(ours, theirs.detach()) for ours, theirs in zip(student_maps, teacher_maps, strict=True)]
    k = min(k, *(ours.shape[3] for ours, _ in sized))
    vectors = [_vectors(ours, theirs, k) for ours, theirs in sized]
    steps = pairwise(vectors)
    terms = [(_rbf(s, s_before) - _rbf(t, t_before)).square().sum() for (s_before, t_before), (s, t) in steps]
    return torch.stack(terms).sum() / len(student_maps[0])


def _vectors(ours: Tensor, theirs: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the scaled vectors [B, W, K] of both maps."""
    our_vectors, _ = _decomposed(ours, k + MORE)
    their_vectors, values_BK = _decomposed(theirs, k)
    scale = unit(values_BK, dim=1).unsqueeze(1)
    return _aligned(our_vectors, their_vectors) * scale, their_vectors * scale


def _decomposed(one: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the first k right singular vectors [B, W, K] and values [B, K] of the maps; as many as there are."""
    rows = one.flatten(1, 2)
    gram = rows.mT @ rows
    trace = gram.diagonal(dim1=1, dim2=2).sum(1).detach()  # a constant: the vectors do not depend on it
    from trainers.methods.modules.eigenvectors import Eigenvectors

    vectors, eigenvalues = Eigenvectors.apply(gram / trace.clamp_min(EPS)[:, None, None])
    return vectors.flip(2)[:, :, :k], eigenvalues.clamp_min(0).sqrt().flip(1)[:, :k]


def _aligned(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return, for each vector of the teacher, the student's of the greatest |cosine|, with the cosine's sign."""
    cosines = (ours.mT @ theirs).detach()
    best = cosines.abs().argmax(1, keepdim=True)
    signs = cosines.gather(1, best).sign()
    return ours.gather(2, best.expand(-1, ours.shape[1], -1)) * signs


def _rbf(vectors: Tensor, before: Tensor) -> Tensor:
    return (-(vectors.unsqueeze(2) - before.unsqueeze(1)).square() / RBF_WIDTH).exp()


def _pairs(student: tuple[Shape, ...], teacher: tuple[Shape, ...]) -> tuple[tuple[int, int], ...]:
    """Return the compared maps.

    Raises:
        ValueError: there are not two that go on from one to the next, or all are one pixel wide.
    """
    pairs = compared(student, teacher)
    if len(pairs) < 2 or all(min(student[s][2], teacher[t][2]) == 1 for s, t in pairs):
        raise ValueError(
            "'kdsvd' cannot work with these networks: it compares how one map goes over into the next, and needs two "
            f"or more maps that go together, not all one pixel wide; student {student}, teacher {teacher} "
            "(channels, height, width)"
        )
    return pairs


KDSVD_METHOD = Method(
    name="kdsvd",
    title="KDSVD",
    version=1,
    hyperparameters=KDSVD,
    loss=kdsvd_loss,
    term=of_loss("kdsvd", kdsvd_loss, paired(_pairs)),
    needs=Needs.FEATURES,
    summary="how singular vectors of one stage go over into the next",
    source="arXiv:1807.06819",
    fits=lambda _values, student, teacher: _pairs(student.maps, teacher.maps),
)
