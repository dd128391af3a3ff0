"""The connectors of overhauled features, and the teacher's margins."""

from typing import Any

import torch
from torch import Tensor, nn

from trainers.methods.modules.layers import BatchNorm
from trainers.methods.ofd import margins, ofd_loss
from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.terms.layers import compared, preacts, two_of_each


class Connectors(nn.Module):
    """One connector for each pair of maps, and the teacher's margins, which the first batch gives."""

    def __init__(self, _values: Values, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("ofd")
        self.pairs = compared(student.maps, teacher.maps)
        both = two_of_each(student, teacher, self.pairs)
        self.connectors = nn.ModuleList(
            nn.Sequential(nn.Conv2d(ours[0], theirs[0], 1, bias=False), BatchNorm(theirs[0])) for ours, theirs in both
        )
        for i, (_, theirs) in enumerate(both):
            self.register_buffer(f"margin_{i}", torch.zeros(theirs[0]))
        self._summed = setting.summed
        self.ready: Tensor
        self.register_buffer("ready", torch.tensor(False))
        self.known = False
        self.register_load_state_dict_post_hook(_read_flag)  # type: ignore[no-untyped-call]

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int) -> TermValue:
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
            self.get_buffer(f"margin_{i}").copy_(margins(teacher_maps[t], self._summed))
        self.ready.fill_(True)
        self.known = True


def _read_flag(module: nn.Module, _keys: Any) -> None:
    """Read from the buffer, after a checkpoint is loaded, whether the margins are known: no step has to wait for it."""
    assert isinstance(module, Connectors)
    module.known = bool(module.ready)
