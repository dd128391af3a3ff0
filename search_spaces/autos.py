"""`auto` becomes a value once, from a table: what the device can do, how large a data set is."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from search_spaces.facts import Facts, logit_type
from search_spaces.schema import SweepModel
from trainers.recipe import Precision

Capability = tuple[int, int]
BFLOAT16_FROM: Capability = (8, 0)
"""Compute capability from which a CUDA device multiplies in bfloat16."""


def decide(
    model: SweepModel, facts: Facts, given: Mapping[str, Any], capability: Callable[[], Capability | None]
) -> dict[str, Any]:
    """Return a value for everything that the sweep file leaves open; what `given` has decided stays so.

    Raises:
        ValueError: `given` has a value that is none of those possible.
    """
    types = given.get("logit_type", {})
    decided: dict[str, Any] = {
        "precision": _precision(model, given, capability),
        "logit_type": {name: types.get(name) or logit_type(info) for name, info in facts.datasets.items()},
    }
    if decided["precision"] not in get_args(Precision):
        raise ValueError(f"autos.precision must be one of {get_args(Precision)}, got {decided['precision']!r}")
    return decided


def _precision(model: SweepModel, given: Mapping[str, Any], capability: Callable[[], Capability | None]) -> Any:
    if model.precision != "auto":
        return model.precision
    if "precision" in given:
        return given["precision"]
    if model.resources.gpus == 0:  # trains on the CPU, whatever else the machine has
        return "float32"
    device = capability()
    return "bfloat16" if device is not None and device >= BFLOAT16_FROM else "float32"
