"""What a teacher says on average of the images of each class, epoch by epoch."""

import torch
from torch import Tensor, nn

from trainers.methods.gkl import gkl_loss
from trainers.methods.ikl import ikl_loss
from trainers.methods.record.method import Couples, Values
from trainers.methods.record.outputs import Output, Setting, TermValue


class WithPrior(nn.Module):
    """IKL, or GKL where there is a gamma. Weights of a prior are those of the epoch before; in the first all classes
    weigh the same."""

    prior: Tensor
    """[C, C] a row a class."""
    sums: Tensor
    """[C, C] of the epoch that is on."""
    counts: Tensor
    """[C] images of each class in it."""

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        self._name = "gkl" if "gamma" in values else "ikl"
        shared = ("alpha", "beta", "gamma", "temperature", "weights", "weight_temperature")
        self._settings = {name: values[name] for name in shared if name in values}
        self._epoch = 0
        self._remembers = values["weights"] == "prior"
        self.couples = Couples.LOGITS if self._remembers or self._name == "gkl" else Couples.NOTHING
        """Ranks put together what a prior is made of."""
        if self._remembers:
            classes = setting.classes
            if classes is None:
                raise ValueError(f"'{self._name}' needs the number of classes: build('{self._name}', Setting(…), …)")
            self.register_buffer("prior", torch.full((classes, classes), 1 / classes))
            self.register_buffer("sums", torch.zeros(classes, classes))
            self.register_buffer("counts", torch.zeros(classes))

    def forward(self, student: Output, teacher: Output, target: Tensor, epoch: int) -> TermValue:
        if self._remembers and self.training:
            self._remember(teacher.logits, target, epoch)
        loss_of = gkl_loss if self._name == "gkl" else ikl_loss
        prior = self.prior if self._remembers else None
        loss = loss_of(student.logits, teacher.logits, target, prior, **self._settings)
        return loss, {self._name: loss.detach()}

    @torch.no_grad()
    def _remember(self, teacher: Tensor, target: Tensor, epoch: int) -> None:
        if epoch != self._epoch:  # checkpoints are of the ends of epochs: what was summed up by then is whole
            seen = self.counts[:, None] > 0
            self.prior.copy_(torch.where(seen, self.sums / self.counts.clamp_min(1)[:, None], self.prior))
            self.sums.zero_()
            self.counts.zero_()
            self._epoch = epoch
        chosen = nn.functional.one_hot(target, len(self.counts)).to(self.sums.dtype)
        weights = (teacher / self._settings["weight_temperature"]).softmax(1).to(self.sums.dtype)
        self.sums += chosen.T @ weights  # a product of matrices adds up in the same order every time
        self.counts += chosen.sum(0)
