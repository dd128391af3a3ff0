"""What a factory of somebody's own is called with, looked at before it is called."""

import inspect
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from trainers.own.code import Code, OwnCodeError
from trainers.texts.nearest import hint
from trainers.texts.words import line_of, shown


def parameters_of(code: Code) -> Mapping[str, inspect.Parameter]:
    """Return what a factory takes.

    Raises:
        OwnCodeError: it cannot be loaded, or called.
    """
    try:
        return inspect.signature(code.load()).parameters
    except OwnCodeError:
        raise
    except (TypeError, ValueError) as error:
        raise OwnCodeError(f"{code} cannot be called: {line_of(str(error))}") from None


def takes(parameters: Mapping[str, inspect.Parameter], name: str) -> bool:
    """Return whether what has these parameters can be called with a keyword."""
    named = parameters.get(name)
    if named is not None:
        return named.kind in (named.KEYWORD_ONLY, named.POSITIONAL_OR_KEYWORD)
    return any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def argument_problems(
    code: Code, arguments: Mapping[str, Any], set_for_it: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield (argument, what is wrong with it) for those that a factory does not take; an empty name is the factory's.

    Args:
        set_for_it: that the data set decides.

    Raises:
        OwnCodeError: it cannot be loaded.
    """
    parameters = parameters_of(code)
    free = [name for name, one in parameters.items() if name not in set_for_it and takes(parameters, name)]
    for name in arguments:
        if not takes(parameters, name):
            yield name, f"{code} does not take it{hint(name, free) or f' (it takes: {_listed(free)})'}"
    for name in free:
        one = parameters[name]
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD and name not in arguments:
            yield "", f"{code} needs {name}, which has no default"


def value_problems(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield arguments that no key could hold."""
    plain = (bool, int, float, str)
    for name, value in arguments.items():
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(one, plain) for one in items):
            yield name, f"must be a number, a text, on or off, or a list of such, got {shown(value)}"
        elif not all(math.isfinite(one) for one in items if isinstance(one, float)):
            yield name, f"must be finite, got {shown(value)}"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing else"
