"""A sweep with everything decided: data sets, cells, rows, teachers, trials, searches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_spaces.files.entries import Row
from search_spaces.sweeps.members import Member, Place, as_it_is, further, over_seeds
from search_spaces.sweeps.searches import Search
from trainers.data import DataInfo
from trainers.predictions.kept import are_kept
from trainers.trials.trial import Trial, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetPlan:
    """A data set of the sweep."""

    name: str
    root: Path | None
    """Folder with its files; None where the sweep file names none."""
    download: bool
    """Whether missing files may be fetched."""
    info: DataInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A data set and a pair; with a row, one number of the table."""

    dataset: str
    teacher: str
    """Name of the network as the sweep file has it."""
    student: str

    @property
    def id(self) -> str:
        """The cell in words: `digits100: tinyresnet -> tinycnn`."""
        return f"{self.dataset}: {self.teacher} -> {self.student}"

    def to_json(self) -> dict[str, str]:
        """Return the cell as plain JSON values, with its id."""
        return {"id": self.id, "dataset": self.dataset, "teacher": self.teacher, "student": self.student}


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherPlan:
    """A teacher on one data set, shared by all its cells: trained by `trial`, or read from `checkpoint`."""

    dataset: str
    model: str
    """Name of the network as the sweep file has it."""
    timm_name: str
    model_args: Mapping[str, Value]
    """With these it takes the data set's images."""
    id: str
    """The trial's key, or the SHA-256 of the weights file; the weights are kept under this name."""
    trial: Trial | None
    checkpoint: Path | None
    variant: str = "plain"
    """How its training images were augmented: plain or strong."""
    reading: str = ""
    """How its weights lay in its file, in words, where not as anybody would expect."""
    scoring: Trial | None = None
    """Of one that comes from a file: the trial that scores it on the test images, under a key of its own."""
    accept: bool = False
    """Whether students learn from it whatever it scores."""

    def member(self) -> Member | None:
        """Return the teacher's trial in its place; None where it comes from a file."""
        return None if self.trial is None else self._member(self.trial)

    def scored(self) -> Member | None:
        """Return the trial that scores it in its place; None where it is trained here, which scores it."""
        return None if self.scoring is None else self._member(self.scoring)

    def _member(self, trial: Trial) -> Member:
        place = Place(cell=f"{self.dataset}: {self.model}", entry="", row="teacher")
        (member,) = over_seeds(trial, (trial.seed,), place, phase="teacher")
        return member


@dataclass(frozen=True, slots=True, kw_only=True)
class Initial:
    """Weights that networks start from."""

    digest: str
    """SHA-256 of the file; they are kept under this name."""
    timm_name: str
    size: int
    """Height in pixels of the images that they were brought to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one trial holds while it runs."""

    cpus: int
    """Of each rank."""
    gpus: float
    ranks: int
    """Processes that train a trial together; on GPUs each has one."""
    share_gpus: bool
    """As many trials share a GPU as have room on it."""
    teacher_cpus: int
    loaders: int | None
    """Processes that read pictures ahead; None: as many as `cpus` on a GPU, else none."""
    together: int
    """Trials that a worker trains in step, at most."""
    deterministic: bool
    """Only by algorithms that give the same bits again."""
    stall_seconds: int
    """Without a step for so long, a worker is taken for lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Until when seeds are added."""

    declared: str
    """Label of the row that all others are compared with."""
    looks: tuple[int, ...]
    """Seeds of the open rows at each look, rising."""
    level: float
    """Of the claims of a column."""

    def to_json(self) -> dict[str, Any]:
        """Return what a report needs of it; the level is one of the report's own choices."""
        return {"declared": self.declared, "looks": list(self.looks)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What there is to do. Two expansions of one file with the same `autos` are equal."""

    name: str
    source: str
    """The sweep file as given."""
    datasets: tuple[DataSetPlan, ...]
    cells: tuple[Cell, ...]
    """By data set, then by pair, in the order of the file."""
    rows: tuple[Row, ...]
    """In the order of the file; every cell has all of them."""
    teachers: tuple[TeacherPlan, ...]
    """Empty where no method needs one."""
    fixed: tuple[Member, ...]
    """Trials of the rows without dimensions, by cell, row and seed. A key may be there more than once."""
    searches: tuple[Search, ...]
    """By cell and row."""
    seeds: tuple[int, ...]
    """The reported ones; where more are added, those that every row has."""
    settling: Settling | None
    """None where every row has the same seeds."""
    initials: tuple[Initial, ...]
    """What networks start from, where recipes say so."""
    resources: Resources
    bank: bool
    predictions: bool | None
    """Whether predictions are kept; None: where they are not too large."""
    report: Mapping[str, Any]
    """What the sweep file says under `report:`; only keys that are given."""
    own: Mapping[str, Mapping[str, Any]]
    """The code of people's own that networks and data sets come from, as `trainers.own.provide` takes it."""
    resolved: Mapping[str, Any]
    """Plain JSON values without any `auto`: `restore` makes this sweep again from them alone."""
    renew: Callable[[Member], Member] = field(default=as_it_is, repr=False, compare=False)
    """What becomes of a trial that is added, where its teacher has been trained again."""

    @property
    def most_seeds(self) -> tuple[int, ...]:
        """Those that a row may come to have."""
        return self.seeds if self.settling is None else tuple(range(self.settling.looks[-1]))

    def keeps_predictions(self, dataset: str) -> bool:
        """Return whether what its networks answer to the test images of a data set is kept."""
        return any(are_kept(self.predictions, plan.info) for plan in self.datasets if plan.name == dataset)

    def further(self, member: Member, seeds: tuple[int, ...]) -> tuple[Member, ...]:
        """Return the trial of a fixed or confirmed row with further seeds."""
        return tuple(map(self.renew, further(member, seeds)))
