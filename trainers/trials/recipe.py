"""How a network is trained, apart from what it is taught: epochs, batches, optimiser, schedule, precision."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from trainers.texts.words import shown

Precision = Literal["float32", "bfloat16"]
Schedule = Literal["constant", "cosine", "step", "poly"]
Optimizer = Literal["sgd", "adamw", "dot"]
Start = Literal["random", "published"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said of a value that is not of the type of its field, or out of its range; the value follows."""

    text: str


RISING = "must be rising epochs between 1 and epochs - 1"
Count = Annotated[int, Field(ge=1), Rule("must be a whole number of at least 1")]
Above0 = Annotated[float, Field(gt=0), Rule("must be a finite number above 0")]
From0 = Annotated[float, Field(ge=0), Rule("must be a finite number of at least 0")]
Share = Annotated[float, Field(ge=0, lt=1), Rule("must lie in [0, 1)")]
Switch = Annotated[bool, Rule("must be true or false")]
Compile = bool | Literal["graph"]


class Recipe(BaseModel):
    """How a network is trained; every setting is told by the words under it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    epochs: Count
    """Passes over the training images, or stretches of `epoch_steps`; 1 or more."""
    batch_size: Count
    """Images a step, 1 or more; the last batch of an epoch may be smaller, or one larger (trainers.trials.batches)."""
    optimizer: Optimizer = "sgd"
    """Stochastic gradient descent, AdamW, or dot: SGD with a momentum for the labels' part of the loss and one for the
    teacher's, and a backward pass for each; SGD where there is no teacher."""
    learning_rate: Above0
    """Of the first step after the learning-rate warm-up; above 0."""
    momentum: Share = 0.9
    """Of SGD and dot; at least 0, below 1."""
    nesterov: Switch = False
    """Of SGD and dot; needs a momentum above 0."""
    weight_decay: From0 = 0.0
    """Applied to every parameter, as the KD literature does, unless `decay_norms` is off."""
    schedule: Schedule = "step"
    """Of the learning rate."""
    milestones: Annotated[tuple[int, ...], Field(strict=False), Rule(RISING)] = ()
    """Epochs after which a step schedule multiplies the learning rate by `gamma`; rising, below `epochs`."""
    gamma: Above0 = 0.1
    """Factor of each drop of a step schedule; above 0."""
    lr_warmup_epochs: From0 = 0.0
    """Epochs over which the learning rate rises linearly from zero; at least 0."""
    method_warmup_epochs: From0 = 0.0
    """Epochs over which a method with a warm-up ramps up its term, unless its row sets `warmup_epochs`."""
    precision: Precision = "float32"
    """What the student's forward pass computes in; losses are float32 whatever it is."""
    power: Above0 = 0.9
    """Of a poly schedule: the learning rate falls as (1 - share of the training done) to this power, above 0."""
    min_learning_rate: From0 = 0.0
    """Where a cosine or poly schedule ends; at most the learning rate."""
    decay_norms: Switch = True
    """Whether weight decay applies to biases and normalisation layers too; off leaves out all that have one dimension,
    and what a Transformer names itself."""
    epoch_steps: Annotated[int, Field(ge=0), Rule("must be a whole number of at least 0")] = 0
    """Optimiser steps of an epoch, counted over the ends of passes; 0: an epoch is one pass over the images."""
    accumulate: Count = 1
    """Batches whose gradients are averaged for one step of the optimiser."""
    clip_norm: From0 = 0.0
    """Largest norm of the gradient, over all parameters; larger ones are scaled down to it. 0: no bound."""
    label_smoothing: Share = 0.0
    """Share of the target's probability that the cross-entropy spreads over all classes; below 1."""
    mixup: From0 = 0.0
    """Alpha of the Beta distribution that mixes each batch with itself reversed; 0: images stay apart."""
    ema_decay: Share = 0.0
    """Decay a step of the moving average of the weights, which is then what is scored and kept; below 1, 0: none."""
    start: Start = "random"
    """What a network starts from: random weights, or those published for ImageNet with a new classifier."""
    compile: Annotated[Compile, Rule("must be off, on or graph")] = False
    """on: torch.compile fuses the student's forward and backward pass; the first step takes a minute, later ones less
    than without. graph: one CUDA graph makes the whole step, on a GPU; was never run. Of classifiers that learn from
    logits; others go on as without. Rounds otherwise, so keys hold it."""

    dot_delta: From0 = 0.075
    """Of dot: the momentum of the labels' part is so much less than `momentum`, the teacher's so much more; both must
    lie in [0, 1)."""

    @field_validator("nesterov")
    @classmethod
    def _has_momentum(cls, nesterov: bool, info: ValidationInfo) -> bool:
        if nesterov and info.data.get("momentum") == 0:
            raise ValueError("needs a momentum above 0, got momentum 0")
        return nesterov

    @field_validator("dot_delta")
    @classmethod
    def _within(cls, delta: float, info: ValidationInfo) -> float:
        momentum = info.data.get("momentum", 0.0)
        if info.data.get("optimizer") == "dot" and not delta <= momentum < 1 - delta:
            raise ValueError(f"must leave momentum ± dot_delta in [0, 1), got {momentum:g} ± {delta:g}")
        return delta

    @field_validator("milestones")
    @classmethod
    def _rise(cls, milestones: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        epochs = info.data.get("epochs")  # without any no milestone can be right
        if epochs is not None and (0, *milestones, epochs) != tuple(sorted({0, *milestones, epochs})):
            raise ValueError(f"{RISING}, got {shown(milestones)}")
        return milestones

    @field_validator("min_learning_rate")
    @classmethod
    def _falls(cls, least: float, info: ValidationInfo) -> float:
        if least > (rate := info.data.get("learning_rate", math.inf)):
            raise ValueError(f"must be at most learning_rate ({rate}), got {shown(least)}")
        return least

    def replaced(self, **changes: Any) -> Self:
        """Return the recipe with other values, held to the rules as pydantic's `model_copy` would not."""
        return type(self)(**{**dict(self), **changes})


def recipe_problems(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (field, what is wrong with it) for every rule that these recipe values break."""
    try:
        Recipe(**values)
    except ValidationError as error:
        found = {str(one["loc"][0]): one for one in error.errors(include_url=False)}
        return [(name, _told(name, one, values[name])) for name, one in found.items()]
    return []


def _told(name: str, error: ErrorDetails, value: object) -> str:
    if error["type"] == "value_error":  # one of our own rules, which has the value
        return str(error["ctx"]["error"])
    field = Recipe.model_fields[name]
    rules = [one.text for one in field.metadata if isinstance(one, Rule)]
    rule = rules[0] if rules else f"must be one of {', '.join(get_args(field.annotation))}"
    given = float(value) if field.annotation is float and type(value) is int else value
    return f"{rule}, got {shown(given)}"


def compress(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe squeezed to `epochs`: milestones and warm-ups keep their share of the whole.

    Milestones that fall together become one drop with the smaller rate they would have reached; those that fall on
    the start or the end are left out.
    """
    share = epochs / recipe.epochs
    milestones = sorted({round(milestone * share) for milestone in recipe.milestones})
    return recipe.replaced(
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
