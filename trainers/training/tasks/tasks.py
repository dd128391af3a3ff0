"""What a network is asked: one class for an image, or one for every pixel. The loss of a step, and the scores.

Shapes: B = batch, C = classes.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.data import DataInfo
from trainers.methods import BuiltMethod, Output
from trainers.methods.record.built import cross_entropy
from trainers.models.taps import Taps
from trainers.ranks.ranks import Ranks
from trainers.training.tasks.collapse import Answers
from trainers.training.tasks.mixing import Mix
from trainers.views.views import Batch

Reply = Tensor | Output
"""Logits, or all that a network answered."""
PixelReply = tuple[Tensor, Tensor | None]
"""Logits of pixels, and those of the auxiliary head, if any."""


@dataclass(frozen=True, slots=True)
class Student:
    """The network in training, and where it is tapped if its features are compared."""

    network: nn.Module
    taps: Taps | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of a batch when its loss is asked for."""

    epoch: int
    """From 1."""
    batch: Batch
    inputs: Tensor
    """What the student sees."""
    teacher: Reply | PixelReply | None
    """What the teacher answered."""
    mix: Mix | None
    """How the images of the batch are mixed."""
    autocast: torch.autocast
    """In which the student's forward pass computes."""
    strong: "SeenStrong | None" = None
    """Of the same images, where the method compares two views."""


@dataclass(frozen=True, slots=True)
class SeenStrong:
    """The strong views of a batch."""

    inputs: Tensor
    teacher: Reply | PixelReply
    """What the teacher answered."""


class Task(Protocol):
    """How student and teacher are compared, and how a student is scored."""

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores in percent; the first decides."""

    def terms(self, student: Student, method: BuiltMethod, seen: Seen) -> dict[str, Tensor]:
        """Return the loss of a batch and its named parts."""

    def tally(self, device: torch.device) -> "Tally":
        """Return an empty tally of scored batches."""


class Tally(Protocol):
    """Scores over batches, without waiting for the device before the end."""

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Count a batch."""

    def together(self, ranks: Ranks) -> None:
        """Count what all ranks have counted."""

    def scores(self) -> dict[str, float]:
        """Return the scores in percent over all batches."""

    def answers(self) -> Answers:
        """Return what was answered over all batches."""


def task_of(info: DataInfo, label_smoothing: float, ranks: Ranks | None = None) -> Task:
    """Return the task of a data set."""
    if info.task == "segmentation":
        from trainers.training.tasks.pixel_task import Segmentation

        return Segmentation(info, ranks or Ranks())
    return Classification(info.classes, label_smoothing)


class Classification:
    """One class for an image."""

    scores = ("top1", "top5")

    def __init__(self, classes: int, label_smoothing: float) -> None:
        self._classes = classes
        self._smoothing = label_smoothing

    def terms(self, student: Student, method: BuiltMethod, seen: Seen) -> dict[str, Tensor]:
        """Return the loss of a batch and its named parts."""
        teacher = seen.teacher
        assert not isinstance(teacher, tuple)
        with seen.autocast:
            answer = (
                student.network(seen.inputs) if student.taps is None else student.taps(seen.inputs, seen.batch.here)
            )
            if seen.strong is not None:
                inputs, taps = seen.strong.inputs, student.taps
                second: Reply = student.network(inputs) if taps is None else taps(inputs, seen.batch.here)
                answer = _with_strong(answer, second)
        if seen.strong is not None:
            assert teacher is not None
            assert not isinstance(seen.strong.teacher, tuple)
            teacher = _with_strong(teacher, seen.strong.teacher)
        ce = self._ce(answer, seen.batch.targets, seen.mix)
        terms: dict[str, Tensor] = method(answer, teacher, seen.batch.targets, seen.epoch, ce)
        return terms

    def _ce(self, answer: Reply, targets_B: Tensor, mix: Mix | None) -> Tensor | None:
        """Return the cross-entropy with smoothed labels and mixed images; None where it is the plain one."""
        if not self._smoothing and mix is None:
            return None
        given = answer if isinstance(answer, Output) else Output(logits=answer)
        output = given.with_each(lambda one: one if one.dtype == torch.float64 else one.float())
        logits = output.logits
        with torch.autocast(logits.device.type, enabled=False):
            ce = cross_entropy(output, targets_B, self._smoothing)
            if mix is None:
                return ce
            other = functional.cross_entropy(logits, targets_B.flip(0), label_smoothing=self._smoothing)
            return mix.share * ce + (1 - mix.share) * other

    def tally(self, device: torch.device) -> Tally:
        """Return an empty tally of scored batches."""
        return _Hits(self._classes, device)


def _with_strong(reply: Reply, strong: Reply) -> Output:
    """Return what a network answered to a batch with its logits of the strong views."""
    output = reply if isinstance(reply, Output) else Output(logits=reply)
    return replace(output, strong=strong.logits if isinstance(strong, Output) else strong)


class _Hits:
    """How often the right class is the first, and among the first five."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self._hits = torch.zeros(2, dtype=torch.int64, device=device)
        self._images = 0
        self._classes = torch.zeros(2, classes, dtype=torch.int64, device=device)
        """[2, C] images that are of each class, and that were taken for it."""

    def add(self, logits: Tensor, targets: Tensor) -> None:
        ranked = logits.float().topk(min(5, logits.shape[1]), dim=1).indices
        hits = ranked == targets[:, None]
        self._hits += torch.stack([hits[:, 0].sum(), hits.sum()])
        self._images += len(targets)
        found = torch.stack([targets, ranked[:, 0]])
        self._classes.scatter_add_(1, found, torch.ones_like(found))  # bincount would wait for its largest number

    def together(self, ranks: Ranks) -> None:
        ranks.add(self._hits, self._classes)
        self._images = sum(ranks.everyones(self._images))

    def scores(self) -> dict[str, float]:
        top1, top5 = (100.0 * self._hits.double() / self._images).tolist()
        return {"top1": top1, "top5": top5}

    def answers(self) -> Answers:
        right, among_five = self._hits.tolist()
        labelled, answered = self._classes.tolist()
        return Answers(labelled=labelled, answered=answered, right=right, images=self._images, among_top=among_five)
