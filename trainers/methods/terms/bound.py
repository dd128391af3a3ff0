"""Terms out of pure functions: a loss with its hyperparameters bound, and the parts that the log gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainers.late import Tensor
from trainers.methods.record.hyperparameters import SHARED
from trainers.methods.record.method import Term, Values, takes_labels
from trainers.methods.record.outputs import Output, TermValue
from trainers.methods.terms.groups import Comparison

Seen = Callable[[Output, Output], tuple[Any, Any]]
"""What is compared of all that student and teacher answered, where it is not the logits."""


def of_loss(name: str, loss: Callable[..., Tensor], seen: Seen | None = None) -> Term:
    """Return the term of a method that has a loss alone; the log gets it under the method's name."""
    bound = _bound(loss, seen)

    def term(values: Values, student: Any, teacher: Any, target: Tensor) -> TermValue:
        value: Tensor = bound(values, student, teacher, target)
        return value, {name: value.detach()}

    return term


def of_parts(parts: Callable[..., Sequence[Tensor]], factors: Mapping[str, str], seen: Seen | None = None) -> Term:
    """Return the term that is a sum of parts.

    Args:
        parts: returns them; takes the hyperparameters that are no factors.
        factors: by the name of each part in the log: the hyperparameter that it is multiplied by; empty: it counts as
            it is.
    """
    bound = _bound(parts, seen, without=factors.values())

    def term(values: Values, student: Any, teacher: Any, target: Tensor) -> TermValue:
        found = dict(zip(factors, bound(values, student, teacher, target), strict=True))
        first, *others = (values.get(factors[name], 1.0) * part for name, part in found.items())
        return sum(others, first), {name: part.detach() for name, part in found.items()}

    return term


def of_groups(compare: Callable[..., Comparison], inside: Sequence[int] = ()) -> Term:
    """Return the term that compares groups of classes.

    Args:
        inside: numbers of the groups, from 1, of which the log gets the KL inside; none: of all.
    """
    bound = _bound(compare, None)

    def term(values: Values, student: Tensor, teacher: Tensor, target: Tensor) -> TermValue:
        compared: Comparison = bound(values, student, teacher, target)
        within = compared.within
        told = {f"within_{i}": within[i - 1] for i in inside or range(1, len(within) + 1)}
        return compared.loss, {"between": compared.between, **told}

    return term


def _bound(function: Callable[..., Any], seen: Seen | None, without: Sequence[str] | Any = ()) -> Callable[..., Any]:
    """Return the function of (hyperparameters, student, teacher, target) that calls this one with the method's own
    hyperparameters, and with the targets where it takes three tensors."""
    labelled, left_out = takes_labels(function), {*SHARED, *without}

    def call(values: Values, student: Any, teacher: Any, target: Tensor) -> Any:
        own = {name: value for name, value in values.items() if name not in left_out}
        answers = (student, teacher) if seen is None else seen(student, teacher)
        return function(*answers, *([target] if labelled else []), **own)

    return call
