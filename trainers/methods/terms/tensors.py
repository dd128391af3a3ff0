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
