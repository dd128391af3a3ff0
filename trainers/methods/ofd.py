"""Overhauled feature distillation: maps before the ReLU, where what the teacher's ReLU drops is not asked for exactly.

Heo, Kim, Yun, Park, Kwak, Choi, "A Comprehensive Overhaul of Feature Distillation", ICCV 2019, arXiv:1904.01866.
Shapes: B = batch, C = channels of the teacher, H = height, W = width.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from trainers.methods._base import ForPair, Log, Method, Needs, Range, Values, check
from trainers.methods._layers import BatchNorm, compared, preacts, same_size, two_of_each
from trainers.methods._outputs import Output, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class OFD:
    ce_weight: Annotated[float, Range(ge=0)] = 1.0
    """Factor of the cross-entropy with the labels."""
    weight: Annotated[float, Range(ge=0, search=Log(1e-5, 1e-2))] = 1e-3
    """Factor of the method's term beside the cross-entropy; the term is a sum over channels and pixels."""
    warmup_epochs: Annotated[float, Range(ge=0)] = 0.0
    """Epochs over which the method's term ramps up to its weight."""

    def __post_init__(self) -> None:
        check(self, "ofd")


def ofd_loss(student_map: Tensor, teacher_map: Tensor, margin_C: Tensor) -> Tensor:
    """Return the partial squared distance of the maps, summed over C, H, W, averaged over the batch.

    The teacher's numbers are raised to the margin of their channel, which is at most 0. Where such a number is not
    positive and the student's is at or below it, nothing is asked for.

    Args:
        student_map: [B, C, H, W] in the teacher's channels, before the ReLU.
        teacher_map: [B, C, H, W] before the ReLU; a constant. The larger of the two is averaged to the smaller's size.
    """
    ours, theirs = same_size(student_map, teacher_map.detach())
    wanted = torch.maximum(theirs, margin_C.reshape(-1, 1, 1))
    asked = (ours > wanted) | (wanted > 0)
    return torch.where(asked, (ours - wanted).square(), 0.0).sum() / len(ours)


def margins(teacher_map: Tensor) -> Tensor:
    """Return the mean of the negative numbers of each channel of a map [B, C, H, W]; 0 where there are none."""
    below = teacher_map < 0
    count_C = below.sum((0, 2, 3))
    return teacher_map.clamp_max(0).sum((0, 2, 3)) / count_C.clamp_min(1)


class _Connectors(nn.Module):
    """One connector for each pair of maps, and the teacher's margins, which the first batch gives."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("ofd")
        self.pairs = compared(student.maps, teacher.maps)
        both = two_of_each(student, teacher, self.pairs)
        self.connectors = nn.ModuleList(
            nn.Sequential(nn.Conv2d(ours[0], theirs[0], 1, bias=False), BatchNorm(theirs[0])) for ours, theirs in both
        )
        for i, (_, theirs) in enumerate(both):
            self.register_buffer(f"margin_{i}", torch.zeros(theirs[0]))
        self.ready: Tensor
        self.register_buffer("ready", torch.tensor(False))
        self.known = False
        self.register_load_state_dict_post_hook(_read_flag)  # type: ignore[no-untyped-call]

    def forward(
        self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        ours, theirs = preacts("ofd", student), preacts("ofd", teacher)
        if not self.known:
            self._learn(theirs)
        terms = [
            ofd_loss(connector(ours[s]), theirs[t], self.get_buffer(f"margin_{i}")) / 2 ** (len(self.pairs) - i - 1)
            for i, ((s, t), connector) in enumerate(zip(self.pairs, self.connectors, strict=True))
        ]
        loss = torch.stack(terms).sum()
        return loss, {"ofd": loss.detach()}

    @torch.no_grad()
    def _learn(self, teacher_maps: tuple[Tensor, ...]) -> None:
        for i, (_, t) in enumerate(self.pairs):
            self.get_buffer(f"margin_{i}").copy_(margins(teacher_maps[t]))
        self.ready.fill_(True)
        self.known = True


def _read_flag(module: nn.Module, _keys: Any) -> None:
    """Read from the buffer, after a checkpoint is loaded, whether the margins are known: no step has to wait for it."""
    assert isinstance(module, _Connectors)
    module.known = bool(module.ready)


def _module(_values: Values, setting: Setting) -> nn.Module:
    return _Connectors(setting)


OFD_METHOD = Method(
    name="ofd",
    version=1,
    hyperparameters=OFD,
    loss=ofd_loss,
    module=_module,
    needs=Needs.FEATURES,
    summary="maps before the ReLU, with margins",
    source="arXiv:1904.01866",
    kind="feature",
    by_pair=(ForPair(datasets=("imagenet",), pairs=(("resnet50", "mobilenetv1"),), values={"weight": 1e-4}),),
)
