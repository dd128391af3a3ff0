"""What every logit loss does to its inputs first."""

from __future__ import annotations

from trainers.late import Tensor, torch


def raised(student_BC: Tensor, teacher_BC: Tensor) -> tuple[Tensor, Tensor]:
    """Return both logits in float32, or float64 where one is, the teacher's cut off from gradients.

    Raises:
        ValueError: they are not two tensors of one shape [B, C].
    """
    if student_BC.ndim != 2 or student_BC.shape != teacher_BC.shape:
        raise ValueError(
            f"logits must be two tensors of one shape [B, C], got {[*student_BC.shape]} and {[*teacher_BC.shape]}"
        )
    if student_BC.dtype == teacher_BC.dtype == torch.float32:  # the usual case, without four calls
        return student_BC, teacher_BC.detach()
    dtype = torch.promote_types(torch.promote_types(student_BC.dtype, teacher_BC.dtype), torch.float32)
    return student_BC.to(dtype), teacher_BC.detach().to(dtype)


def known(student_BC: Tensor, each: Tensor, gradient_BC: Tensor) -> Tensor:
    """Return the sum of `each`, whose gradient with respect to the student's logits is this one: at the usual sizes the
    number of operations and of tensors kept is the cost, and who works the gradient out needs few."""
    from trainers.methods.modules.known import Known

    return Known.apply(student_BC, (each, None, gradient_BC))  # type: ignore[no-any-return]


def dot(one: Tensor, other: Tensor) -> Tensor:
    """Return the sum of the products of two contiguous tensors, without a tensor of the products."""
    return torch.dot(one.view(-1), other.view(-1))


def labelled(logits_BC: Tensor, target_B: Tensor) -> None:
    """Hold that each sample has a target.

    Raises:
        ValueError: it has not.
    """
    if target_B.shape != logits_BC.shape[:1]:
        raise ValueError(f"there must be a target for each of the {len(logits_BC)} samples, got {[*target_B.shape]}")
