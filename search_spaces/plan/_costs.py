"""What trainings cost: answers of teachers, multiply-adds, hours of a GPU, disk. Networks are counted, none is run."""

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from search_spaces.checks.facts import logits_bytes
from search_spaces.plan._base import Disk, Speed, Work
from search_spaces.plan._trainings import Training
from search_spaces.sweeps.sweep import Sweep, TeacherPlan
from trainers import methods
from trainers.data import DataInfo
from trainers.predictions.kept import answer_bytes
from trainers.teachers import has_bank
from trainers.training.steps.loss_parts import loss_parts
from trainers.trials.batches import epoch_images
from trainers.trials.trial import Teacher, Trial, Value

if TYPE_CHECKING:
    from trainers.models.sizes import NetworkSize

BACK = 2
"""Forward passes that a backward pass costs."""
OPERATIONS = 2
"""In a multiply-add."""
SCENE = (1024, 2048)
"""Pixels of a whole street scene, which is what is scored where every pixel has a class."""
LOGIT_BYTES = {"float32": 4, "float16": 2}
BLOCK = 4096
"""Bytes that a file system sets aside at once: a row that lies anywhere takes as many more than its own."""
WEIGHT_BYTES = 4
CHECKPOINTS = 2
"""That a training keeps: the newest, and the one before, in case that it cannot be read."""


class Taught(NamedTuple):
    """A teacher on a data set. Weights that are not here yet have no digest of their own, so the name is needed."""

    dataset: str
    id: str
    timm_name: str


class Costs:
    """What the trainings of a sweep cost together."""

    def __init__(self, sweep: Sweep, trainings: Sequence[Training], speed: Speed) -> None:
        self._sweep = sweep
        self._trainings = trainings
        self._speed = speed
        self._infos = {plan.name: plan.info for plan in sweep.datasets}
        self._teachers: dict[Taught, Teacher] = {}
        self._live = Counter[Taught]()
        self._shown: dict[Taught, dict[int, dict[int, int]]] = {}
        """By the set of views, usual and strong, and the seed that draws them: images that students see of whose views
        the logits are stored."""
        for training in trainings:
            if training.trial.teacher is not None:
                self._count_answers(training, training.trial.teacher)

    def stored_answers(self, plan: TeacherPlan) -> int:
        """Return how many images a teacher answers at most to fill its stored logits."""
        return self._stored(Taught(plan.dataset, plan.id, plan.timm_name))

    def live_answers(self, plan: TeacherPlan) -> int:
        """Return how many images a teacher answers in training steps."""
        return self._live[Taught(plan.dataset, plan.id, plan.timm_name)]

    def logits_bytes(self, plan: TeacherPlan) -> int:
        """Return the disk that a teacher's stored logits take at most: few of them lie far apart in a sparse file."""
        info, each = self._infos[plan.dataset], LOGIT_BYTES[self._sweep.resolved["autos"]["logit_type"][plan.dataset]]
        sets = len(self._shown.get(Taught(plan.dataset, plan.id, plan.timm_name), {}))
        return min(sets * logits_bytes(info, each), self.stored_answers(plan) * (info.classes * each + BLOCK))

    def disk(self) -> Disk:
        """Return what lies below the home at most."""
        numbers = [(training, self._of_student(training.trial).parameters) for training in self._trainings]
        given = {taught.id + taught.timm_name: taught for taught in self._teachers if not self._is_trained(taught)}
        kept = sum(training.count * learned for training, learned in numbers if training.kept)
        kept += sum(self._of_teacher(taught).parameters for taught in given.values())
        predicted = Counter[str]()
        for training in self._trainings:
            predicted[training.trial.dataset] += training.count if training.kept else 0
        for taught in given.values():
            predicted[taught.dataset] += 1
        return Disk(
            predictions_bytes=sum(
                answer_bytes(self._infos[name]) * count
                for name, count in predicted.items()
                if self._sweep.keeps_predictions(name)
            ),
            logits_bytes=sum(self.logits_bytes(plan) for plan in self._sweep.teachers),
            weights_bytes=WEIGHT_BYTES * kept,
            checkpoint_bytes=CHECKPOINTS
            * WEIGHT_BYTES
            * max(_copies(training.trial) * learned for training, learned in numbers),
        )

    def work(self) -> Work:
        """Return what there is to compute, and how long that may take."""
        gpus, ranks = self._sweep.resources.gpus, self._sweep.resources.ranks
        share = gpus or 1.0
        total = sum(self._stored(taught) * self._of_teacher(taught).multiply_adds for taught in self._teachers)
        seconds, steps = self._seconds(total), 0
        for training in self._trainings:
            each, own = self._multiply_adds(training.trial), self._steps(training.trial)
            total += training.count * each
            steps += training.count * own
            launches = _views(training.trial) * self._speed.step_seconds
            waits = own * launches * min(share, 1)  # of several that share a GPU one always computes
            seconds += training.count * max(self._seconds(each) / ranks, waits)
        hours = max(share, 1) * seconds / 3600
        return Work(
            multiply_adds=total, steps=steps, gpu_hours=hours, share=share, on_cpu=not gpus, speed=self._speed,
            backward_passes=max((_backward_passes(training.trial) for training in self._trainings), default=1),
            views=max((_views(training.trial) for training in self._trainings), default=1),
        )  # fmt: skip

    def _count_answers(self, training: Training, teacher: Teacher) -> None:
        trial = training.trial
        taught = Taught(trial.dataset, teacher.id, teacher.model)
        self._teachers[taught] = teacher
        images = self._images(trial) * trial.recipe.epochs
        if self._runs_live(trial):
            self._live[taught] += training.count * images * _views(trial)
            return
        for number in range(_views(trial)):
            seen = self._shown.setdefault(taught, {}).setdefault(number, {})
            for seed in training.seeds:  # all trials of a seed are shown the same views, epoch by epoch
                seen[seed] = max(seen.get(seed, 0), images)

    def _runs_live(self, trial: Trial) -> bool:
        """Return whether the trial's teacher runs in its steps."""
        return not (self._sweep.bank and has_bank(trial, self._infos[trial.dataset].task))

    def _stored(self, taught: Taught) -> int:
        info = self._infos[taught.dataset]
        most = (info.fit + info.validation) * info.views
        return sum(min(most, sum(seen.values())) for seen in self._shown.get(taught, {}).values())

    def _is_trained(self, taught: Taught) -> bool:
        return any(plan.id == taught.id and plan.trial is not None for plan in self._sweep.teachers)

    def _seconds(self, multiply_adds: int) -> float:
        return OPERATIONS * multiply_adds / (self._speed.tflops * 1e12)

    def _images(self, trial: Trial) -> int:
        """Return how many images an epoch shows."""
        return epoch_images(trial.recipe, self._infos[trial.dataset].trained_on(trial.split))

    def _steps(self, trial: Trial) -> int:
        joined = trial.last_image == "joined"  # one step less
        return trial.recipe.epochs * (math.ceil(self._images(trial) / trial.recipe.batch_size) - joined)

    def _multiply_adds(self, trial: Trial) -> int:
        """Return those of a training: forward and back, the teacher beside it where it runs, and scoring."""
        info = self._infos[trial.dataset]
        scored = info.validation if trial.split == "search" else info.test
        student = self._of_student(trial).multiply_adds
        an_image, a_score = (1 + BACK * _backward_passes(trial)) * student, student
        if info.task == "segmentation":
            a_score = _network(trial.student, trial.student_args, info, *SCENE).multiply_adds
        if trial.teacher is not None and self._runs_live(trial):
            taught = Taught(trial.dataset, trial.teacher.id, trial.teacher.model)
            an_image += self._of_teacher(taught).multiply_adds
        return trial.recipe.epochs * (self._images(trial) * _views(trial) * an_image + scored * a_score)

    def _of_student(self, trial: Trial) -> "NetworkSize":
        info, make = self._infos[trial.dataset], methods.get(trial.method).network
        student = _network(trial.student, trial.student_args, info, info.size, info.width)
        return student if make is None else _with_parts(student, make, trial, info)

    def _of_teacher(self, taught: Taught) -> "NetworkSize":
        teacher, info = self._teachers[taught], self._infos[taught.dataset]
        size = (teacher.size, teacher.size) if teacher.size else (info.size, info.width)
        return _network(teacher.model, teacher.model_args, info, *size)


