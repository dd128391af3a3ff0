"""A sweep file with every `auto` decided, and the recipes that follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from search_spaces import recipes
from search_spaces.files.schema import TeacherModel
from search_spaces.sweeps.reading import SweepFile
from trainers.trials.recipe import Precision, Recipe


@dataclass(frozen=True, slots=True)
class Decisions:
    """What an expansion works on."""

    file: SweepFile
    autos: Mapping[str, Any]
    """As `autos.decide` returns them."""
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
        return self._changed(name, *self._chain(dataset, self.file.model.teachers.get(name)))

    def named_uses(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the name of each recipe that networks are trained by, with the settings that the file replaces."""
        for dataset in self.file.facts.datasets:
            for teacher in (None, *self.file.model.teachers.values()):
                base, changes = self._chain(dataset, teacher)
                yield base, frozenset(name for one in changes for name in recipes.changes(one))

    def _chain(self, dataset: str, teacher: TeacherModel | None = None) -> tuple[str, list[BaseModel]]:
        of_teacher = None if teacher is None else teacher.recipe
        return recipes.chain(self.file.facts.datasets[dataset].recipe, self.file.model.recipe, of_teacher)

    def _changed(self, network: str, base: str, changes: list[BaseModel]) -> Recipe:
        recipe = recipes.changed(recipes.get(base, network, self.accepted), None, self.precision)
        for one in changes:
            recipe = recipes.changed(recipe, one, self.precision)
        return recipe

    def recipes_json(self) -> dict[str, Any]:
        """Return the students' recipes by data set, as plain JSON values."""
        return {name: self.recipe(name).model_dump(mode="json") for name in self.file.facts.datasets}
