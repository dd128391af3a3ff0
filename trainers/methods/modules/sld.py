"""SLD's parts, the student's own by epoch."""

from torch import Tensor, nn

from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.sld import parts


class Swapped(nn.Module):
    """What the teacher's swapped logits add, and in later epochs the student's own."""

    def __init__(self, values: Values, _setting: Setting) -> None:
        super().__init__()
        self._temperatures: tuple[float, ...] = values["temperatures"]
        self._own_after = int(values["own_after"]) if values["own_teacher"] else None

    def forward(self, student: Output, teacher: Output, target_B: Tensor, epoch: int) -> TermValue:
        assert student.strong is not None
        assert teacher.strong is not None
        weak, strong = (student.logits, teacher.logits), (student.strong, teacher.strong)
        owned = self._own_after is not None and epoch > self._own_after
        of_teacher, own = parts(weak, strong, target_B, self._temperatures, owned)
        return of_teacher + own, {"teacher": of_teacher, "own": own}
