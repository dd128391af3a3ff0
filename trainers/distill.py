"""The distillation loop: train the student of one trial, epoch by epoch.

`for epoch in distill(trial, store): ...` is the whole interface. Whoever iterates decides when to stop and what to
keep; stopping between two epochs loses nothing, because order, views and learning rate are functions of the trial and
the epoch, and `Epoch.save` keeps the rest.

Shapes: B = batch, C = classes.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainers import methods, models
from trainers.bank import Bank, open_or_fill
from trainers.checkpoint import load_checkpoint, save_checkpoint
from trainers.device_data import DeviceData, on_device
from trainers.memory import MemoryMeter
from trainers.methods import Output
from trainers.randomness import from_stream, generator
from trainers.recipe import Recipe, learning_rate_at
from trainers.store import Store
from trainers.streams import stream_seed
from trainers.taps import Taps, tap
from trainers.teacher import FrozenTeacher, frozen_teacher
from trainers.tensor_files import save_tensors
from trainers.trial import Teacher, Trial, trial_key
from trainers.views import ShiftViews

EVALUATION_ROWS = 1000

TeacherAnswers = Callable[[Tensor, Tensor, Tensor], Tensor | Output]
"""(image numbers [B] and view numbers [B] on the CPU, inputs [B, …] on the device) -> logits [B, C], or all that the
teacher answers, on the device."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch that has been trained and scored."""

    number: int
    """From 1."""
    values: dict[str, float]
    """What is logged: losses, accuracies in percent, learning rate, seconds."""
    diverged: bool
    """The training loss is not finite; there is no next epoch."""
    training: "Training"

    @property
    def last(self) -> bool:
        """No epoch follows."""
        return self.diverged or self.number == self.training.trial.recipe.epochs

    def save(self, path: Path) -> None:
        """Write a checkpoint that `distill(..., checkpoint=path)` goes on from, bit by bit as if never stopped."""
        save_checkpoint(path, self.training)

    def save_weights(self, path: Path) -> None:
        """Write the student's weights."""
        weights = self.training.student.state_dict()
        save_tensors(path, weights, {"trial_key": trial_key(self.training.trial), "epoch": self.number})

    def summary(self) -> dict[str, float]:
        """Return the metrics of the whole run so far: final and best accuracy, seconds, teacher passes, memory."""
        return self.training.summary()


