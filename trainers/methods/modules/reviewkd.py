"""What joins the stages of knowledge review."""

import torch
from torch import Tensor, nn

from trainers.methods.modules.layers import BatchNorm
from trainers.methods.record.method import Values
from trainers.methods.record.outputs import NetworkShape, Output, Setting, TermValue
from trainers.methods.reviewkd import hcl_loss
from trainers.methods.terms.layers import WITH_STEM, Pairs, matched, preacts, resized, vector


class _Fusion(nn.Module):
    """Joins a stage with what the deeper ones gave, by an attention of two channels, and turns it into the teacher's
    channels."""

    def __init__(self, inputs: int, mid: int, outputs: int, *, deepest: bool) -> None:
        super().__init__()
        self.inward = nn.Sequential(nn.Conv2d(inputs, mid, 1, bias=False), BatchNorm(mid))
        self.outward = nn.Sequential(nn.Conv2d(mid, outputs, 3, padding=1, bias=False), BatchNorm(outputs))
        self.attention = None if deepest else nn.Sequential(nn.Conv2d(2 * mid, 2, 1), nn.Sigmoid())
        for part in (self.inward, self.outward):
            nn.init.kaiming_uniform_(part[0].weight, a=1)  # type: ignore[arg-type]  # a convolution's

    def forward(self, stage: Tensor, deeper: Tensor | None, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return the stage in the teacher's channels and size, and what goes on to the next."""
        joined = self.inward(stage)
        if self.attention is not None:
            assert deeper is not None
            deeper = resized(deeper, (joined.shape[2], joined.shape[3]))
            shares = self.attention(torch.cat([joined, deeper], 1))
            joined = joined * shares[:, :1] + deeper * shares[:, 1:]
        joined = resized(joined, size)
        return self.outward(joined), joined


class Review(nn.Module):
    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("reviewkd")
        self.pairs = _pairs(student, teacher)
        mid = min(int(values["mid_channels"]), student.vector)
        channels = [(student.maps[s][0], teacher.maps[t][0]) for s, t in self.pairs]
        self.deepest = _Fusion(student.vector, mid, teacher.vector, deepest=True)
        self.fusions = nn.ModuleList(_Fusion(ours, mid, theirs, deepest=False) for ours, theirs in reversed(channels))

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int) -> TermValue:
        theirs = preacts("reviewkd", teacher)
        targets = [vector("reviewkd", teacher)[:, :, None, None], *(theirs[t] for _, t in reversed(self.pairs))]
        reviewed, deeper = self.deepest(vector("reviewkd", student)[:, :, None, None], None, (1, 1))
        all_reviewed = [reviewed]
        for fusion, (s, _), target in zip(self.fusions, reversed(self.pairs), targets[1:], strict=True):
            reviewed, deeper = fusion(student.maps[s], deeper, (target.shape[2], target.shape[3]))
            all_reviewed.append(reviewed)
        loss = hcl_loss(all_reviewed, targets)
        return loss, {"reviewkd": loss.detach()}


def _pairs(student: NetworkShape, teacher: NetworkShape) -> Pairs:
    """Return the matched maps without the stems: the first of both, where there are four pairs or more."""
    pairs = matched(student.maps, teacher.maps)
    return pairs[1:] if len(pairs) >= WITH_STEM and pairs[0] == (0, 0) else pairs
