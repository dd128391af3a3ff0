"""Whether a training that ended without an error has come to nothing.

Its network guesses, or answers one class for nearly everything, or its loss has left the range it began in.

Plain counts and numbers in, a reason in words out. What cannot be told apart from a network that has learnt something,
for want of images, is not called collapsed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CURES = (
    "likely cures: a smaller learning_rate, clip_norm (5), longer warmup_epochs, searching weight; where few images "
    "make few steps, a smaller batch_size or more epochs"
)
"""What to try, in words."""

DOUBT = 0.01
"""A network is above chance where guessing would reach its score with less than this probability."""
MISSED = 0.05
"""And near chance where one that has learnt a little would score as low with less than this."""
NEAR_SHARE, NEAR_SKILL = 0.2, 0.02
"""Near chance is at most this much above it: a fifth of chance, or 2 of 100 images that guessing gets wrong."""
LITTLE_FACTOR, LITTLE_SKILL = 3.0, 0.2
"""A network that has learnt a little scores three times as much as guessing, or a fifth of what guessing gets wrong."""
NEARLY_ALL = 0.9
"""Share of the answers that makes one class the only one."""
FOUND = 0.2
"""And of the images of other classes at most this share is answered otherwise: few other answers are right where few
images are of other classes."""
FEWEST_OTHERS = 10
"""So many images of other classes there must be."""
LOSS_FACTOR = 2.0
"""The loss has left its range above this many times what it began with."""
TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a network answered where it was scored, counted."""

    labelled: Sequence[int]
    """By class: how many images, or pixels, are of it."""
    answered: Sequence[int]
    """By class: for how many it was the answer."""
    right: int
    """How many answers were right."""
    images: int
    """How many of them tell of one another nothing: images, where pixels were counted too."""
    among_top: int | None = None
    """For how many the right class was among the first five; None where that was not counted."""
    what: str = "images"
    """What was counted, for people."""

    @property
    def total(self) -> int:
        """Everything that was scored."""
        return sum(self.labelled)

    @property
    def chance(self) -> float:
        """The share that would be right by luck if the same answers were given to other images: 1 / classes where the
        classes are equally frequent, more where the answers follow the frequent ones."""
        pairs = zip(self.labelled, self.answered, strict=True)
        return sum(labelled * answered for labelled, answered in pairs) / self.total**2

    @property
    def top_chance(self) -> float:
        """The share of images that is of the five most frequent classes: what naming always those would get."""
        return sum(sorted(self.labelled, reverse=True)[:TOP]) / self.total


def collapse(answers: Answers | None, losses: "Losses | None" = None) -> str:
    """Return why a training is thought to have collapsed; empty where it is not.

    Args:
        answers: of the last scoring; None where nothing was scored.
        losses: what the training loss began and ended with; None where that is not known.
    """
    reasons = []
    if answers is not None and answers.total and len(answers.labelled) > 1:
        reasons += [one_class(answers) or guessing(answers)]
    if losses is not None:
        reasons += [losses.out_of_range()]
    return "; ".join(reason for reason in reasons if reason)


def guessing(answers: Answers) -> str:
    """Return that a network ends at or near chance; empty where it does not, or where too few images tell."""
    share, chance = answers.right / answers.total, answers.chance
    right = round(share * answers.images)
    little = min(LITTLE_FACTOR * chance, chance + LITTLE_SKILL * (1 - chance))
    if _at_most(right, answers.images, little) >= MISSED or _above(right, answers.images, chance):
        return ""
    if answers.among_top is not None and _above(answers.among_top, answers.images, answers.top_chance):
        return ""
    counted = f"{answers.total:,} {answers.what}"
    return f"{100 * share:.1f} % of {counted} are right, where guessing gets {100 * chance:.1f} %"


def one_class(answers: Answers) -> str:
    """Return that a network answers one class for nearly everything; empty where it does not, or where nearly all
    images are of that class."""
    most = max(answers.answered)
    place = list(answers.answered).index(most)
    others = answers.total - answers.labelled[place]
    alone = most >= NEARLY_ALL * answers.total and answers.total - most <= FOUND * others
    if others < FEWEST_OTHERS or not alone:
        return ""
    return f"it answers class {place} for {100 * most / answers.total:.4g} % of {answers.total:,} {answers.what}"


def _above(right: int, images: int, chance: float) -> bool:
    """Return whether guessing, and being near it, is not likely to get so many right."""
    near = chance + min(NEAR_SHARE * chance, NEAR_SKILL * (1 - chance))
    return 1 - _at_most(right - 1, images, near) < DOUBT


def _at_most(count: int, trials: int, chance: float) -> float:
    """Return the probability of at most `count` successes in so many independent trials."""
    if count < 0:
        return 0.0
    if count >= trials or chance <= 0:
        return 1.0
    if chance >= 1:
        return 0.0
    odds, whole = (math.log(chance), math.log1p(-chance)), math.lgamma(trials + 1)
    logs = (
        whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * odds[0] + (trials - k) * odds[1]
        for k in range(count + 1)
    )
    return min(1.0, math.fsum(math.exp(log) for log in logs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The training loss of the first and of the last epoch, as means over their images."""

    first: float
    """With the method at its whole weight, whatever it was warmed up to."""
    last: float
    cross_entropy: float | None
    """Of the last epoch; None where it is no part of what is minimised."""
    classes: int

    def out_of_range(self) -> str:
        """Return that the loss is where it would not be without having blown up; empty where it is not."""
        guess = math.log(self.classes) if self.classes > 1 else math.inf
        if self.cross_entropy is not None and self.cross_entropy > LOSS_FACTOR * guess:
            return (
                f"its cross-entropy in training ended at {self.cross_entropy:.3g}, {self.cross_entropy / guess:.2g} "
                f"times that of guessing ({guess:.3g})"
            )
        if self.first > 0 and self.last > LOSS_FACTOR * self.first:
            return f"its training loss went from {self.first:.3g} to {self.last:.3g}"
        return ""


def losses_of(
    history: Sequence[Mapping[str, float]],
    *,
    classes: int,
    ce_weight: float,
    warmup_epochs: Sequence[float],
    views: int = 1,
) -> Losses | None:
    """Return what the training loss began and ended with; None of fewer than one epoch.

    Args:
        history: `train_loss` and `ce` of every epoch.
        ce_weight: factor of the cross-entropy in the loss.
        warmup_epochs: of each of the method's terms. Where they differ, the first epoch's whole loss is not known, and
            the loss as it was stands for it.
        views: of each image, whose cross-entropies are added.
    """
    if not history:
        return None
    (warmup, *others) = [*set(warmup_epochs)] or [0.0]
    known = not others and all("ce" in values for values in (history[0], history[-1]))

    def whole(number: int) -> float:
        values = history[number - 1]
        loss = values["train_loss"]
        ramp = min(number / warmup, 1.0) if known and warmup > 0 else 1.0
        own = ce_weight * values["ce"] if ramp < 1 else 0.0
        return own + (loss - own) / ramp

    minimised = ce_weight > 0 and "ce" in history[-1]
    return Losses(
        first=whole(1),
        last=whole(len(history)),
        cross_entropy=history[-1]["ce"] / views if minimised else None,
        classes=classes,
    )
