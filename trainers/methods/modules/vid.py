"""What predicts the teacher's maps from the student's."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.terms.layers import compared, two_of_each
from trainers.methods.vid import EPS, vid_loss


class _Level(nn.Module):
    """Predicts one map of the teacher: its mean by three 1×1 convolutions, its variance a number for each channel."""

    def __init__(self, inputs: int, outputs: int, init_variance: float) -> None:
        super().__init__()
        self.mean = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 1, bias=False),
        )
        above = init_variance - EPS
        self.log_scale_C = nn.Parameter(torch.full((outputs,), above + math.log(-math.expm1(-above))))

    def forward(self, student_map: Tensor, teacher_map: Tensor) -> Tensor:
        return vid_loss(self.mean(student_map), teacher_map, functional.softplus(self.log_scale_C) + EPS)


class Predictions(nn.Module):
    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("vid")
        self.pairs = compared(student.maps, teacher.maps)
        both = two_of_each(student, teacher, self.pairs)
        self.levels = nn.ModuleList(_Level(ours[0], theirs[0], float(values["init_variance"])) for ours, theirs in both)

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int) -> TermValue:
        levels = zip(self.levels, self.pairs, strict=True)
        loss = torch.stack([level(student.maps[s], teacher.maps[t]) for level, (s, t) in levels]).sum()
        return loss, {"vid": loss.detach()}
