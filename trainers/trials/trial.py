"""A trial: one training run with everything fixed, and the key that identifies it.

The key is the contract of the whole project: two trials with one key give the same numbers on one machine, so a trial
that has ended is never trained again.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from trainers.trials.recipe import Recipe

KEY_VERSION = 1
"""Of the layout of the key. Raising it makes every stored key a stranger."""

TRAINER_VERSION = 1
"""Raised by hand when the training loop, data or views change the numbers on purpose."""

Role = Literal["student", "teacher", "given"]
"""given: a teacher that comes from a file; nothing is trained, it is scored (`training.teaching.teacher_scores`)."""
Split = Literal["search", "full"]
LastImage = Literal["alone", "joined"]
Value = bool | int | float | str | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Whose logits a student learns from."""

    id: str
    """The key of the trial that trained it, or the SHA-256 of its weights file; its weights lie under this name."""
    model: str
    """timm's name of the network."""
    model_args: Mapping[str, Value] = field(default_factory=dict)
    precision: str = "float32"
    """What its forward pass computes in."""
    logit_type: str = "float32"
    """What its stored logits are kept in: float32 or float16."""
    size: int = 0
    """Height and width in pixels of what it sees; 0: as the student."""
    mean: tuple[float, ...] = ()
    """Of each channel, for values in 0 … 1, by which its inputs are normalised; empty: as the student's."""
    std: tuple[float, ...] = ()
    """Likewise."""
    weights: str = ""
    """Digest of its weights, where they are others than those that it was first known by under this id: it was trained
    again, where sums round differently. Empty: the first ones."""
    variant: str = "plain"
    """How it was trained, for people: plain, or strong where its training images were strongly augmented. Not in the
    key, where its weights stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training run. Nothing in it is `auto`; equal trials have equal keys."""

    role: Role = "student"
    """A teacher draws its random numbers from streams of its own."""
    dataset: str
    data_digest: str
    """SHA-256 of the content (of names and sizes for large data sets)."""
    split: Split = "full"
    """search: trained on the fit images, scored on the validation images. full: trained on both, scored on test."""
    view_set: str
    views: int
    """How many views an image has."""
    teacher: Teacher | None = None
    student: str
    """timm's name of the network that is trained."""
    student_args: Mapping[str, Value] = field(default_factory=dict)
    method: str
    method_version: int
    hyperparameters: Mapping[str, Value]
    """All of the method's, coerced to their types, dead ones at their defaults."""
    initial: str = ""
    """SHA-256 of the weights file that the student starts from; empty: random weights."""
    recipe: Recipe
    seed: int
    last_image: LastImage = "alone"
    """What becomes of an image that whole batches leave over at the end of an epoch: a batch of its own, or part of the
    batch before it (trainers.trials.batches). Says joined only where an epoch leaves one."""
    norm_parts: int = 1
    """Parts of a batch that BatchNorm normalises each for itself: the ranks of a training that do not put together what
    they see of a batch. 1: the whole batch, of however many ranks."""


def to_json(trial: Trial) -> dict[str, Any]:
    """Return the trial as plain JSON values; `from_json` turns them back into an equal trial."""
    values = {name: getattr(trial, name) for name in TRIAL_FIELDS}
    values["student_args"] = dict(trial.student_args)
    values["recipe"] = dict(_spelt(trial.recipe))
    values["hyperparameters"] = {name: _plain(value) for name, value in trial.hyperparameters.items()}
    if trial.teacher is not None:
        values["teacher"] = dataclasses.asdict(trial.teacher)
        values["teacher"] |= {"mean": list(trial.teacher.mean), "std": list(trial.teacher.std)}
    return values


@functools.lru_cache(maxsize=256)
def _spelt(recipe: Recipe) -> Mapping[str, Any]:
    """Return a recipe as plain JSON values; a sweep of 100,000 trials has few."""
    return recipe.model_dump(mode="json")


def _plain(value: Value) -> Value | list[int] | list[float]:
    return list(value) if isinstance(value, tuple) else value


TRIAL_FIELDS = tuple(field.name for field in dataclasses.fields(Trial))


