"""`auto` becomes a value once, by what the device can do and how large a data set is; recipes follow from it."""

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel

from search_spaces import recipes
from search_spaces.checks.facts import Facts, logit_type
from search_spaces.files.schema import SweepModel
from search_spaces.sweeps.reading import SweepFile
from trainers.data.view_sets import view_set
from trainers.trials.recipe import Precision, Recipe

Capability = tuple[int, int]
BFLOAT16_FROM: Capability = (8, 0)
"""Compute capability from which a CUDA device multiplies in bfloat16."""

TOGETHER = 8
"""Students that share each batch of pictures (docs/performance.md); on a GPU it was never run."""

BFLOAT16_PIXELS = 32
"""Height of images from which a CPU with bfloat16 instructions gains by them."""
BFLOAT16_FAMILIES = ("cifar_resnet*", "cifar_wrn_*", "cifar_vgg*", "resnet*")
"""timm's names of the networks that do: a step took half the time on such a CPU, where one of MobileNetV2 or
ShuffleNetV2, whose convolutions see one channel at a time, took longer (docs/performance.md). Others were not
measured."""


def decide(
    model: SweepModel,
    facts: Facts,
    given: Mapping[str, Any],
    capability: Callable[[], Capability | None],
    cpu_bfloat16: Callable[[], bool],
) -> dict[str, Any]:
    """Return a value for everything that the sweep file leaves open; what `given` has decided stays so.

    Raises:
        ValueError: `given` has a value that is none of those possible.
    """
    types = given.get("logit_type", {})
    gpus = model.resources.gpus
    if gpus is None:
        there = given["gpus"] if "gpus" in given else float(capability() is not None)
        gpus = float(model.resources.ranks or 1) if there else there
    decided: dict[str, Any] = {
        "gpus": gpus,
        "precision": _precision(model, facts, given, gpus, capability, cpu_bfloat16),
        "together": given.get("together", 1) if given else _together(facts, gpus),
        "logit_type": {name: types.get(name) or logit_type(info) for name, info in facts.datasets.items()},
    }
    if decided["precision"] not in get_args(Precision):
        raise ValueError(f"autos.precision must be one of {get_args(Precision)}, got {decided['precision']!r}")
    return decided


def _together(facts: Facts, gpus: float) -> int:
    """Return how many students share reading and teaching: where a view costs something to make."""
    costly = any(view_set(info.view_set).enumerated is None for info in facts.datasets.values())
    return TOGETHER if costly and gpus == 0 else 1


def _precision(
    model: SweepModel,
    facts: Facts,
    given: Mapping[str, Any],
    gpus: float,
    capability: Callable[[], Capability | None],
    cpu_bfloat16: Callable[[], bool],
) -> Any:
    if model.precision != "auto":
        return model.precision
    if "precision" in given:
        return given["precision"]
    if gpus == 0:  # trains on the CPU, whatever else the machine has
        return "bfloat16" if _gains_on_cpu(facts) and cpu_bfloat16() else "float32"
    device = capability()
    return "bfloat16" if device is not None and device >= BFLOAT16_FROM else "float32"


def _gains_on_cpu(facts: Facts) -> bool:
    """Return whether all networks of a sweep train faster in bfloat16 on a CPU that has it."""
    networks = {name for models in facts.models.values() for name in models.values()}
    known = all(any(fnmatch.fnmatchcase(name, family) for family in BFLOAT16_FAMILIES) for name in networks)
    return known and all(info.size >= BFLOAT16_PIXELS for info in facts.datasets.values())


@dataclass(frozen=True, slots=True)
class Decisions:
    """A sweep file with every `auto` decided: what an expansion works on."""

    file: SweepFile
    autos: Mapping[str, Any]
    """As `decide` returns them."""
    accepted: recipes.Definitions = field(default_factory=dict)
    """What was said of named recipes when the sweep was accepted, where that is to hold."""

    @property
    def precision(self) -> Precision:
        """What networks compute in."""
        precision: Precision = self.autos["precision"]
        return precision

    @property
    def gpus(self) -> float:
        """GPUs of a trial, where it does not share one by measured memory."""
        return float(self.autos["gpus"])

    @property
    def together(self) -> int:
        """Trials that a worker trains in step, at most; 1 where the sweep was accepted before that was decided."""
        return int(self.autos.get("together", 1))

    @property
    def ranks(self) -> int:
        """How many processes train a trial."""
        return self.file.model.resources.ranks or max(1, int(self.gpus))

    @property
    def norm_parts(self) -> int:
        """Parts of a batch that BatchNorm normalises each for itself."""
        return self.ranks if self.file.model.resources.batch_norm == "local" else 1

    def recipe(self, dataset: str, network: str = "") -> Recipe:
        """Return how a network trains on a data set: by the named recipe or the data set's, with the file's changes."""
        return self._changed(network, *self._chain(dataset))

    def teacher_recipe(self, dataset: str, name: str) -> Recipe:
        """Return how a teacher trains: as students do, unless the file says otherwise."""
        return self._changed(name, *self._chain(dataset, self.file.model.teacher(name).recipe))

    def named_uses(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the name of each recipe that networks are trained by, with the settings that the file replaces."""
        for dataset in self.file.facts.datasets:
            for of_teacher in (None, *(teacher.recipe for teacher in self.file.model.teachers.values())):
                base, changes = self._chain(dataset, of_teacher)
                yield base, frozenset(name for one in changes for name in recipes.changes(one))

    def _chain(self, dataset: str, of_teacher: BaseModel | None = None) -> tuple[str, list[BaseModel]]:
        return recipes.chain(self.file.facts.datasets[dataset].recipe, self.file.model.recipe, of_teacher)

    def _changed(self, network: str, base: str, changes: list[BaseModel]) -> Recipe:
        recipe = recipes.changed(recipes.get(base, network, self.accepted), None, self.precision)
        for one in changes:
            recipe = recipes.changed(recipe, one, self.precision)
        return recipe

    def recipes_json(self) -> dict[str, Any]:
        """Return the students' recipes by data set, as plain JSON values."""
        return {name: self.recipe(name).model_dump(mode="json") for name in self.file.facts.datasets}
