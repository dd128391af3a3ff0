"""What all trials of one row in one cell have in common, and how settings turn it into a trial."""

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_spaces.files.dimensions import Dimension
from search_spaces.recipes import as_trained
from trainers.data import DataInfo
from trainers.methods import Method
from trainers.trials.batches import leaves_one
from trainers.trials.recipe import Recipe, compress
from trainers.trials.trial import Keys, LastImage, Split, Teacher, Trial, Value, recipe_content, teacher_content

WARMUP = "warmup_epochs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A trial but for its searched settings, split, length and seed."""

    info: DataInfo
    student: str
    """timm's name."""
    student_args: Mapping[str, Value] = field(default_factory=dict)
    """With these it takes the data set's images."""
    initial: str = ""
    """SHA-256 of the weights that the student starts from; empty: random ones."""
    teacher: Teacher | None
    """None where the method needs none, so that its key does not depend on the pair."""
    method: Method
    settings: Mapping[str, Value]
    """What the sweep file fixes, grid values included; the method's defaults stand for the others."""
    recipe: Recipe
    """The whole recipe; its `method_warmup_epochs` is the warm-up of a method that has one and is given none."""
    norm_parts: int = 1
    """Parts of a batch that BatchNorm normalises each for itself."""
    shared: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What is the same whatever the settings are, worked out once; blueprints that differ in settings alone may share
    it."""

    def trial(self, params: Mapping[str, Value], *, split: Split, epochs: int | None = None, seed: int = 0) -> Trial:
        """Return the trial with these searched settings.

        Args:
            epochs: squeeze the recipe, and with it every warm-up, to this length.

        Raises:
            ValueError: the method refuses the settings; lists why.
        """
        recipe, trained = self._recipes(epochs)
        return Trial(
            dataset=self.info.name,
            data_digest=self.info.digest,
            split=split,
            view_set=self.info.view_set,
            views=self.info.views,
            teacher=self.teacher,
            student=self.student,
            student_args=dict(self.student_args),
            method=self.method.name,
            method_version=self.method.version,
            hyperparameters=self.method.canonical(
                self._values(params, recipe, self.method.fitted(self.info.classes)), self.info.classes
            ),
            recipe=trained,
            seed=seed,
            initial=self.initial,
            last_image=self._last_image(split),
            norm_parts=self.norm_parts,
        )

    def keys(self, trial: Trial) -> Keys:
        """Return the keys of one of its trials, and of those that differ from it in settings and seed alone."""
        known: Keys = self._once(("keys", trial.split, trial.recipe.epochs), lambda: Keys(trial))
        return known

    def _recipes(self, epochs: int | None) -> tuple[Recipe, Recipe]:
        """Return the recipe, squeezed where `epochs` says so, and as it stands in a trial."""
        whole = self._once(("recipe", epochs), lambda: self.recipe if epochs is None else compress(self.recipe, epochs))
        taught = self.method.teacher
        return whole, self._once(("trained", epochs, taught), lambda: as_trained(whole, taught=taught))

    def _once(self, name: Hashable, work: Callable[[], Any]) -> Any:
        if name not in self.shared:
            self.shared[name] = work()
        return self.shared[name]

    def fitted(self, dimensions: Sequence[Dimension] = ()) -> dict[str, Value]:
        """Return the defaults that are others here, for the data set has few classes.

        Those that change nothing, whatever is proposed, are not among them: they stand at their defaults in every key.

        Args:
            dimensions: what is searched; ranges stand for their low ends.
        """
        given = {*self.settings, *(dimension.name for dimension in dimensions)}
        found = {n: v for n, v in self.method.fitted(self.info.classes).items() if n not in given}
        if not found:
            return {}
        several = {d.name: d.starts for d in dimensions}
        idle = set(found)
        for values in itertools.product(*several.values()):
            chosen = {**self.settings, **dict(zip(several, values, strict=True))}
            idle &= set(self.method.dead(self.method.whole(chosen, self.info.classes), self.info.classes))
        return {name: value for name, value in found.items() if name not in idle}

    def to_json(self, dimensions: Sequence[Dimension] = ()) -> dict[str, Any]:
        """Return all that decides the trials, as plain JSON values; a default is there whether given or not.

        Args:
            dimensions: of hyperparameters that are not settings here, but searched.
        """
        searched = [dimension.name for dimension in dimensions]
        settings = self.method.defaults() | self._values({}, self.recipe, self.fitted(dimensions))
        return {
            "dataset": self.info.name,
            "data_digest": self.info.digest,
            "view_set": self.info.view_set,
            "views": self.info.views,
            "student": self.student,
            **({"student_args": dict(self.student_args)} if self.student_args else {}),
            **({"initial": self.initial} if self.initial else {}),
            "teacher": None if self.teacher is None else teacher_content(self.teacher),
            "method": self.method.name,
            "method_version": self.method.version,
            "settings": {name: value for name, value in settings.items() if name not in searched},
            "recipe": recipe_content(as_trained(self.recipe, taught=self.method.teacher)),
            **({"last_image": "joined"} if self._last_image("search") == "joined" else {}),
            **({"norm_parts": self.norm_parts} if self.norm_parts > 1 else {}),
        }

    def _last_image(self, split: Split) -> LastImage:
        return "joined" if leaves_one(self.info.trained_on(split), self.recipe) else "alone"

    def _values(self, params: Mapping[str, Value], recipe: Recipe, fitted: Mapping[str, Value]) -> dict[str, Value]:
        """Return what the authors tuned for this pair, what is fitted to few classes, settings, and warm-ups. A given
        warm-up counts epochs of the whole recipe, so it is squeezed with it."""
        pair = (self.info.name, self.teacher.model if self.teacher else "", self.student)
        tuned = self._once("tuned", lambda: self.method.defaults(*pair))
        given = {**self.settings, **params}
        values = {**tuned, **fitted, **given}
        for name in self._once("warmups", lambda: list(filter(is_warmup, tuned))):
            if name in given:
                values[name] = _number(given[name]) * (recipe.epochs / self.recipe.epochs)
            elif _number(tuned[name]) > 0:
                values[name] = recipe.method_warmup_epochs
        return values


def is_warmup(name: str) -> bool:
    """Return whether a hyperparameter is a method's warm-up, its own or that of a method in a combination."""
    return name.rpartition(".")[2] == WARMUP


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)
