"""The distillation methods, by the names of their papers. One file a method; `ls` is the list."""

import dataclasses
import difflib
import functools
from importlib.metadata import entry_points

from trainers.methods._base import (
    Choice,
    Hyperparameter,
    Linear,
    Log,
    Method,
    Needs,
    Problem,
    Range,
    Value,
)
from trainers.methods._built import BuiltMethod
from trainers.methods.ce import CE_METHOD
from trainers.methods.dkd import DKD_METHOD
from trainers.methods.gdkd import GDKD_METHOD
from trainers.methods.gdkd3 import GDKD3_METHOD
from trainers.methods.kd import KD_METHOD
from trainers.methods.standardize import standardize

__all__ = [
    "ALL",
    "METHODS",
    "BuiltMethod",
    "Choice",
    "Hyperparameter",
    "Linear",
    "Log",
    "Method",
    "Needs",
    "Problem",
    "Range",
    "build",
    "get",
    "methods",
    "names",
    "standardize",
]

ALL = (CE_METHOD, KD_METHOD, DKD_METHOD, GDKD_METHOD, GDKD3_METHOD)
METHODS = {method.name: method for method in ALL}
"""Our own methods by name; `methods()` has those of plug-ins too."""
PLUGINS = "kdsweep.methods"
"""Entry-point group; each entry resolves to a `Method`."""


@functools.cache
def methods() -> dict[str, Method]:
    """Return all methods by name, those of plug-ins after our own.

    Raises:
        ValueError: a plug-in gives something else than a Method, or takes a name that is taken.
    """
    found = dict(METHODS)
    for entry in entry_points(group=PLUGINS):
        method = entry.load()
        if not isinstance(method, Method):
            raise ValueError(f"plug-in {entry.value} gives no trainers.methods.Method")
        if method.name in found:
            raise ValueError(f"plug-in {entry.value} is named '{method.name}', as another method is")
        found[method.name] = method
    return found


def names() -> tuple[str, ...]:
    """Return the names of all methods."""
    return tuple(methods())


def get(name: str) -> Method:
    """Return a registry entry.

    Raises:
        ValueError: there is no such method; names the nearest one.
    """
    known = methods()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"unknown method '{name}'{hint} (all: run_sweep.py methods)")
    return known[name]


def build(name: str, **hyperparameters: Value) -> BuiltMethod:
    """Return a method that can be called: `(student, teacher, target, epoch) -> {"loss": …, parts}`.

    Hyperparameters that are not given have their paper's defaults.

    Raises:
        ValueError: there is no such method, or a value breaks its rule.
    """
    method = get(name)
    problems = method.problems(hyperparameters, None)
    if problems:
        raise ValueError("; ".join(f"{name}.{problem.name}: {problem.message}" for problem in problems))
    return BuiltMethod(method, dataclasses.asdict(method.hyperparameters(**hyperparameters)))
