"""DeepKD's parts, with its mask by epoch."""

from torch import Tensor, nn

from trainers.methods.deepkd import kept_at, parts
from trainers.methods.record.method import Couples, Values
from trainers.methods.record.outputs import Output, Setting, TermValue


class Parts(nn.Module):
    """Target and others; the log has them as they count."""

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        self._form, self._temperature = values["form"], float(values["temperature"])
        self._growing, self._k, self._epochs = values["mask"] == "growing", int(values["k"]), setting.epochs
        of_dkd = self._form == "dkd"
        self._factors = (float(values["alpha"]), float(values["beta"])) if of_dkd else (1.0, 1.0)
        self.couples = Couples.NOTHING if of_dkd else Couples.LOGITS
        """By form kd the others are weighed by a mean over the batch."""

    def forward(self, student: Output, teacher: Output, target_B: Tensor, epoch: int) -> TermValue:
        ours, theirs = student.logits, teacher.logits
        k = kept_at(epoch, self._epochs, theirs.shape[1]) if self._growing else self._k
        found = parts(ours, theirs, target_B, self._temperature, k, self._form)
        target, others = (factor * part for factor, part in zip(self._factors, found, strict=True))
        return target + others, {"target": target, "others": others}
