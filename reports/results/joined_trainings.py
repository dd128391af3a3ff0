"""Whether trainings of several sweeps may stand in one column: which teachers they had, and which recipes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reports.results.states import is_reported
from reports.stores import RECIPE_PREFIX, TEACHER_ID

Params = Mapping[str, Mapping[str, str]]
"""Of each trial that has a run, by its key."""
Recipe = dict[str, str]

MOST_CELLS = 3
"""So many are named in a note."""
DEFAULT = "the default"
"""Of a field that a run does not record: fields that came later are recorded where they are not at their default."""


@dataclass(frozen=True, slots=True)
class Teachers:
    """Which teachers stand behind one name on one data set in a sweep."""

    taught: frozenset[str]
    """Ids of those that students in means learned from: key of a training, or digest of the weights given."""
    trained: frozenset[str]
    """Keys of those that the sweep trains."""

    @classmethod
    def of(cls, trials: pd.DataFrame, params: Params, dataset: str, teacher: str) -> "Teachers":
        """Return those of a sweep; a student alone has none."""
        trials = trials[trials["dataset"] == dataset]
        is_teacher = trials["phase"] == "teacher"
        students = trials[is_reported(trials) & (trials["teacher"] == teacher).fillna(False)]
        ids = (params.get(key, {}).get(TEACHER_ID) for key in students["trial_key"])
        trained = trials.loc[is_teacher & (trials["student"] == teacher), "trial_key"]
        return cls(frozenset(found for found in ids if found), frozenset(trained))

    @property
    def all(self) -> frozenset[str]:
        """All that is known."""
        return self.taught | self.trained

    def differ(self, other: "Teachers") -> bool:
        """Return whether the two are known not to be the same."""
        for ours, theirs in ((self.taught, other.taught), (self.trained, other.trained)):
            if ours and theirs and ours != theirs:
                return True
        return bool(self.all and other.all) and self.all.isdisjoint(other.all)


def recipes(trials: pd.DataFrame, params: Params) -> dict[str, list[Recipe]]:
    """Return the recipes of the trials in means by cell, each once."""
    reported = trials[is_reported(trials)]
    found: dict[str, list[Recipe]] = {}
    for cell, key in zip(reported["cell"], reported["trial_key"], strict=True):
        names = params.get(key, {})
        recipe = {n.removeprefix(RECIPE_PREFIX): text for n, text in names.items() if n.startswith(RECIPE_PREFIX)}
        known = found.setdefault(cell, [])
        if recipe and recipe not in known:
            known.append(recipe)
    return found


def recipe_notes(sweeps: Mapping[str, Mapping[str, Sequence[Recipe]]]) -> Iterator[str]:
    """Yield where recipes of sweeps differ in one column, in sentences.

    Args:
        sweeps: by the sweep's name, what `recipes` says of it.
    """
    cells_of: dict[str, list[str]] = {}
    for cell in dict.fromkeys(cell for cells in sweeps.values() for cell in cells):
        text = _difference({sweep: cells[cell] for sweep, cells in sweeps.items() if cells.get(cell)})
        if text:
            cells_of.setdefault(text, []).append(cell)
    for text, cells in cells_of.items():
        more = f" and {len(cells) - MOST_CELLS} more" if len(cells) > MOST_CELLS else ""
        where = "; ".join(cells[:MOST_CELLS]) + more
        yield f"Recipes are not the same in {where}, so rows differ in more than their method: {text}."


def _difference(by_sweep: Mapping[str, Sequence[Recipe]]) -> str:
    """Return the fields that differ, with the values of each sweep; empty where none does."""
    names = dict.fromkeys(name for own in by_sweep.values() for recipe in own for name in recipe)
    told = []
    for name in names:
        values = {sweep: sorted({recipe.get(name, DEFAULT) for recipe in own}) for sweep, own in by_sweep.items()}
        if len({tuple(found) for found in values.values()}) > 1:
            told.append(f"{name} " + ", ".join(f"{' or '.join(found)} in {sweep}" for sweep, found in values.items()))
    return "; ".join(told)
