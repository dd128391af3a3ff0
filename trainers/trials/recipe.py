"""How a network is trained, apart from what it is taught: epochs, batches, optimiser, schedule, precision."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from trainers.texts.words import shown

Precision = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "cosine", "step", "poly"]
Optimizer = Literal["sgd", "adamw"]
Start = Literal["random", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    epochs: int
    """Passes over the training images, or stretches of `epoch_steps`; 1 or more."""
    batch_size: int
    """Images a step, 1 or more; the last batch of an epoch may be smaller, or one larger (trainers.trials.batches)."""
    optimizer: Optimizer = "sgd"
    """Stochastic gradient descent, or AdamW."""
    learning_rate: float
    """Of the first step after the learning-rate warm-up; above 0."""
    momentum: float = 0.9
    """Of SGD; at least 0, below 1."""
    nesterov: bool = False
    """Of SGD; needs a momentum above 0."""
    weight_decay: float = 0.0
    """Applied to every parameter, as the KD literature does, unless `decay_norms` is off."""
    schedule: Schedule = "step"
    """Of the learning rate."""
    milestones: tuple[int, ...] = ()
    """Epochs after which a step schedule multiplies the learning rate by `gamma`; rising, below `epochs`."""
    gamma: float = 0.1
    """Factor of each drop of a step schedule; above 0."""
    lr_warmup_epochs: float = 0.0
    """Epochs over which the learning rate rises linearly from zero; at least 0."""
    method_warmup_epochs: float = 0.0
    """Epochs over which a method with a warm-up ramps up its term, unless its row sets `warmup_epochs`."""
    precision: Precision = "float32"
    """What the student's forward pass computes in; losses are float32 whatever it is."""
    power: float = 0.9
    """Of a poly schedule: the learning rate falls as (1 - share of the training done) to this power, above 0."""
    min_learning_rate: float = 0.0
    """Where a cosine or poly schedule ends; at most the learning rate."""
    decay_norms: bool = True
    """Whether weight decay applies to biases and normalisation layers too; off leaves out all that have one dimension,
    and what a Transformer names itself."""
    epoch_steps: int = 0
    """Optimiser steps of an epoch, counted over the ends of passes; 0: an epoch is one pass over the images."""
    accumulate: int = 1
    """Batches whose gradients are averaged for one step of the optimiser."""
    clip_norm: float = 0.0
    """Largest norm of the gradient, over all parameters; larger ones are scaled down to it. 0: no bound."""
    label_smoothing: float = 0.0
    """Share of the target's probability that the cross-entropy spreads over all classes; below 1."""
    mixup: float = 0.0
    """Alpha of the Beta distribution that mixes each batch with itself reversed; 0: images stay apart."""
    ema_decay: float = 0.0
    """Decay a step of the moving average of the weights, which is then what is scored and kept; below 1, 0: none."""
    start: Start = "random"
    """What a network starts from: random weights, or those published for ImageNet with a new classifier."""
    compile: bool = False
    """Whether torch.compile fuses the student's training step: the first step takes a minute, later ones less than
    without. Of classifiers that learn from logits; others go on uncompiled. Rounds otherwise, so keys hold it."""

    def __post_init__(self) -> None:
        problems = recipe_problems(dataclasses.asdict(self))
        if problems:
            raise ValueError("; ".join(f"recipe.{name}: {text}" for name, text in problems))


RATES = ("learning_rate", "min_learning_rate")
NOT_BELOW_ZERO = (
    *("weight_decay", "lr_warmup_epochs", "method_warmup_epochs"),
    *("min_learning_rate", "clip_norm", "mixup"),
)
CHOICES: dict[str, Any] = {"optimizer": Optimizer, "schedule": Schedule, "precision": Precision, "start": Start}


def recipe_problems(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (field, what is wrong with it) for every rule that these recipe values break."""
    problems: list[tuple[str, str]] = []

    def must(name: str, holds: bool, rule: str) -> None:
        if not holds:
            problems.append((name, f"{rule}, got {shown(values[name])}"))

    for name, least in (("epochs", 1), ("batch_size", 1), ("accumulate", 1), ("epoch_steps", 0)):
        whole = type(values[name]) is int and values[name] >= least
        must(name, whole, f"must be a whole number of at least {least}")
    for name in ("learning_rate", "gamma", "power"):
        must(name, _is_number(values[name]) and 0 < values[name] < math.inf, "must be a finite number above 0")
    for name in NOT_BELOW_ZERO:
        must(name, _is_number(values[name]) and 0 <= values[name] < math.inf, "must be a finite number of at least 0")
    for name in ("momentum", "label_smoothing", "ema_decay"):
        must(name, _is_number(values[name]) and 0 <= values[name] < 1, "must lie in [0, 1)")
    for name in ("nesterov", "decay_norms", "compile"):
        must(name, type(values[name]) is bool, "must be true or false")
    if all(_is_number(values[n]) for n in RATES) and 0 < values["learning_rate"] < values["min_learning_rate"]:
        must("min_learning_rate", False, f"must be at most learning_rate ({values['learning_rate']})")
    if values["nesterov"] is True and values["momentum"] == 0:
        problems.append(("nesterov", "needs a momentum above 0, got momentum 0"))
    for name, choices in CHOICES.items():
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
    done = min(position / recipe.epochs, 1.0)
    if recipe.schedule == "cosine":
        least = recipe.min_learning_rate
        rate = least + (rate - least) * (0.5 * (1 + math.cos(math.pi * done)))
    elif recipe.schedule == "poly":
        rate = recipe.min_learning_rate + (rate - recipe.min_learning_rate) * (1 - done) ** recipe.power
    elif recipe.schedule == "step":
        rate *= recipe.gamma ** sum(position >= milestone for milestone in recipe.milestones)
    if position < recipe.lr_warmup_epochs:
        rate *= position / recipe.lr_warmup_epochs
    return rate
