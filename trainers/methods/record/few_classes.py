"""Defaults on data sets of few classes: ranks that there are not become the last that there is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainers.methods.record.method import Hyperparameter


def fitted(fields: Sequence["Hyperparameter"], classes: int) -> dict[str, Any]:
    """Return the defaults that cannot be on so few classes, as they are taken there.

    A rank that must lie below the number of classes becomes classes − 1; in a list of ranks those that are too high
    become that one, which stands there once. A default for which that is too little is not here: the method's rules
    refuse it.
    """
    found: dict[str, Any] = {}
    for field in fields:
        if field.range is None or field.range.lt != "classes":
            continue
        given: tuple[Any, ...] = field.default if isinstance(field.default, tuple) else (field.default,)
        values: tuple[int, ...] = tuple(dict.fromkeys(min(rank, classes - 1) for rank in given))
        sound = not any(field.range.broken(rank, classes) for rank in values)
        if sound and values != given:
            found[field.name] = values if isinstance(field.default, tuple) else values[0]
    return found
