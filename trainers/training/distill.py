"""The distillation loop: train the student of one trial, epoch by epoch.

`for epoch in distill(trial, store): ...` is the whole interface. Whoever iterates decides when to stop and what to
keep; stopping between two epochs loses nothing, because order, views and learning rate are functions of the trial and
the epoch, and `Epoch.save` keeps the rest.

Shapes: B = batch, C = classes.
"""

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from trainers.files.store import Store
from trainers.ranks.parts import Part, places_of
from trainers.ranks.ranks import LeftAloneError, Ranks, totals
from trainers.training.arithmetic import autocast
from trainers.training.checkpoint import load_checkpoint
from trainers.training.epoch import Epoch as Epoch  # whoever iterates has it from here
from trainers.training.memory import MemoryMeter
from trainers.training.scores import Scores
from trainers.training.starting import learned, network_of, new_method, new_student, new_taps
from trainers.training.steps.momenta import backward, prepare
from trainers.training.steps.optimizers import new_optimizer, set_rate
from trainers.training.steps.step_graph import Terms, sped_up
from trainers.training.tasks.collapse import collapse, losses_of
from trainers.training.tasks.metrics import LOGGED, accuracies
from trainers.training.tasks.mixing import Mix, mixes
from trainers.training.tasks.tasks import Seen, Student, task_of
from trainers.training.teaching.replies import Replies
from trainers.training.teaching.strong_views import strong_views
from trainers.training.teaching.teacher import new_teacher, tapped_teacher
from trainers.training.turns import Step, Steps
from trainers.trials.batches import batch_sizes
from trainers.trials.draws import Draws, draw
from trainers.trials.randomness import dropout_stream
from trainers.trials.recipe import learning_rate_at
from trainers.trials.trial import Trial
from trainers.views.device_data import on_device
from trainers.views.shared import SharedViews, alone
from trainers.views.views import Batch, Size, Views


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
    ranks: Ranks | None = None,
) -> Iterator[Epoch]:
    """Train the trial's student and yield after every epoch.

    Args:
        store: holds the teacher's weights under the teacher's id, and the bank.
        data_root: where the files of the data set lie, if it has any.
        bank: keep and use the teacher's logits; False runs the teacher in every step, with the same logits.
        loaders: processes that read pictures ahead, of a data set that lies in files; change no number.
        checkpoint: go on from this file instead of from the start.
        on_step: called after every step of training or scoring: whoever waits sees that it goes on.
        ranks: this process and the others that train the trial, each with a part of every batch; all of them iterate,
            until the first one does no more. What an epoch yields is the same for all, the first keeps files. None:
            this process alone.

    Raises:
        FileNotFoundError: the teacher's weights or the checkpoint are not there.
        ValueError: the trial names a method, network or data set that does not exist, or the data have changed; or it
            wants a CUDA graph and the device is another one.
    """
    training = Training(
        trial,
        store,
        device=torch.device(device),
        data_root=data_root,
        bank=bank,
        loaders=loaders,
        on_step=on_step,
        ranks=ranks,
        checkpoint=checkpoint,
    )
    for said in training.steps():
        if isinstance(said, Epoch):
            yield said
        else:
            on_step()