def distill(
    trial: Trial,
    store: Store,
    *,
    device: torch.device | str = "cpu",
    data_root: Path | None = None,
    bank: bool = True,
    checkpoint: Path | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Train the trial's student and yield after every epoch.

    Args:
        store: holds the teacher's weights under the teacher's id, and the bank.
        data_root: where the files of the data set lie, if it has any.
        bank: keep and use the teacher's logits; False runs the teacher in every step, with the same logits.
        checkpoint: go on from this file instead of from the start.
        on_step: called after every step of training or scoring: whoever waits sees that it goes on.

    Raises:
        FileNotFoundError: the teacher's weights or the checkpoint are not there.
        ValueError: the trial names a method, network or data set that does not exist, or the data have changed.
    """
    training = Training(trial, store, device=torch.device(device), data_root=data_root, bank=bank, on_step=on_step)
    if checkpoint is not None:
        load_checkpoint(checkpoint, training)
    while training.epochs_done < trial.recipe.epochs:
        epoch = training.train_epoch()
        yield epoch
        if epoch.diverged:
            return


class Training:
    """The state of one trial in training: student, optimiser, and the values of every epoch so far."""

    def __init__(
        self,
        trial: Trial,
        store: Store,
        *,
        device: torch.device,
        data_root: Path | None = None,
        bank: bool = True,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        self.trial = trial
        self.on_step = on_step
        self.device = device
        self.data = on_device(trial.dataset, data_root, device)
        if self.data.info.digest != trial.data_digest:
            raise ValueError(f"the data set {trial.dataset} has changed since the sweep was accepted")
        self.student = _new_student(trial, self.data, device)
        self.teacher = self._frozen_teacher(store)
        self.taps = self._student_taps()
        self.method = self._new_method()
        self.optimizer = _new_optimizer(trial.recipe, self._trainable())
        self.history: list[dict[str, float]] = []
        self.warnings: list[str] = []
        """What went wrong on the way without changing any number."""
        self.teacher_images = 0
        self.teacher_answers = self._teacher_answers(store, bank)
        self.memory = MemoryMeter(device)

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    def train_epoch(self) -> Epoch:
        """Train one epoch, score it, and return it."""
        number = self.epochs_done + 1
        started = time.perf_counter()
        losses, rate = self._train(number)
        seconds = time.perf_counter() - started
        values = {**losses, "lr": rate, "epoch_seconds": seconds, "images_per_second": self._images / seconds}
        diverged = not math.isfinite(values["train_loss"])
        if not diverged:
            values |= self._score()
        self.memory.sample()
        self.history.append(values)
        return Epoch(number, values, diverged, self)

    def summary(self) -> dict[str, float]:
        """Return the metrics at the end: accuracies in percent, seconds of training, teacher passes, bytes."""
        scores = {name: [values[name] for values in self.history if name in values] for name in SCORES}
        accuracies = {}
        if scores["val_top1"]:
            accuracies = {"final_val_top1": scores["val_top1"][-1]}
        elif scores["test_top1"]:
            tops = scores["test_top1"]
            accuracies = {"final_top1": tops[-1], "best_top1": max(tops), "final_top5": scores["test_top5"][-1]}
        return {
            **accuracies,
            "train_seconds": sum(values["epoch_seconds"] for values in self.history),
            "teacher_images": float(self.teacher_images),
            "extra_parameters": float(self.method.extra_parameters),
            "peak_memory_bytes": float(self.memory.peak_bytes),
        }

    @property
    def _images(self) -> int:
        """How many training images this trial's split has."""
        info = self.data.info
        return info.fit if self.trial.split == "search" else info.fit + info.validation

    def _trainable(self) -> list[nn.Parameter]:
        return [*self.student.parameters(), *self.method.parameters()]

    def _train(self, number: int) -> tuple[dict[str, float], float]:
        """Run the epoch's steps; return the mean of every loss term over its images, and the last learning rate."""
        order, views = self._draws(number)
        self.student.train()
        self.method.train()
        sums: dict[str, Tensor] = {}
        rate = 0.0
        batch_size = self.trial.recipe.batch_size
        for start in range(0, self._images, batch_size):
            images = order[start : start + batch_size]
            rate = learning_rate_at(self.trial.recipe, number - 1 + start / self._images)
            terms = self._step(images, views[start : start + batch_size], number, rate)
            for name, term in terms.items():  # stays on the device: reading a number here would stall every step
                sums[name] = sums.get(name, 0.0) + term.detach() * len(images)
            self.on_step()
        return {_logged(name): float(value) / self._images for name, value in sums.items()}, rate

    def _draws(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the order of the images and the view of each, drawn for this epoch from the trial's seed."""
        names = (self.trial.role, self.trial.seed, number)
        order = torch.randperm(self._images, generator=generator("order", *names))
        views = torch.randint(self.data.train.count, (self._images,), generator=generator("views", *names))
        return order, views

    def _step(self, images: Tensor, views: Tensor, number: int, rate: float) -> dict[str, Tensor]:
        here = images.to(self.device, non_blocking=True)
        inputs = self.data.train.batch(here, views.to(self.device, non_blocking=True))
        teacher = self.teacher_answers(images, views, inputs) if self.teacher_answers else None
        with self._autocast():
            answer = self.student(inputs) if self.taps is None else self.taps(inputs, here)
        terms: dict[str, Tensor] = self.method(answer, teacher, self.data.train_targets[here], number)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        terms["loss"].backward()
        self.optimizer.step()
        return terms

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.trial.recipe.precision == "bfloat16")

    def _frozen_teacher(self, store: Store) -> FrozenTeacher | None:
        if self.trial.teacher is None:
            return None
        return frozen_teacher(self.trial.teacher, store, self.data.info, self.device)

    def _student_taps(self) -> Taps | None:
        """Return the student's taps where the method compares more than logits."""
        if methods.get(self.trial.method).needs is not methods.Needs.FEATURES:
            return None
        return tap(self.student, self._example())

    def _example(self) -> Tensor:
        first = torch.zeros(1, dtype=torch.int64, device=self.device)
        return self.data.train.batch(first, first)

    def _new_method(self) -> methods.BuiltMethod:
        """Return the method with its own parts on the device; what they start from depends on role, seed and method."""
        names = (self.trial.role, self.trial.seed, self.trial.method)
        setting = methods.Setting(
            student=None if self.taps is None else self.taps.shape,
            teacher=self.teacher.taps(self._example()).shape if self.taps is not None and self.teacher else None,
            classes=self.data.info.classes,
            epochs=self.trial.recipe.epochs,
            labels=self.data.train_targets[: self._images].cpu(),
            class_weights=None if self.teacher is None else self.teacher.class_weights(),
            seed=stream_seed("method's draws", *names),
        )

        def make() -> methods.BuiltMethod:
            return methods.build(self.trial.method, setting, **self.trial.hyperparameters)

        return from_stream(make, "method", *names).to(self.device)

    def _teacher_answers(self, store: Store, bank: bool) -> TeacherAnswers | None:
        teacher, answering = self.trial.teacher, self.teacher
        if teacher is None or answering is None:
            return None
        if self.taps is not None:

            def whole(images: Tensor, _views: Tensor, inputs: Tensor) -> Output:
                self.teacher_images += len(images)
                return answering.answers(inputs)

            return whole
        if bank:
            stored = self._bank(teacher, answering, store)
            if stored is not None:
                return lambda images, views, inputs: stored.rows(images, views).to(self.device, non_blocking=True)

        def live(images: Tensor, views: Tensor, inputs: Tensor) -> Tensor:
            self.teacher_images += len(images)
            return answering.logits(inputs)

        return live

    def _bank(self, teacher: Teacher, answering: FrozenTeacher, store: Store) -> Bank | None:
        """Return the teacher's stored logits; None, with a warning, where the disk has no place for them."""
        try:
            stored, self.teacher_images = open_or_fill(teacher, answering, self.data, store, self.on_step)
        except OSError as error:
            self.warnings.append(f"the teacher's logits cannot be stored ({error}); it runs in every step")
            return None
        return stored

    def _score(self) -> dict[str, float]:
        """Return accuracies in percent on the validation images in a search, on the test images elsewhere."""
        self.student.eval()
        if self.trial.split == "search":
            fit = self.data.info.fit
            numbers = torch.arange(fit, fit + self.data.info.validation, device=self.device)
            top1, _ = self._accuracies(self.data.train, self.data.train_targets, numbers)
            return {"val_top1": top1}
        numbers = torch.arange(len(self.data.test_targets), device=self.device)
        top1, top5 = self._accuracies(self.data.test, self.data.test_targets, numbers)
        return {"test_top1": top1, "test_top5": top5}

    @torch.inference_mode()
    def _accuracies(self, views: ShiftViews, targets: Tensor, numbers: Tensor) -> tuple[float, float]:
        hits = torch.zeros(2, dtype=torch.int64, device=self.device)
        for rows in numbers.split(EVALUATION_ROWS):
            inputs = views.batch(rows, torch.full_like(rows, views.centre))
            with self._autocast():
                logits = self.student(inputs)
            ranked = logits.float().topk(min(5, logits.shape[1]), dim=1).indices == targets[rows, None]
            hits += torch.stack([ranked[:, 0].sum(), ranked.sum()])
            self.on_step()
        top1, top5 = (100.0 * hits.double() / len(numbers)).tolist()
        return top1, top5


SCORES = ("val_top1", "test_top1", "test_top5")


def _logged(name: str) -> str:
    return "train_loss" if name == "loss" else name


def _new_student(trial: Trial, data: DeviceData, device: torch.device) -> nn.Module:
    """Return the student with initial weights that depend on role, seed and network, never on the method."""

    def make() -> nn.Module:
        info = data.info
        return models.create(trial.student, classes=info.classes, channels=info.channels, arguments=trial.student_args)

    names = (trial.role, trial.seed, trial.student)
    return from_stream(make, "weights", *names).to(device).to(memory_format=torch.channels_last)


def _new_optimizer(recipe: Recipe, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    common: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, **common)
    return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **common)
