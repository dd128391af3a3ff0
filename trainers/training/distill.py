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

import torch
from timm.utils import ModelEmaV3, dispatch_clip_grad
from torch import Tensor, nn

from trainers import methods
from trainers.files.passing import steadily
from trainers.files.store import Store
from trainers.files.tensor_files import not_finite, save_tensors
from trainers.models.taps import Taps, tap
from trainers.teachers import has_bank
from trainers.teachers.bank import Bank, open_bank
from trainers.teachers.frozen import FrozenTeacher, TeacherError, frozen_teacher
from trainers.training.checkpoint import load_checkpoint, save_checkpoint
from trainers.training.collapse import Answers, collapse, losses_of
from trainers.training.memory import MemoryMeter
from trainers.training.metrics import LOGGED, accuracies
from trainers.training.mixing import Mix, mixes
from trainers.training.starting import new_optimizer, new_student
from trainers.training.tasks import PixelReply, Reply, Seen, Student, task_of
from trainers.trials.batches import batch_sizes
from trainers.trials.draws import Draws, draw
from trainers.trials.randomness import dropout_stream, from_stream
from trainers.trials.recipe import learning_rate_at
from trainers.trials.streams import stream_seed
from trainers.trials.trial import Trial, trial_key
from trainers.views.device_data import on_device
from trainers.views.views import Batch, Views


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
    collapsed: str = ""
    """Of the last epoch: why the training is thought to have come to nothing; empty where it is not."""

    @property
    def last(self) -> bool:
        """No epoch follows."""
        return self.diverged or self.number == self.training.trial.recipe.epochs

    def save(self, path: Path) -> None:
        """Write a checkpoint that `distill(..., checkpoint=path)` goes on from, bit by bit as if never stopped."""
        save_checkpoint(path, self.training)

    def save_weights(self, path: Path) -> None:
        """Write the student's weights."""
        weights = self.training.scored.state_dict()
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
    loaders: int = 0,
    checkpoint: Path | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Train the trial's student and yield after every epoch.

    Args:
        store: holds the teacher's weights under the teacher's id, and the bank.
        data_root: where the files of the data set lie, if it has any.
        bank: keep and use the teacher's logits; False runs the teacher in every step, with the same logits.
        loaders: processes that read pictures ahead, of a data set that lies in files; change no number.
        checkpoint: go on from this file instead of from the start.
        on_step: called after every step of training or scoring: whoever waits sees that it goes on.

    Raises:
        FileNotFoundError: the teacher's weights or the checkpoint are not there.
        ValueError: the trial names a method, network or data set that does not exist, or the data have changed.
    """
    training = Training(
        trial, store, device=torch.device(device), data_root=data_root, bank=bank, loaders=loaders, on_step=on_step
    )
    if checkpoint is not None:
        load_checkpoint(checkpoint, training)
    try:
        while training.epochs_done < trial.recipe.epochs:
            epoch = training.train_epoch()
            yield epoch
            if epoch.diverged:
                return
    finally:
        training.let_go()


class Training:
    """The state of one trial in training: student, optimiser, and the values of every epoch so far.

    Nothing that it holds refers back to it, so its memory is free as soon as nobody iterates.
    """

    def __init__(
        self,
        trial: Trial,
        store: Store,
        *,
        device: torch.device,
        data_root: Path | None = None,
        bank: bool = True,
        loaders: int = 0,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        self.trial = trial
        self.on_step = on_step
        self.device = device
        self.data = on_device(trial.dataset, data_root, device, trial.view_set, trial.views, loaders)
        if self.data.info.digest != trial.data_digest:
            raise ValueError(f"the data set {trial.dataset} has changed since the sweep was accepted")
        self.task = task_of(self.data.info, trial.recipe.label_smoothing)
        self.teacher = self._frozen_teacher(store)
        self.memory = MemoryMeter(device)  # from here on, memory is the trial's own
        self.student = new_student(trial, self.data, store, device)
        self.taps = self._student_taps()
        self.method = self._new_method()
        self.optimizer = new_optimizer(trial.recipe, self.student, self.method)
        self.average = ModelEmaV3(self.student, decay=trial.recipe.ema_decay) if trial.recipe.ema_decay else None
        if trial.recipe.compile and self.taps is None and self.data.info.task == "classification":
            torch._dynamo.reset()  # a worker's earlier trials would count against what may be compiled
            self.student.compile(dynamic=False)  # what is called as a module: scoring and the average go without
        self.history: list[dict[str, float]] = []
        self.answers: Answers | None = None
        """What the network answered when it was last scored."""
        self._finite: Tensor | None = None
        """Whether all of that was finite."""
        self.warnings: list[str] = []
        """What went wrong on the way without changing any number."""
        self.teacher_images = 0
        self.bank = self._opened_bank(store) if bank else None
        """The teacher's logits; None where it has none, or runs in every step."""

    def let_go(self) -> None:
        """Drop what refers in a circle: a compiled network calls itself by a method of its own."""
        self.student._compiled_call_impl = None

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    @property
    def scored(self) -> nn.Module:
        """The network that is scored and kept: the student, or the moving average of its weights."""
        network: nn.Module = self.student if self.average is None else self.average.module
        return network

    def train_epoch(self) -> Epoch:
        """Train one epoch, score it, and return it."""
        number = self.epochs_done + 1
        draws = draw(self.trial, number, images=self._images, views=self.data.train.count)
        self._prepare(draws)
        started = time.perf_counter()
        with dropout_stream(self.device, self.trial.role, self.trial.seed, number):
            losses, rate = self._train(number, draws)
        seconds = time.perf_counter() - started
        values = {**losses, "lr": rate, "epoch_seconds": seconds, "images_per_second": len(draws.images) / seconds}
        diverged = not math.isfinite(values["train_loss"])
        if not diverged:
            values |= self._score()
        self.memory.sample()
        self.history.append(values)
        ended = number == self.trial.recipe.epochs and not diverged
        return Epoch(number, values, diverged, self, self._collapse() if ended else "")

    def summary(self) -> dict[str, float]:
        """Return the metrics at the end: accuracies in percent, seconds of training, teacher passes, bytes."""
        return {
            **accuracies(self.history, self.task.scores),
            "train_seconds": sum(values["epoch_seconds"] for values in self.history),
            "teacher_images": float(self.teacher_images),
            "extra_parameters": float(self.method.extra_parameters),
            "peak_memory_bytes": float(self.memory.peak_bytes),
            "held_memory_bytes": float(self.memory.held_bytes),
        }

    @property
    def _images(self) -> int:
        """How many training images this trial's split has."""
        return self.data.info.trained_on(self.trial.split)

    def _train(self, number: int, draws: Draws) -> tuple[dict[str, float], float]:
        """Run the epoch's steps; return the mean of every loss term over its images, and the last learning rate."""
        self.student.train()
        self.method.train()
        recipe, total = self.trial.recipe, len(draws.images)
        sums: dict[str, Tensor] = {}
        rate = 0.0
        sizes = batch_sizes(total, recipe.batch_size, joined=self.trial.last_image == "joined")
        batches = len(sizes)
        mixed = mixes(recipe.mixup, batches, self.trial.role, self.trial.seed, number)
        seen = self.data.train.batches(draws.images, draws.views, sizes, self._teachers_size())
        for index, batch in enumerate(seen):
            if index % recipe.accumulate == 0:
                rate = learning_rate_at(recipe, number - 1 + index * recipe.batch_size / total)
                together = min(recipe.accumulate, batches - index)
            terms = self._gradients(batch, number, None if mixed is None else mixed[index], together)
            for name, term in terms.items():  # stays on the device: reading a number here would stall every step
                sums[name] = sums.get(name, 0.0) + term.detach() * len(batch.images)
            if (index + 1) % recipe.accumulate == 0 or index + 1 == batches:
                self._step(rate)
            self.on_step()
        return {LOGGED.get(name, name): float(value) / total for name, value in sums.items()}, rate

    def _teachers_size(self) -> tuple[int, int] | None:
        """Return the size that the teacher wants views at, where it is not the student's."""
        return None if self.teacher is None else self.teacher.size

    def _gradients(self, batch: Batch, number: int, mix: Mix | None, together: int) -> dict[str, Tensor]:
        """Add the gradient of a batch to those before it; `together` batches are averaged."""
        inputs = self.data.lens(batch.pixels)
        if mix is not None:
            inputs = mix(inputs)
        teacher = None if self.teacher is None else self._reply(self.teacher, batch, inputs, mix)
        seen = Seen(number, batch, inputs, teacher, mix, self._autocast())
        terms = self.task.terms(Student(self.student, self.taps), self.method, seen)
        self.memory.sample_step()
        loss = terms["loss"] if together == 1 else terms["loss"] / together
        loss.backward()
        return terms

    def _step(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.trial.recipe.clip_norm:
            dispatch_clip_grad([*self.student.parameters(), *self.method.parameters()], self.trial.recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.student)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.trial.recipe.precision == "bfloat16")

    def _frozen_teacher(self, store: Store) -> FrozenTeacher | None:
        if self.trial.teacher is None:
            return None
        return frozen_teacher(self.trial.teacher, store, self.data, self.device)

    def _student_taps(self) -> Taps | None:
        """Return the student's taps where the method compares more than logits."""
        if methods.get(self.trial.method).needs is not methods.Needs.FEATURES:
            return None
        return tap(self.student, self._example())

    def _example(self, size: tuple[int, int] | None = None) -> Tensor:
        info = self.data.info
        height, width = size or (info.size, info.width)
        return torch.zeros(1, info.channels, height, width, device=self.device)

    def _new_method(self) -> methods.BuiltMethod:
        """Return the method with its own parts on the device; what they start from depends on role, seed and method."""
        names = (self.trial.role, self.trial.seed, self.trial.method)
        teachers = None
        if self.taps is not None and self.teacher is not None:
            teachers = self.teacher.taps(self._example(self.teacher.size)).shape
        setting = methods.Setting(
            student=None if self.taps is None else self.taps.shape,
            teacher=teachers,
            classes=self.data.info.classes,
            epochs=self.trial.recipe.epochs,
            labels=self.data.train_targets[: self._images].cpu(),
            class_weights=None if self.teacher is None else self.teacher.class_weights(),
            seed=stream_seed("method's draws", *names),
        )

        def make() -> methods.BuiltMethod:
            return methods.build(self.trial.method, setting, **self.trial.hyperparameters)

        return from_stream(make, "method", *names).to(self.device)

    def _reply(self, teacher: FrozenTeacher, batch: Batch, inputs: Tensor, mix: Mix | None) -> Reply | PixelReply:
        """Return the teacher's logits [B, C] of a batch, or all that it answers, on the device.

        Args:
            inputs: what the student sees.
        """
        if self.bank is not None:
            return self._stored(batch)
        self.teacher_images += len(batch.images)
        if teacher.lens is not None:
            inputs = teacher.lens(batch.pixels if batch.also is None else batch.also)
            inputs = inputs if mix is None else mix(inputs)
        if self.data.info.task == "segmentation":
            return teacher.of_pixels(inputs)
        return teacher.at_once(inputs) if self.taps is None else teacher.answers(inputs)

    def _stored(self, batch: Batch) -> Tensor:
        """Return the teacher's logits of a batch from the bank; those that it lacks are answered now, and kept."""
        bank = self.bank
        assert bank is not None
        try:
            logits, answered = steadily(lambda: bank.rows(batch))
        except OSError as error:
            self._bank_is_full(error)
            logits, answered = bank.rows(batch)
        self.teacher_images += answered
        return logits.to(self.device, non_blocking=True)

    def _prepare(self, draws: Draws) -> None:
        """Have the logits of this epoch stored before it begins, where pixels cost nothing; where they are read from
        files, each batch stores its own as it comes by."""
        bank = self.bank
        if bank is None or not self.data.in_memory:
            return
        try:
            self.teacher_images += steadily(lambda: bank.prepare(draws.images, draws.views, self.on_step))
        except OSError as error:
            self._bank_is_full(error)

    def _bank_is_full(self, error: OSError) -> None:
        assert self.bank is not None
        self.bank.stop_writing()
        self.warnings.append(f"the teacher's logits cannot be stored ({error}); it runs where they are missing")

    def _opened_bank(self, store: Store) -> Bank | None:
        """Return the teacher's stored logits; None where none can be kept, with a warning where the disk is why."""
        teacher, answering = self.trial.teacher, self.teacher
        if teacher is None or answering is None or not has_bank(self.trial, self.data.info.task):
            return None
        try:
            return steadily(lambda: open_bank(teacher, answering, self.data, store, self.on_step))
        except OSError as error:
            self.warnings.append(f"the teacher's logits cannot be stored ({error}); it runs in every step")
            return None

    def _score(self) -> dict[str, float]:
        """Return scores in percent on the validation images in a search, on the test images elsewhere."""
        if self.trial.split == "search":
            fit = self.data.info.fit
            numbers = torch.arange(fit, fit + self.data.info.validation)
            main = self.task.scores[0]
            return {f"val_{main}": self._scores(self.data.train, numbers)[main]}
        found = self._scores(self.data.test, torch.arange(self.data.test_images))
        return {f"test_{name}": value for name, value in found.items()}

    @torch.inference_mode()
    def _scores(self, views: Views, numbers: Tensor) -> dict[str, float]:
        network, tally = self.scored.eval(), self.task.tally(self.device)
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        for batch in views.batches(numbers, torch.full_like(numbers, views.centre), self.data.scored_together):
            inputs = self.data.lens(batch.pixels)
            with self._autocast():
                logits = network.forward(inputs)  # never compiled: other rows, and only now and then
            tally.add(logits, batch.targets)
            finite &= logits.isfinite().all()
            self.on_step()
        self.answers, self._finite = tally.answers(), finite
        return tally.scores()

    def check_finite(self) -> None:
        """Find out whether students can learn from the network, as it was scored last.

        Raises:
            TeacherError: its weights, or what it answered, are not all finite; the training loss may be.
        """
        name = self.trial.student
        if wrong := not_finite(self.scored.state_dict()):
            raise TeacherError(f"the teacher {name} cannot be learnt from: weights are not finite: {wrong}")
        if self._finite is not None and not self._finite:
            raise TeacherError(f"the teacher {name} cannot be learnt from: not all that it answers is finite")

    def _collapse(self) -> str:
        """Return why the training, which has ended, is thought to have come to nothing; empty where it is not."""
        losses = losses_of(
            self.history,
            classes=self.data.info.classes,
            ce_weight=self.method.ce_weight,
            warmup_epochs=self.method.warmups,
        )
        return collapse(self.answers, losses)