class Training:
    """The state of one trial in training: student, optimiser, and the values of every epoch so far.

    Nothing that it holds refers back to it, so its memory is free as soon as nobody iterates.

    Args:
        share: gives the views that it sees with others who are in step with it (trainers.training.turns); by default
            it sees them alone.
        on_step: called while the teacher's logits are filled in before an epoch.
        predictions: keep what the network answers to the test images in the end.
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
        ranks: Ranks | None = None,
        share: Callable[[Views, Sequence[Size]], Views] = alone,
        checkpoint: Path | None = None,
        predictions: bool = False,
    ) -> None:
        self.trial = trial
        self.ranks = ranks or Ranks()
        if trial.norm_parts not in (1, self.ranks.size):
            raise ValueError(f"the trial is one of {trial.norm_parts} ranks, got {self.ranks.size}")
        if trial.recipe.compile == "graph" and device.type != "cuda":
            raise ValueError(f"compile: graph is for CUDA devices, got {device.type}")
        self.device = device
        self.data = on_device(trial.dataset, data_root, device, trial.view_set, trial.views, loaders)
        if self.data.info.digest != trial.data_digest:
            raise ValueError(f"the data set {trial.dataset} has changed since the sweep was accepted")
        self.task = task_of(self.data.info, trial.recipe.label_smoothing, self.ranks)
        self.teacher = new_teacher(trial, self.data, store, device)
        self.sizes = [self.teacher.size] if self.teacher is not None and self.teacher.size is not None else []
        """At which the teacher wants views, where they are not the student's."""
        self.seen, tested = share(self.data.train, self.sizes), share(self.data.test, ())
        self.scores = Scores(
            trial, self.data, self.task, self.ranks, fitted=self.seen, tested=tested, keeps=predictions
        )
        self.warnings: list[str] = []
        """What went wrong on the way without changing any number."""
        self.strong = strong_views(
            *(trial, store, device, data_root, bank, loaders, share), warnings=self.warnings, on_step=on_step
        )
        """Of the training images, where the method compares them."""
        # from here on, memory is the trial's own
        self.memory = MemoryMeter(device, graphs=trial.recipe.compile == "graph")
        student = new_student(trial, self.data, store, device)
        self.student = network_of(trial, student, self.data, self.teacher, self.ranks)
        self._added = learned(self.student) - learned(student)
        self.taps = new_taps(trial, self.student, self.data)
        self.method = new_method(trial, self.data, self.teacher, self.taps, self.ranks)
        self.optimizer = new_optimizer(trial.recipe, self.student, self.method)
        self.average = ModelEmaV3(self.student, decay=trial.recipe.ema_decay) if trial.recipe.ema_decay else None
        plain = self.taps is None and self.data.info.task == "classification" and self.ranks.size == 1
        plain = plain and self.strong is None and not self.method.apart
        self._step_graph = sped_up(trial.recipe, self.student) if plain else None
        self.history: list[dict[str, float]] = []
        self.teacher_images = 0
        """That the teacher has answered, for all ranks."""
        self.replies = None
        if self.teacher is not None:
            given = (trial, self.teacher, self.data, store)
            self.replies = Replies(
                *given, bank=bank, tapped=self.taps is not None, warnings=self.warnings, on_step=on_step
            )
        self._seconds = self._since = 0.0
        load_checkpoint(checkpoint, self)
        if not self._is_alone:
            self.memory.end()

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

    def steps(self) -> Steps[Epoch]:
        """Go on to the end, step by step; yields after every epoch what has come of it."""
        with contextlib.closing(self._all_steps()) as steps:
            if self._is_alone:  # its turn lasts: asking the allocator before and after each step takes time
                yield from steps
                return
            while True:
                with self.memory.turn():
                    said = next(steps, None)
                if said is None:
                    return
                yield said

    def _all_steps(self) -> Steps[Epoch]:
        try:
            while self.epochs_done < self.trial.recipe.epochs and self.ranks.firsts(True):
                epoch = yield from self._epoch()
                with self._others_told():
                    yield epoch
                if epoch.diverged:
                    return
        finally:
            self.let_go()

    @contextlib.contextmanager
    def _others_told(self) -> Iterator[None]:
        """Let the other ranks, which wait for the first to go on, know where no more epochs are asked for."""
        try:
            yield
        except GeneratorExit:
            if self.epochs_done < self.trial.recipe.epochs:
                with contextlib.suppress(LeftAloneError):
                    self.ranks.firsts(False)
            raise

    def train_epoch(self) -> Epoch:
        """Train one epoch, score it, and return it."""
        return next(said for said in self.steps() if isinstance(said, Epoch))

    def _epoch(self) -> Generator[Step, None, Epoch]:
        """Train one epoch, score it, and return it."""
        number = self.epochs_done + 1
        yield Step(number)
        draws = draw(self.trial, number, images=self._images, views=self.data.train.count)
        total = len(draws.images)
        sizes = batch_sizes(total, self.trial.recipe.batch_size, joined=self.trial.last_image == "joined")
        parts = self.ranks.parts(sizes)
        draws = draws.at(places_of(parts)) if self.ranks.size > 1 else draws
        if self.replies is not None:
            self.replies.prepare(draws)
        rank = ("rank", self.ranks.rank) if self.ranks.rank else ()
        with self._tapping():
            if not self._is_alone:  # before the first batch, all at this epoch have said what they ask the teacher
                yield Step(number)
            self._seconds, self._since = 0.0, time.perf_counter()
            with dropout_stream(self.device, self.trial.role, self.trial.seed, number, *rank):
                losses, rate = yield from self._train(number, draws, parts)
        seconds = self._seconds + time.perf_counter() - self._since
        losses = {name: loss / total for name, loss in self._of_all_ranks(losses).items()}
        values = {**losses, "lr": rate, "epoch_seconds": seconds, "images_per_second": total / seconds}
        diverged = not math.isfinite(values["train_loss"])
        if not diverged:
            values |= yield from self.scores.score(number, self.student, self.scored)
        self.memory.sample()
        self.history.append(values)
        ended = number == self.trial.recipe.epochs and not diverged
        return Epoch(number, values, diverged, self, self._collapse() if ended else "")

    def _tapping(self) -> contextlib.AbstractContextManager[None]:
        """Let those that are in step know that the teacher is asked for more than logits, where it is."""
        name = tapped_teacher(self.trial)
        return self.seen.tapping(name) if name and isinstance(self.seen, SharedViews) else contextlib.nullcontext()

    def summary(self) -> dict[str, float]:
        """Return the metrics at the end: accuracies in percent, seconds of training, teacher passes, bytes."""
        return {
            **accuracies(self.history, self.task.scores),
            "train_seconds": sum(values["epoch_seconds"] for values in self.history),
            "teacher_images": float(self.teacher_images),
            "extra_parameters": float(self.method.extra_parameters + self._added),
            **self.memory.metrics(alone=self._is_alone),
        }

    @property
    def _is_alone(self) -> bool:
        """No other training takes turns with it."""
        return self.seen is self.data.train

    @property
    def _images(self) -> int:
        """How many training images this trial's split has."""
        return self.data.info.trained_on(self.trial.split)

    def _of_all_ranks(self, losses: dict[str, float]) -> dict[str, float]:
        """Return the sums of all ranks' losses, and count what all have asked the teacher in the epoch."""
        replies = (self.replies, self.strong and self.strong.replies)
        answered = sum(one.answered() for one in replies if one is not None)
        told = self.ranks.everyones((losses, answered, self.memory.peak_bytes))
        self.teacher_images += sum(images for _, images, _ in told)
        self.memory.peak_bytes = max(peak for _, _, peak in told)
        return totals([one for one, _, _ in told])

    def _train(
        self, number: int, draws: Draws, parts: Sequence[Part]
    ) -> Generator[Step, None, tuple[dict[str, float], float]]:
        """Run the epoch's steps; return the sum of every loss term over its images, and the last learning rate.

        Args:
            draws: what this rank sees.
            parts: of the epoch's batches.
        """
        self.student.train()
        self.method.train()
        recipe, total, batches = self.trial.recipe, sum(part.batch for part in parts), len(parts)
        sums: dict[str, Tensor] = {}
        rate = 0.0
        mixed = mixes(recipe.mixup, batches, self.trial.role, self.trial.seed, number)
        rows = [len(part.places) for part in parts]
        seen = self.seen.batches(draws.images, draws.views, rows, self.sizes)
        second = self.strong.batches(number, self._images, parts) if self.strong else [None] * batches
        graph = None if self._step_graph is None else self._step_graph(self._whole_step)
        for index, (batch, beside, part) in enumerate(zip(seen, second, parts, strict=True)):
            if index % recipe.accumulate == 0:
                rate = learning_rate_at(recipe, number - 1 + index * recipe.batch_size / total)
                together = min(recipe.accumulate, batches - index)
            if graph is not None:
                set_rate(self.optimizer, rate)
                terms = graph(self._seen(batch, number, None))
            else:
                with self.ranks.step(part, synced=self.trial.norm_parts == 1):
                    mix = None if mixed is None else mixed[index]
                    terms = self._gradients(batch, number, mix, together, part.share, beside)
            for name, term in terms.items():  # stays on the device: reading a number here would stall every step
                sums[name] = sums.get(name, 0.0) + term.detach() * part.counts
            if graph is None and ((index + 1) % recipe.accumulate == 0 or index + 1 == batches):
                self._step(rate)
            self._seconds += time.perf_counter() - self._since
            yield Step(number)
            self._since = time.perf_counter()
        return {LOGGED.get(name, name): float(value) for name, value in sums.items()}, rate

    def _gradients(
        self, batch: Batch, number: int, mix: Mix | None, together: int, share: float = 1.0, strong: Batch | None = None
    ) -> dict[str, Tensor]:
        """Add the gradient of a batch to those before it; `together` batches are averaged.

        Args:
            share: of the batch that is this rank's.
            strong: views of the same images.
        """
        terms = self._terms(self._seen(batch, number, mix, strong))
        backward(self.optimizer, self.method, terms, together, share)
        return terms

    def _seen(self, batch: Batch, number: int, mix: Mix | None, strong: Batch | None = None) -> Seen:
        inputs = self.data.lens(batch.pixels)
        if mix is not None:
            inputs = mix(inputs)
        teacher = None if self.replies is None else self.replies.to(batch, inputs, mix)
        second = None if self.strong is None or strong is None else self.strong.of(strong)
        return Seen(number, batch, inputs, teacher, mix, autocast(self.trial.recipe.precision, self.device), second)

    def _terms(self, seen: Seen) -> Terms:
        terms = self.task.terms(Student(self.student, self.taps), self.method, seen)
        self.memory.sample_step()
        return terms

    def _whole_step(self, seen: Seen) -> Terms:
        """Make a step at the rate that is set; return the loss and its parts without their autograd graph."""
        terms = self._terms(seen)
        backward(self.optimizer, self.method, terms)
        self._apply()
        return {name: term.detach() for name, term in terms.items()}

    def _step(self, rate: float) -> None:
        set_rate(self.optimizer, rate)
        self._apply()

    def _apply(self) -> None:
        trained = [*self.student.parameters(), *self.method.parameters()]
        prepare(self.optimizer, trained, self.ranks.add_gradients, self.trial.recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.student)

    def check_finite(self) -> None:
        """Find out whether students can learn from the network, as it was scored last.

        Raises:
            TeacherError: its weights, or what it answered, are not all finite; the training loss may be.
        """
        self.scores.check_finite(self.scored)

    def _collapse(self) -> str:
        """Return why the training, which has ended, is thought to have come to nothing; empty where it is not."""
        classes, views, method = self.data.info.classes, 1 if self.strong is None else 2, self.method
        weight, warmups = method.ce_weight, method.warmups
        losses = losses_of(self.history, classes=classes, ce_weight=weight, warmup_epochs=warmups, views=views)
        return collapse(self.scores.answers, losses)