def _with_parts(student: "NetworkSize", make: methods.Network, trial: Trial, info: DataInfo) -> "NetworkSize":
    """Return the size of the network that a method makes of a student."""
    from trainers.models.sizes import with_parts
    from trainers.models.taps import shape_of

    assert trial.teacher is not None
    ours = shape_of(trial.student, trial.student_args, info.classes, info.channels, info.size)
    size = trial.teacher.size or info.size
    theirs = shape_of(trial.teacher.model, trial.teacher.model_args, info.classes, info.channels, size)
    return with_parts(student, make, ours, theirs)


def _copies(trial: Trial) -> int:
    """Return how many numbers a checkpoint holds for each one learned."""
    remembered = 2 if trial.recipe.optimizer == "adamw" else _backward_passes(trial)
    return 1 + remembered + (trial.recipe.ema_decay > 0)


def _views(trial: Trial) -> int:
    """Return how many views of an image a step sees, each in a forward pass of its own."""
    return 1 + methods.get(trial.method).sees_strong(trial.hyperparameters)


def _backward_passes(trial: Trial) -> int:
    """Return how often a step goes back through the student: once for every part of the loss that has a momentum of its
    own."""
    return max(1, len(loss_parts(trial.recipe, methods.get(trial.method), trial.hyperparameters)))


def _network(name: str, arguments: Mapping[str, Value], info: DataInfo, height: int, width: int) -> "NetworkSize":
    return _counted(name, tuple(sorted(arguments.items())), info.classes, info.channels, height, width)


@functools.lru_cache(maxsize=256)
def _counted(
    name: str, arguments: tuple[tuple[str, Value], ...], classes: int, channels: int, height: int, width: int
) -> "NetworkSize":
    from trainers.models.sizes import size_of  # imports torch

    return size_of(name, name, height, classes, width=width, channels=channels, arguments=dict(arguments))
