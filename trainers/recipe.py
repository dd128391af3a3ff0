"""How a network is trained, apart from what it is taught: epochs, batches, optimiser, schedule, precision."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

Precision = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "cosine", "step"]
Optimizer = Literal["sgd", "adamw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    epochs: int
    """Passes over the training images; 1 or more."""
    batch_size: int
    """Images a step; the last batch of an epoch may be smaller."""
    optimizer: Optimizer = "sgd"
    learning_rate: float
    """Of the first step after the learning-rate warm-up."""
    momentum: float = 0.9
    """Of SGD; ignored by AdamW."""
    nesterov: bool = False
    weight_decay: float = 0.0
    """Applied to every parameter, as the KD literature does."""
    schedule: Schedule = "step"
    milestones: tuple[int, ...] = ()
    """Epochs after which a step schedule multiplies the learning rate by `gamma`; rising, below `epochs`."""
    gamma: float = 0.1
    lr_warmup_epochs: float = 0.0
    """Epochs over which the learning rate rises linearly from zero."""
    method_warmup_epochs: float = 0.0
    """Epochs over which a method with a warm-up ramps up its term, unless the sweep file sets `warmup_epochs`."""
    precision: Precision = "float32"
    """What the student's forward pass computes in; losses are float32 whatever it is."""

    def __post_init__(self) -> None:
        problems = recipe_problems(dataclasses.asdict(self))
        if problems:
            raise ValueError("; ".join(f"recipe.{name}: {text}" for name, text in problems))


def recipe_problems(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (field, what is wrong with it) for every rule that these recipe values break."""
    problems: list[tuple[str, str]] = []

    def must(name: str, holds: bool, rule: str) -> None:
        if not holds:
            problems.append((name, f"{rule}, got {values[name]!r}"))

    for name in ("epochs", "batch_size"):
        must(name, type(values[name]) is int and values[name] >= 1, "must be a whole number of at least 1")
    for name in ("learning_rate", "gamma"):
        must(name, _is_number(values[name]) and 0 < values[name] < math.inf, "must be a finite number above 0")
    for name in ("weight_decay", "lr_warmup_epochs", "method_warmup_epochs"):
        must(name, _is_number(values[name]) and 0 <= values[name] < math.inf, "must be a finite number of at least 0")
    must("momentum", _is_number(values["momentum"]) and 0 <= values["momentum"] < 1, "must lie in [0, 1)")
    must("nesterov", type(values["nesterov"]) is bool, "must be true or false")
    if values["nesterov"] is True and values["momentum"] == 0:
        problems.append(("nesterov", "needs a momentum above 0, got momentum 0"))
    for name, choices in (("optimizer", Optimizer), ("schedule", Schedule), ("precision", Precision)):
        must(name, values[name] in get_args(choices), f"must be one of {', '.join(get_args(choices))}")
    milestones = values["milestones"]
    whole = isinstance(milestones, tuple | list) and all(type(m) is int for m in milestones)
    rising = whole and list(milestones) == sorted(set(milestones))
    inside = rising and type(values["epochs"]) is int and all(0 < m < values["epochs"] for m in milestones)
    must("milestones", inside, "must be rising epochs between 1 and epochs - 1")
    return problems


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def compress(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe squeezed to `epochs`: milestones and warm-ups keep their share of the whole.

    Milestones that fall together become one drop with the smaller rate they would have reached; those that fall on
    the start or the end are left out.
    """
    share = epochs / recipe.epochs
    milestones = sorted({round(milestone * share) for milestone in recipe.milestones})
    return dataclasses.replace(
        recipe,
        epochs=epochs,
        milestones=tuple(m for m in milestones if 0 < m < epochs),
        lr_warmup_epochs=recipe.lr_warmup_epochs * share,
        method_warmup_epochs=recipe.method_warmup_epochs * share,
    )


def rungs(recipe: Recipe) -> tuple[int, ...]:
    """Return the epochs (1-based, after which a pruner may stop a run): the first epoch after each drop of the
    learning rate; half and three quarters of a smooth schedule. Never the last epoch, never before a first drop."""
    if recipe.schedule == "step" and recipe.milestones:
        epochs = {milestone + 1 for milestone in recipe.milestones}
    else:
        epochs = {math.ceil(recipe.epochs / 2), math.ceil(recipe.epochs * 3 / 4)}
    return tuple(sorted(epoch for epoch in epochs if 0 < epoch < recipe.epochs))


def learning_rate_at(recipe: Recipe, position: float) -> float:
    """Return the learning rate at `position`, in epochs from the start (2.5 is the middle of the third epoch)."""
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * min(position / recipe.epochs, 1.0)))
    elif recipe.schedule == "step":
        rate *= recipe.gamma ** sum(position >= milestone for milestone in recipe.milestones)
    if position < recipe.lr_warmup_epochs:
        rate *= position / recipe.lr_warmup_epochs
    return rate
