"""Several methods in one training: one cross-entropy, and the term of each with its own weight and warm-up."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from trainers.methods.record.hyperparameters import Labelled
from trainers.methods.record.method import Method, Needs, Problem, Values, of_part, one_momentum, one_view

SIGN = "+"
"""Between the names of the methods in the name of a combination."""
VERSIONS = 1000
"""Base of the numbers that the versions of the methods are digits of."""


def combine(parts: Sequence[Method]) -> Method:
    """Return the method that adds the terms of these.

    Raises:
        ValueError: there are not two or more, one is there twice, or one has no term.
    """
    names = [part.name for part in parts]
    if len(parts) < 2 or len(set(names)) != len(names):
        raise ValueError(f"a combination must be of two or more methods, each once, got {', '.join(names) or 'none'}")
    for part in parts:
        if not part.teacher or part.parts:
            raise ValueError(f"'{part.name}' cannot be combined with others: it has no term of its own")
        if part.network is not None:
            raise ValueError(f"'{part.name}' cannot be combined with others: it trains another network than they")
        if part.momenta is not one_momentum:
            raise ValueError(
                f"'{part.name}' cannot be combined with others: parts of its loss have momenta of their own"
            )
    features = any(part.needs is Needs.FEATURES for part in parts)
    return Method(
        name=SIGN.join(names),
        version=sum(part.version * VERSIONS**i for i, part in enumerate(parts)),
        hyperparameters=Labelled,
        needs=Needs.FEATURES if features else Needs.LOGITS,
        summary=" and ".join(f"({part.summary})" for part in parts),
        source=", ".join(dict.fromkeys(part.source for part in parts)),
        kind="combined",
        dead=lambda values, classes: _dead(parts, values, classes),
        settle=lambda values, classes: _settled(parts, values, classes),
        rules=lambda values, classes: _rules(parts, values, classes),
        strong_view=_strong_view(parts),
        later=tuple(f"{part.name}.{name}" for part in parts for name in part.later),
        inference="; ".join(part.inference for part in parts if part.inference),
        parts=tuple(parts),
    )


def _strong_view(parts: Sequence[Method]) -> Callable[[Values], bool]:
    if all(part.strong_view is one_view for part in parts):
        return one_view
    return lambda values: any(part.strong_view(of_part(part, values)) for part in parts)


def _dead(parts: Sequence[Method], values: Values, classes: int) -> Collection[str]:
    return [f"{part.name}.{name}" for part in parts for name in part.dead(of_part(part, values), classes)]


def _settled(parts: Sequence[Method], values: Values, classes: int) -> dict[str, Any]:
    return {
        f"{part.name}.{name}": value
        for part in parts
        for name, value in part.settle(of_part(part, values), classes).items()
    }


def _rules(parts: Sequence[Method], values: Values, classes: int | None) -> Sequence[Problem]:
    return [
        Problem(f"{part.name}.{problem.name}", problem.message)
        for part in parts
        for problem in part.rules(of_part(part, values), classes)
    ]
