"""A sweep file with every `auto` decided, and the recipes that follow."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces import recipes
from search_spaces.reading import SweepFile
from trainers.recipe import Precision, Recipe


@dataclass(frozen=True, slots=True)
class Decisions:
    """What an expansion works on."""

    file: SweepFile
    autos: Mapping[str, Any]
    """As `autos.decide` returns them."""

    @property
    def precision(self) -> Precision:
        """What networks compute in."""
        precision: Precision = self.autos["precision"]
        return precision

    @property
    def gpus(self) -> float:
        """GPUs of a trial, where it does not share one by measured memory."""
        return float(self.autos["gpus"])

    def recipe(self, dataset: str, network: str = "") -> Recipe:
        """Return how a network trains on a data set: by the named recipe or the data set's, with the file's changes."""
        given = self.file.model.recipe
        base = recipes.get(getattr(given, "base", None) or self.file.facts.datasets[dataset].recipe, network)
        return recipes.changed(base, given, self.precision)

    def teacher_recipe(self, dataset: str, name: str) -> Recipe:
        """Return how a teacher trains: as students do, unless the file says otherwise."""
        teacher = self.file.model.teachers.get(name)
        given = None if teacher is None else teacher.recipe
        base = getattr(given, "base", None)
        whole = self.recipe(dataset, name) if base is None else recipes.get(base, name)
        return recipes.changed(whole, given, self.precision)

    def recipes_json(self) -> dict[str, Any]:
        """Return the students' recipes by data set, as plain JSON values."""
        whole = {name: self.recipe(name) for name in self.file.facts.datasets}
        return {n: {**dataclasses.asdict(r), "milestones": list(r.milestones)} for n, r in whole.items()}
