"""`auto` becomes a value once, from a table: what the device can do, how large a data set is."""

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, get_args

from search_spaces.checks.facts import Facts, logit_type
from search_spaces.files.schema import SweepModel
from trainers.data.view_sets import view_set
from trainers.trials.recipe import Precision

Capability = tuple[int, int]
BFLOAT16_FROM: Capability = (8, 0)
"""Compute capability from which a CUDA device multiplies in bfloat16."""

TOGETHER = 8
"""Students that share each batch of pictures (docs/performance.md); on a GPU it was never run."""

BFLOAT16_PIXELS = 32
"""Height of images from which a CPU with bfloat16 instructions gains by them."""
BFLOAT16_FAMILIES = ("cifar_resnet*", "cifar_wrn_*", "cifar_vgg*", "resnet*")
"""timm's names of the networks that do: a step took half the time on such a CPU, where one of MobileNetV2 or
ShuffleNetV2, whose convolutions see one channel at a time, took longer (docs/performance.md). Others were not
measured."""


def decide(
    model: SweepModel,
    facts: Facts,
    given: Mapping[str, Any],
    capability: Callable[[], Capability | None],
    cpu_bfloat16: Callable[[], bool],
) -> dict[str, Any]:
    """Return a value for everything that the sweep file leaves open; what `given` has decided stays so.

    Raises:
        ValueError: `given` has a value that is none of those possible.
    """
    types = given.get("logit_type", {})
    gpus = model.resources.gpus
    if gpus is None:
        there = given["gpus"] if "gpus" in given else float(capability() is not None)
        gpus = float(model.resources.ranks or 1) if there else there
    decided: dict[str, Any] = {
        "gpus": gpus,
        "precision": _precision(model, facts, given, gpus, capability, cpu_bfloat16),
        "together": given.get("together", 1) if given else _together(facts, gpus),
        "logit_type": {name: types.get(name) or logit_type(info) for name, info in facts.datasets.items()},
    }
    if decided["precision"] not in get_args(Precision):
        raise ValueError(f"autos.precision must be one of {get_args(Precision)}, got {decided['precision']!r}")
    return decided


def _together(facts: Facts, gpus: float) -> int:
    """Return how many students share reading and teaching: where a view costs something to make."""
    costly = any(view_set(info.view_set).enumerated is None for info in facts.datasets.values())
    return TOGETHER if costly and gpus == 0 else 1


def _precision(
    model: SweepModel,
    facts: Facts,
    given: Mapping[str, Any],
    gpus: float,
    capability: Callable[[], Capability | None],
    cpu_bfloat16: Callable[[], bool],
) -> Any:
    if model.precision != "auto":
        return model.precision
    if "precision" in given:
        return given["precision"]
    if gpus == 0:  # trains on the CPU, whatever else the machine has
        return "bfloat16" if _gains_on_cpu(facts) and cpu_bfloat16() else "float32"
    device = capability()
    return "bfloat16" if device is not None and device >= BFLOAT16_FROM else "float32"


def _gains_on_cpu(facts: Facts) -> bool:
    """Return whether all networks of a sweep train faster in bfloat16 on a CPU that has it."""
    networks = {name for models in facts.models.values() for name in models.values()}
    known = all(any(fnmatch.fnmatchcase(name, family) for family in BFLOAT16_FAMILIES) for name in networks)
    return known and all(info.size >= BFLOAT16_PIXELS for info in facts.datasets.values())
