"""The memories of contrastive representation distillation.

Shapes: B = batch, K = negatives an image, N = training images, D = width of the embeddings, C = classes.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from trainers.methods.crd import nce_loss
from trainers.methods.record.method import Values
from trainers.methods.record.outputs import Output, Setting, TermValue
from trainers.methods.terms.layers import unit, vector
from trainers.trials.streams import stream_seed

DRAWN_BELOW = 2**62
"""So far above any number of images that the remainder of a drawn number is as good as uniform."""


class Memory(nn.Module):
    """Embeddings of both networks, and for each network the last embedding of every training image."""

    def __init__(self, values: Values, setting: Setting) -> None:
        super().__init__()
        student, teacher = setting.networks("crd")
        if setting.labels is None:
            raise ValueError("'crd' needs the classes of the training images: build('crd', Setting(labels=…, …), …)")
        dim, self.temperature, self.momentum = int(values["dim"]), float(values["temperature"]), values["momentum"]
        self.seed = setting.seed
        self.embed_student, self.embed_teacher = nn.Linear(student.vector, dim), nn.Linear(teacher.vector, dim)
        self._sort(setting.labels)
        self.negatives = min(int(values["negatives"]), len(setting.labels) - int(self.size_C.max()))
        if self.negatives < 1:
            raise ValueError("'crd' cannot work with this data set: all its training images are of one class")
        self._remember(len(setting.labels), dim)

    def _sort(self, labels_N: Tensor) -> None:
        """Keep the images sorted by class: the images of other classes are then all but one block."""
        labels_N = labels_N.detach().cpu().long()
        self.size_C: Tensor
        self.register_buffer("size_C", labels_N.bincount(), persistent=False)
        self.first_C: Tensor
        self.register_buffer("first_C", self.size_C.cumsum(0) - self.size_C, persistent=False)
        self.class_N: Tensor
        self.register_buffer("class_N", labels_N, persistent=False)
        self.sorted_N: Tensor
        self.register_buffer("sorted_N", labels_N.argsort(stable=True), persistent=False)

    def _remember(self, images: int, dim: int) -> None:
        generator = torch.Generator().manual_seed(stream_seed("crd memory", self.seed))
        for name in ("student", "teacher"):
            numbers = torch.rand(images, dim, generator=generator)
            self.register_buffer(f"memory_{name}", (2 * numbers - 1) / math.sqrt(dim / 3))
        self.steps: Tensor
        self.register_buffer("steps", torch.tensor(0))
        self.step = 0
        self.register_load_state_dict_post_hook(_read_step)  # type: ignore[no-untyped-call]

    def forward(self, student: Output, teacher: Output, _target_B: Tensor, _epoch: int) -> TermValue:
        if student.images is None:
            raise ValueError("'crd' needs the numbers of the images in the training set: Output(images=…, …)")
        ours = unit(self.embed_student(vector("crd", student)), dim=1)
        theirs = unit(self.embed_teacher(vector("crd", teacher)), dim=1)
        images_BK = torch.cat([student.images.unsqueeze(1), self.draw(student.images)], 1)
        of_student = self._contrast(ours, images_BK, "teacher")
        of_teacher = self._contrast(theirs, images_BK, "student")
        self._update(student.images, ours, "student")
        self._update(student.images, theirs, "teacher")
        self.steps += 1
        self.step += 1
        loss = of_student + of_teacher
        return loss, {"crd_student": of_student.detach(), "crd_teacher": of_teacher.detach()}

    def draw(self, images_B: Tensor) -> Tensor:
        """Return [B, K] images of other classes than each image's, drawn with replacement; the same in every call of a
        step."""
        generator = torch.Generator(images_B.device).manual_seed(stream_seed("crd negatives", self.seed, self.step))
        classes_B = self.class_N[images_B]
        first, size = self.first_C[classes_B].unsqueeze(1), self.size_C[classes_B].unsqueeze(1)
        drawn = torch.randint(
            DRAWN_BELOW, (len(images_B), self.negatives), generator=generator, device=images_B.device
        ) % (len(self.class_N) - size)
        return self.sorted_N[torch.where(drawn < first, drawn, drawn + size)]

    def _contrast(self, embedded_BD: Tensor, images_BK: Tensor, name: str) -> Tensor:
        """Return the loss of these embeddings against what is remembered of the other network.

        All N products and then a choice among them: less memory and time than B·K rows of the memory. The copy stays as
        it is for the gradient when the memory changes.
        """
        memory_ND = self.get_buffer(f"memory_{name}").clone()
        scores = (embedded_BD @ memory_ND.T).gather(1, images_BK) / self.temperature
        log_z = scores.detach().flatten().logsumexp(0) - math.log(scores.numel() / len(memory_ND))
        return nce_loss(scores - log_z, images=len(memory_ND))

    @torch.no_grad()
    def _update(self, images_B: Tensor, embedded_BD: Tensor, name: str) -> None:
        memory_ND = self.get_buffer(f"memory_{name}")
        mixed = self.momentum * memory_ND[images_B] + (1 - self.momentum) * embedded_BD
        memory_ND.index_copy_(0, images_B, unit(mixed, dim=1))


def _read_step(module: nn.Module, _keys: Any) -> None:
    """Read from the buffer, after a checkpoint is loaded, how many steps were made: no step has to wait for it."""
    assert isinstance(module, Memory)
    module.step = int(module.steps)
