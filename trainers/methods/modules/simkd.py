"""The network that SimKD trains and keeps: student, projector, the teacher's classifier.

Shapes: B = batch, D = channels of the teacher's last map, H = height, W = width.
"""

from collections.abc import Callable, Collection, Sequence

from torch import Tensor, nn

from trainers.methods.modules.layers import BatchNorm
from trainers.methods.record.outputs import Output, Setting
from trainers.methods.simkd import size_of
from trainers.methods.terms.layers import pooled
from trainers.methods.terms.places import cells


class Reused(nn.Module):
    """A network as timm's are: its last map is what the projector makes of the student's, its classifier the teacher's.

    The student's own classifier stays where it is and is not learned.

    Args:
        answer: returns all that the student answers to images.
    """

    def __init__(self, student: nn.Module, answer: Callable[[Tensor], Output], setting: Setting) -> None:
        super().__init__()
        ours, theirs = setting.networks("simkd")
        channels, height, width, self._grid = size_of(ours, theirs)
        weight, bias = setting.both_heads("simkd")[1]()
        self.student = student
        self._answer = answer
        self._size = (height, width)
        self.projector = _projector(ours.maps[-1][0], channels, signed=theirs.final_signed)
        self.classifier = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
        own = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        self.classifier.load_state_dict({name: tensor.detach() for name, tensor in own.items()})
        self.classifier.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return what the teacher's classifier says."""
        return self.forward_head(self._projected(images))

    def forward_intermediates(self, images: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        """Return the last map [B, D, H, W], and it alone."""
        last = self._projected(images)
        return last, [last]

    def forward_head(self, last: Tensor) -> Tensor:
        """Return what the teacher's classifier says of the last map."""
        logits: Tensor = self.classifier(cells(last, self._grid).flatten(1))
        return logits

    def get_classifier(self) -> nn.Module:
        """Return the teacher's."""
        return self.classifier

    def no_weight_decay(self) -> set[str]:
        """Return the names of the student's parameters that it wants left out."""
        named: Collection[str] = getattr(self.student, "no_weight_decay", tuple)()
        return {f"student.{name}" for name in named}

    def _projected(self, images: Tensor) -> Tensor:
        projected: Tensor = self.projector(pooled(self._answer(images).maps[-1], self._size))
        return projected


def _projector(inputs: int, outputs: int, *, signed: bool) -> nn.Sequential:
    """Return convolutions of 1 x 1, 3 x 3 and 1 x 1 with half of the outputs in between.

    A ReLU ends it, as in the paper, where the teacher's map cannot be negative.
    """
    inner = max(outputs // 2, 1)
    sizes = ((inputs, inner, 1), (inner, inner, 3), (inner, outputs, 1))
    layers: list[nn.Module] = []
    for before, after, kernel in sizes:
        layers += [nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False), BatchNorm(after), nn.ReLU()]
    return nn.Sequential(*(layers[:-1] if signed else layers))
