"""A sweep file with every `auto` decided, and the recipes that follow."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from search_spaces import recipes
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

    def recipe(self, dataset: str, network: str = "") -> Recipe:
        """Return how a network trains on a data set: by the named recipe or the data set's, with the file's changes."""
        given = self.file.model.recipe
        base = recipes.get(self._students_base(dataset), network, self.accepted)
        return recipes.changed(base, given, self.precision)

    def teacher_recipe(self, dataset: str, name: str) -> Recipe:
        """Return how a teacher trains: as students do, unless the file says otherwise."""
        teacher = self.file.model.teachers.get(name)
        given = None if teacher is None else teacher.recipe
        base = getattr(given, "base", None)
        whole = self.recipe(dataset, name) if base is None else recipes.get(base, name, self.accepted)
        return recipes.changed(whole, given, self.precision)

    def _students_base(self, dataset: str) -> str:
        return getattr(self.file.model.recipe, "base", None) or self.file.facts.datasets[dataset].recipe

    def named_uses(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the name of each recipe that networks are trained by, with the settings that the file replaces."""
        own = recipes.changes(self.file.model.recipe).keys()
        for dataset in self.file.facts.datasets:
            yield self._students_base(dataset), frozenset(own)
            for teacher in self.file.model.teachers.values():
                if teacher.recipe is None:
                    continue
                base = getattr(teacher.recipe, "base", None)
                replaced = recipes.changes(teacher.recipe).keys()
                yield base or self._students_base(dataset), frozenset(replaced | (set() if base else own))

    def recipes_json(self) -> dict[str, Any]:
        """Return the students' recipes by data set, as plain JSON values."""
        whole = {name: self.recipe(name) for name in self.file.facts.datasets}
        return {n: {**dataclasses.asdict(r), "milestones": list(r.milestones)} for n, r in whole.items()}
