"""The plan as a plain object, and for people."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.texts.counting import counted, size_text

LEAST_HOURS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What an estimate of hours assumes of a GPU; nothing of it is measured here."""

    tflops: float = 10.0
    """10^12 operations a second that a GPU reaches in training, a multiply-add being two: what a V100 or a better card
    may be expected to reach with ResNets, in float32 on the first, in bfloat16 with room to spare on later ones."""
    step_seconds: float = 0.01
    """A training step takes at least so long: on small images a GPU waits for the launches of forward and backward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPlan:
    """Trials of one row, over all cells."""

    label: str
    method: str
    searched: tuple[str, ...]
    """Dimensions in words: `k 1…50 (log)`."""
    fixed: int
    """Trials over all seeds that are known now."""
    proposals: int
    """Search trials, those of races among them, at most."""
    confirming: int
    """Trials over all seeds that wait for the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeLine:
    """How networks are trained on a data set."""

    dataset: str
    networks: tuple[str, ...]
    """As the sweep file has them, `teacher NAME` of a teacher; empty: all that no other line names."""
    recipe: str
    """In words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherLine:
    """A teacher, what it answers, and the logits it will store."""

    dataset: str
    model: str
    id: str
    source: str
    """`trained`, `published` weights, or the weights file."""
    variant: str
    """How its training images were augmented: plain or strong."""
    stored_answers: int
    """Images that it answers at most to fill its stored logits, each view of an image counting as one."""
    live_answers: int
    """Images that it answers in training steps, where nothing is stored."""
    logits_bytes: int
    """Disk that the stored answers take at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes in the home, at most and roughly; without what MLflow keeps besides."""

    logits_bytes: int
    """Of all teachers."""
    weights_bytes: int
    """Of all trainings whose weights are kept, proposals not among them, and of teachers from files."""
    predictions_bytes: int
    """Of the same trainings and teachers, where they are kept."""
    checkpoint_bytes: int
    """Of the largest training, while it runs: the newest and the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to compute, at most: searches prune nothing, nothing has ended before."""

    multiply_adds: int
    """Of the networks: three forward passes for an image in training, one for a scored image or a teacher's answer; two
    more for each further backward pass; twice as many where a method compares two views of an image."""
    backward_passes: int = 1
    """Of a step that has the most of them."""
    views: int = 1
    """Of an image, in the step that has the most of them."""
    steps: int
    """Of training: batches that go forward and back."""
    gpu_hours: float
    """Each training the longer of what its multiply-adds and its steps take; trials that share a GPU wait together."""
    share: float
    """Of a GPU that a trial has."""
    on_cpu: bool
    """The sweep asks for no GPU."""
    speed: Speed

    @property
    def hours_text(self) -> str:
        """The GPU hours in words: `about 380`."""
        return _hours(self.gpu_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep will take. Counts are of the whole sweep; what has ended before is not taken off."""

    name: str
    cells: tuple[str, ...]
    seeds: tuple[int, ...]
    """Of every row."""
    settling: str
    """Until when seeds are added, in words; empty where they are not."""
    precision: str
    rows: tuple[RowPlan, ...]
    recipes: tuple[RecipeLine, ...]
    teachers: tuple[TeacherLine, ...]
    distinct_trainings: int
    """Fixed trials with different keys, without teachers: rows and cells may share some."""
    least_trainings: int
    """Likewise of students, where no seed is added and no search cut short."""
    most_trainings: int
    """Trainings of students, proposals and confirming trials included, at most; what is shared counts once."""
    teacher_trainings: int
    searches: tuple[str, ...]
    """One line for each search."""
    epochs: int
    """Epochs of students, proposals included, at most."""
    disk: Disk
    work: Work
    notes: tuple[str, ...] = ()
    """What is not as a reader of the file may think, in words: defaults that were fitted, warm-ups without an end."""
    assumed: tuple[str, ...] = ()
    """What was not found here and taken as published, in words."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return values

    def to_text(self) -> str:
        """Return the plan for people: the table, what each part takes, the whole."""
        first = counted(len(self.seeds), "seed")
        seeds = f"{first} or more" if self.settling else first
        counts = (counted(len(self.cells), "cell"), counted(len(self.rows), "row"), seeds)
        lines = [
            f"{self.name}: {', '.join(counts)}, {self.precision}",
            *(f"  {cell}" for cell in self.cells),
            "",
            *_table(self.rows),
            "",
            *([f"seeds    {self.settling}"] if self.settling else []),
            *(f"search   {line}" for line in self.searches),
            *(f"recipe   {_recipe(line)}" for line in self.recipes),
            *(f"teacher  {line.dataset}: {line.model}, {_teacher(line)}" for line in self.teachers),
            f"students {_students(self)}",
            f"teachers {_teachers(self)}",
            f"disk     {_disk(self.disk)}",
            *_work(self.work),
            *(f"note     {line}" for line in self.notes),
            *_assumed(self.assumed),
        ]
        return "\n".join(lines)


def _table(rows: tuple[RowPlan, ...]) -> Iterable[str]:
    width = max(len(row.label) for row in rows)
    named = max(len("method"), *(len(row.method) for row in rows))
    yield f"{'row':<{width}}  {'method':<{named}} {'trials':>7} {'search':>7} {'confirm':>8}"
    for row in rows:
        line = f"{row.label:<{width}}  {row.method:<{named}} {row.fixed:>7} {row.proposals:>7} {row.confirming:>8}"
        yield f"{line}  {', '.join(row.searched)}".rstrip()


def _recipe(line: RecipeLine) -> str:
    return f"{', '.join((line.dataset, *line.networks))}: {line.recipe}"


def _teacher(line: TeacherLine) -> str:
    source = {"trained": "trained here", "published": "published weights"}.get(line.source, Path(line.source).name)
    stored = f"at most {_many(line.stored_answers)} images for {size_text(line.logits_bytes)} of logits"
    live = f"{_many(line.live_answers)} images in training steps"
    answers = [stored] * bool(line.stored_answers) + [live] * bool(line.live_answers)
    kept = "" if line.stored_answers else "; no stored logits"
    return f"{line.variant}, {source}; answers {' and '.join(answers) or 'nothing'}{kept}"


def _students(plan: Plan) -> str:
    ones = "one is" if plan.distinct_trainings == 1 else "ones are"
    known = f"{plan.distinct_trainings} distinct {ones} known now"
    most = f"{counted(plan.most_trainings, 'training')} at most"
    if plan.settling and plan.least_trainings == plan.most_trainings:
        most = counted(plan.most_trainings, "training")
    elif plan.settling:
        most = f"{plan.least_trainings} to {counted(plan.most_trainings, 'training')}"
    return f"{most}, {counted(plan.epochs, 'epoch')}; {known}"


def _teachers(plan: Plan) -> str:
    stored, live = (
        sum(getattr(line, name) for line in plan.teachers) for name in ("stored_answers", "live_answers")
    )  # fmt: skip
    answered = f"at most {_many(stored)} images answered to be stored, {_many(live)} in training steps"
    return f"{counted(plan.teacher_trainings, 'training')}; {answered}"


def _disk(disk: Disk) -> str:
    logits = f"{size_text(disk.logits_bytes)} of stored logits" if disk.logits_bytes else "no stored logits"
    running = f"checkpoints of up to {size_text(disk.checkpoint_bytes)} for each trial that runs"
    kept = [f"{size_text(disk.weights_bytes)} of weights"]
    kept += [f"{size_text(disk.predictions_bytes)} of predictions"] if disk.predictions_bytes else []
    return f"at most {', '.join([logits, *kept])}; {running}"


def _work(work: Work) -> Iterable[str]:
    together = round(1 / work.share) if work.share < 1 else 1
    least = f"{1000 * work.speed.step_seconds:g} ms"
    shared = f" ({together} trials share a GPU)" if together > 1 else ""
    speed = f"{work.speed.tflops:g} TFLOP/s"
    rests = f"{_power(work.multiply_adds)} multiply-adds at {speed}, steps of at least {least}{shared}"
    yield f"work     {work.hours_text} GPU hours: {rests}; not measured"
    several = work.backward_passes > 1
    usual = f"{speed}, as a V100 or a better card may reach with ResNets and less with MobileNets (--tflops N)"
    for line in (
        "two operations a multiply-add; an image costs 3 forward passes in training, 1 in scoring and for an answer",
        *(["of two views of an image each costs as much, in training and for an answer"] * (work.views > 1)),
        *([f"{work.backward_passes} backward passes at most: 2 forward ones more for each further one"] * several),
        "no search stops early; reading pictures, losses and what methods learn besides the student are left out",
        f"assumed: {usual if work.speed.tflops == Speed().tflops else f'{speed}, as given'};",
        f"{least} for the launches of a step, forward and back, which small networks wait for",
        *(["resources.gpus is 0: this sweep asks for no GPU, and takes longer on the CPU"] * work.on_cpu),
    ):
        yield f"         {line}"


def _assumed(assumed: Iterable[str]) -> Iterable[str]:
    lines = [f"  {line}" for line in assumed]
    return ["", "not found here, taken as published:", *lines] if lines else []


def _many(count: int) -> str:
    for word, factor in (("billion", 10**9), ("million", 10**6)):
        if count >= factor:
            return f"{count / factor:.1f}".removesuffix(".0") + f" {word}"
    return f"{count:,}"


def _hours(hours: float) -> str:
    if hours < LEAST_HOURS:
        return f"less than {LEAST_HOURS}"
    return f"about {float(f'{hours:.2g}'):,g}"


def _power(count: int) -> str:
    return f"{count:.1e}".replace("e+", "e").replace("e0", "e")
