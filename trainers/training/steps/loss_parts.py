"""Which parts of a loss have a momentum, and a backward pass, each for itself."""

from dataclasses import dataclass

from trainers.methods import Method
from trainers.methods.record.method import Values
from trainers.trials.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the loss."""

    name: str
    momentum: float
    decays: bool = False
    """Weight decay is added to its gradient, at the weights that the parts before it have left."""


def loss_parts(recipe: Recipe, method: Method, values: Values) -> tuple[Part, ...]:
    """Return the parts in the order in which they move the weights; none: the loss is one.

    By DOT the labels' part, and the teacher's with the greater momentum. A method's own parts go before these.
    """
    if recipe.optimizer == "adamw" or not method.teacher:
        return ()
    base, delta = recipe.momentum, recipe.dot_delta
    own = method.momenta(values)
    if own:
        return tuple(Part(one.part, base + one.delta, one.decays) for one in own)
    if recipe.optimizer == "dot":
        return (Part("task", base - delta, decays=True), Part("term", base + delta))
    return ()
