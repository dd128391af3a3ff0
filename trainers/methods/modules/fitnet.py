"""The regressor of hints."""

from torch import Tensor, nn

from trainers.methods.fitnet import fitnet_loss, fits
from trainers.methods.modules.layers import BatchNorm
from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.terms.layers import Shape, matched


class Hint(nn.Module):
    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("fitnet")
        fits(values, student, teacher)
        self.layer = layer = int(values["layer"])
        pairs = matched(student.maps, teacher.maps)
        self.of_teacher = next(theirs for ours, theirs in pairs if ours >= layer)
        signed = bool(teacher.signed) and teacher.signed[self.of_teacher]
        self.regressor = _regressor(student.maps[layer], teacher.maps[self.of_teacher], signed=signed)

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int) -> TermValue:
        loss = fitnet_loss(self.regressor(student.maps[self.layer]), teacher.maps[self.of_teacher])
        return loss, {"fitnet": loss.detach()}


def _regressor(ours: Shape, theirs: Shape, *, signed: bool) -> nn.Sequential:
    """Return convolution, BatchNorm, ReLU.

    The convolution halves or doubles the size where that makes them equal, and is 1 x 1 where they are; the ReLU is
    left out where the teacher's map can be negative.
    """
    inputs, outputs = ours[0], theirs[0]
    (height, width), (h, w) = ours[1:], theirs[1:]
    convolution: nn.Module
    if (2 * height, 2 * width) == (h, w):
        convolution = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
    elif (height, width) == (h, w):
        convolution = nn.Conv2d(inputs, outputs, 1)
    else:
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2 if (height, width) == (2 * h, 2 * w) else 1, padding=1)
    return nn.Sequential(convolution, BatchNorm(outputs), nn.Identity() if signed else nn.ReLU())
