"""The plan as a plain object."""

import dataclasses
from dataclasses import dataclass
from typing import Any


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
    """Search trials, at most."""
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
    checkpoint_bytes: int
    """Of the largest training, while it runs: the newest and the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to compute, at most: searches prune nothing, nothing has ended before."""

    multiply_adds: int
    """Of the networks: three forward passes for an image in training, one for a scored image or a teacher's answer."""
    steps: int
    """Of training: batches that go forward and back."""
    gpu_hours: float
    """Each training the longer of what its multiply-adds and its steps take; trials that share a GPU wait together."""
    share: float
    """Of a GPU that a trial has."""
    on_cpu: bool
    """The sweep asks for no GPU."""
    speed: Speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep will take. Counts are of the whole sweep; what has ended before is not taken off."""

    name: str
    cells: tuple[str, ...]
    seeds: tuple[int, ...]
    precision: str
    rows: tuple[RowPlan, ...]
    recipes: tuple[RecipeLine, ...]
    teachers: tuple[TeacherLine, ...]
    distinct_trainings: int
    """Fixed trials with different keys, without teachers: rows and cells may share some."""
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
        values: dict[str, Any] = _plain(dataclasses.asdict(self))
        return values

    def to_text(self) -> str:
        """Return the plan for people."""
        from search_spaces.plan._text import text

        return text(self)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
