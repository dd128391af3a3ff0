"""What the teacher answers to the batches of a training: from its stored logits, or by running.

Shapes: B = batch, C = classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from trainers.files.passing import steadily
from trainers.files.store import Store
from trainers.methods import Output
from trainers.teachers import has_bank
from trainers.teachers.bank import Bank, open_bank
from trainers.teachers.frozen import FrozenTeacher
from trainers.training.tasks.mixing import Mix
from trainers.training.tasks.tasks import PixelReply, Reply
from trainers.trials.draws import Draws
from trainers.trials.trial import Teacher, Trial, teacher_name
from trainers.views.device_data import DeviceData
from trainers.views.views import Batch

MOST_AHEAD = 2**26
"""Logits of an epoch that are sent to a GPU before it begins: CIFAR's are a thirteenth of that."""
TAPPED = "tapped"
"""The way of asking for all that a teacher answers."""


class Replies:
    """One teacher's answers in one training.

    Args:
        bank: keep and use stored logits, where the trial can have any.
        tapped: all that it answers is asked for, not its logits alone.
        warnings: gets what goes wrong on the way without changing any number.
    """

    def __init__(
        self,
        trial: Trial,
        answering: FrozenTeacher,
        data: DeviceData,
        store: Store,
        *,
        bank: bool,
        tapped: bool,
        warnings: list[str],
        on_step: Callable[[], None],
    ) -> None:
        self._answering = answering
        self._data = data
        self._device = data.train_targets.device
        self._warnings = warnings
        self._on_step = on_step
        self._answered = 0
        known = trial.teacher if bank and has_bank(trial, data.info.task) else None
        self.bank = None if known is None else self._opened_bank(known, store)
        """The teacher's logits; None where it has none, or runs in every step."""
        assert trial.teacher is not None, "somebody answers"
        self._teacher = teacher_name(trial.teacher)
        self._way = "stored" if self.bank is not None else TAPPED if tapped else "logits"
        self._sends_ahead = self._device.type == "cuda"
        self._ahead: Tensor | None = None
        """An epoch's logits, on the device."""

    def answered(self) -> int:
        """Return how many images the teacher has answered since this was asked last."""
        found, self._answered = self._answered, 0
        return found

    def to(self, batch: Batch, inputs: Tensor, mix: Mix | None) -> Reply | PixelReply:
        """Return the teacher's logits [B, C] of a batch, or all that it answers, on the device.

        Args:
            inputs: what the student sees.
        """
        return batch.once((self._way, self._teacher, mix), lambda: self._answer(batch, inputs, mix))

    def _answer(self, batch: Batch, inputs: Tensor, mix: Mix | None) -> Reply | PixelReply:
        if self.bank is not None:
            return self._stored(self.bank, batch)
        teacher = self._answering
        if teacher.lens is not None:
            inputs = teacher.lens(batch.at(teacher.size))
            inputs = inputs if mix is None else mix(inputs)
        if self._data.info.task == "segmentation":
            self._answered += len(batch.images)
            return teacher.of_pixels(inputs)
        if self._way == TAPPED:
            return self._all(inputs)
        logits = self._of_tapped(batch, lambda: inputs, mix, teacher.in_one_pass)
        if logits is None:
            self._answered += len(inputs)
            logits = teacher.at_once(inputs)
        return logits

    def _all(self, inputs: Tensor) -> Output:
        self._answered += len(inputs)
        return self._answering.answers(inputs)

    def _of_tapped(
        self, batch: Batch, see: Callable[[], Tensor], mix: Mix | None, answer: Callable[[Tensor], Tensor]
    ) -> Tensor | None:
        """Return the logits of a whole batch from all that the teacher answers to it, where somebody else asks for
        that, and where a batch has shown that they are what `answer` returns, bit for bit; else None.

        Args:
            answer: how they are computed else; compared before they are rounded to be kept.
        """
        agree = batch.tapped.get(self._teacher, {self._way: False})
        if agree.get(self._way) is False:
            return None
        known = batch.once((TAPPED, self._teacher, mix), lambda: self._all(see()))
        if self._way not in agree:
            self._answered += len(known.logits)
            agree[self._way] = torch.equal(answer(see()), known.logits)
        return self._answering.as_kept(known.logits) if agree[self._way] else None

    def prepare(self, draws: Draws) -> None:
        """Have the logits of an epoch stored before it begins, where pixels cost nothing; where they are read from
        files, each batch stores its own as it comes by. A GPU is sent them all at once; was never run on one."""
        bank, self._ahead = self.bank, None
        if bank is None or not self._data.in_memory:
            return
        try:
            self._answered += steadily(lambda: bank.prepare(draws.images, draws.views, self._on_step))
        except OSError as error:
            self._is_full(bank, error)
        if self._sends_ahead and len(draws.images) * self._data.info.classes <= MOST_AHEAD:
            rows = bank.all_rows(draws.images, draws.views)
            self._ahead = None if rows is None else rows.to(self._device)

    def _stored(self, bank: Bank, batch: Batch) -> Tensor:
        """Return the logits of a batch from the bank; those that it lacks are answered now, and kept."""
        if self._ahead is not None:
            return self._ahead[batch.start : batch.start + len(batch.images)]

        def whole() -> Tensor | None:
            teacher, pixels = self._answering, batch.at(self._answering.size)
            if len(pixels) != teacher.rows:  # else as a pass is that is kept: not padded
                return None
            return self._of_tapped(batch, lambda: (teacher.lens or self._data.lens)(pixels), None, teacher.in_passes)

        try:
            logits, answered = steadily(lambda: bank.rows(batch, whole))
        except OSError as error:
            self._is_full(bank, error)
            logits, answered = bank.rows(batch, whole)
        self._answered += answered
        return logits.to(self._device, non_blocking=True)

    def _is_full(self, bank: Bank, error: OSError) -> None:
        bank.stop_writing()
        self._warnings.append(f"the teacher's logits cannot be stored ({error}); it runs where they are missing")

    def _opened_bank(self, teacher: Teacher, store: Store) -> Bank | None:
        """Return the teacher's stored logits; None where none can be kept, with a warning: the disk is why."""
        try:
            return steadily(lambda: open_bank(teacher, self._answering, self._data, store, self._on_step))
        except OSError as error:
            self._warnings.append(f"the teacher's logits cannot be stored ({error}); it runs in every step")
            return None