def from_json(values: Mapping[str, Any]) -> Trial:
    """Return the trial that `to_json` wrote."""
    teacher = values["teacher"]
    return Trial(
        **{
            **values,
            "hyperparameters": with_tuples(values["hyperparameters"]),
            "student_args": with_tuples(values.get("student_args", {})),
            "recipe": Recipe(**values["recipe"]),
            "teacher": None if teacher is None else teacher_from_json(teacher),
        }
    )


def teacher_from_json(values: Mapping[str, Any]) -> Teacher:
    """Return the teacher whose plain JSON values these are."""
    lists = {name: tuple(values[name]) for name in ("mean", "std") if name in values}
    return Teacher(**{**values, **lists, "model_args": with_tuples(values.get("model_args", {}))})


def with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of which JSON has made lists as they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, ASCII, no NaN or infinity."""
    return _ENCODER.encode(value)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def trial_key(trial: Trial) -> str:
    """Return the key of the trial: SHA-256 over canonical JSON of all that decides its numbers."""
    return digest(_key_content(trial))


def config_key(trial: Trial) -> str:
    """Return the key without the seed: the group of one mean ± std."""
    content = _key_content(trial)
    del content["seed"]
    return digest(content)


class Keys:
    """Keys of trials that differ in hyperparameters and seed alone, without spelling out the rest for each: a sweep may
    have 100,000 of them.

    The same keys as `trial_key` and `config_key`: canonical JSON is put together from its parts, whose order is that of
    their names.
    """

    def __init__(self, trial: Trial) -> None:
        content = _key_content(trial)
        between = [name for name in sorted(content) if "hyperparameters" < name < "seed"]
        self._head = _listed({name: content[name] for name in content if name < "hyperparameters"})
        self._middle = _listed({name: content[name] for name in between})
        self._tail = _listed({name: content[name] for name in content if name > "seed"})

    def of(self, trial: Trial, seeds: Sequence[int]) -> tuple[str, list[str]]:
        """Return the trial's key without its seed, and those with each of the seeds."""
        own = f'"hyperparameters":{canonical_json(dict(trial.hyperparameters))}'
        named = [f'"seed":{canonical_json(seed)}' for seed in seeds]
        return self._digest(own, ""), [self._digest(own, seed) for seed in named]

    def _digest(self, own: str, seed: str) -> str:
        parts = ",".join(part for part in (self._head, own, self._middle, seed, self._tail) if part)
        return hashlib.sha256(f"{{{parts}}}".encode()).hexdigest()


def _listed(content: Mapping[str, Any]) -> str:
    """Return what stands between the braces of canonical JSON."""
    return canonical_json(dict(content))[1:-1]


def _key_content(trial: Trial) -> dict[str, Any]:
    """Return all that decides the trial's numbers. What a later version of the project added is left out where it
    stands at its default: the trials of before keep their keys."""
    content = {**to_json(trial), "key_version": KEY_VERSION, "trainer_version": TRAINER_VERSION}
    content["recipe"] = recipe_content(trial.recipe)
    content["teacher"] = None if trial.teacher is None else teacher_content(trial.teacher)
    return _without_defaults(content, {"initial": "", "last_image": "alone", "norm_parts": 1})


def recipe_content(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe stands in keys, as plain JSON values."""
    return _without_defaults(dict(_spelt(recipe)), ADDED_TO_RECIPE)


def teacher_content(teacher: Teacher) -> dict[str, Any]:
    """Return what of a teacher stands in keys, as plain JSON values."""
    content = {**dataclasses.asdict(teacher), "mean": list(teacher.mean), "std": list(teacher.std)}
    del content["variant"]
    return _without_defaults(content, {"size": 0, "mean": [], "std": [], "weights": ""})


def teacher_name(teacher: Teacher) -> str:
    """Return what tells a teacher from every other one that answers differently."""
    return canonical_json(teacher_content(teacher))


def _without_defaults(content: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in defaults or value != defaults[name]}


_SINCE = "power"
"""The first field of a recipe that version 1 of the key did not have."""
_FIELDS = list(Recipe.model_fields)
ADDED_TO_RECIPE = {name: Recipe.model_fields[name].default for name in _FIELDS[_FIELDS.index(_SINCE) :]}
"""Fields of a recipe that keys hold only where they differ from these defaults."""
