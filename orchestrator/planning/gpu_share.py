"""How many trials share a GPU, by the memory that trials like them have taken."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep
from search_spaces.sweeps.blueprint import Blueprint

ROOM = 1.2
"""Times the largest peak: an allocator keeps more than is in use."""
CONTEXT_BYTES = 600 * 2**20
"""What a process takes on a GPU before its first tensor."""
MOST = 8
"""Trials on one GPU: more only wait for each other."""
STEPS_OF_RAY = 10_000
"""Ray counts ten-thousandths of a GPU."""

Kind = tuple[str, str, str, str, int, str]
"""Data set, student, teacher's network, method, batch size, precision: what a trial's memory depends on."""


def gpu_share(sweeps: Sequence[Sweep], ledger: Ledger, gpu: str, gpu_bytes: int) -> float:
    """Return what of a GPU one trial takes: a whole one unless every kind of trial that is left has been measured.

    A trial takes its own increase and what its process holds for all its trials: data, teachers.

    Args:
        gpu: its name; trials that ran elsewhere say nothing.
        gpu_bytes: its memory.
    """
    peaks: dict[Kind, int] = {}
    wanted = {_kind_searched(search.blueprint) for sweep in sweeps for search in sweep.searches}
    for line in _trials(sweeps, ledger):
        kind = _kind(line["spec"])
        if line["state"] == "COMPLETE" and line["device"] == gpu:
            peaks[kind] = max(peaks.get(kind, 0), int(line["peak"] or 0))
        if line["state"] != "COMPLETE" and json.loads(line["spec"])["role"] != "given":  # asked, never trained
            wanted.add(kind)
    return share(wanted, peaks, gpu_bytes)


def share(wanted: Iterable[Kind], peaks: Mapping[Kind, int], gpu_bytes: int) -> float:
    """Return the share of a GPU that has room for the largest of these kinds; 1 where one was never measured."""
    sizes = [peaks.get(kind, 0) for kind in wanted]
    if not sizes or not all(sizes) or gpu_bytes <= 0:
        return 1.0
    fitting = int(gpu_bytes // (ROOM * max(sizes) + CONTEXT_BYTES))
    return (STEPS_OF_RAY // max(1, min(MOST, fitting))) / STEPS_OF_RAY


def this_gpu() -> tuple[str, int]:
    """Return name and bytes of this machine's first CUDA device; nothing where it has none."""
    import torch

    if not torch.cuda.is_available():
        return "", 0
    properties = torch.cuda.get_device_properties(0)
    return properties.name, properties.total_memory


def _trials(sweeps: Sequence[Sweep], ledger: Ledger) -> Sequence[sqlite3.Row]:
    """Return the trials of the sweeps, and those of others that have ended."""
    names = [sweep.name for sweep in sweeps]
    return ledger.rows(
        "SELECT spec, state, json_extract(provenance, '$.device') AS device, "
        "json_extract(metrics, '$.peak_memory_bytes') "
        "+ ifnull(json_extract(metrics, '$.held_memory_bytes'), 0) AS peak FROM trial WHERE state = 'COMPLETE' "
        f"OR key IN (SELECT key FROM member WHERE sweep IN ({', '.join('?' * len(names))}))",
        *names,
    )


def _kind(spec: str) -> Kind:
    trial = json.loads(spec)
    teacher = trial["teacher"]["model"] if trial["teacher"] else ""
    recipe = trial["recipe"]
    return trial["dataset"], trial["student"], teacher, trial["method"], recipe["batch_size"], recipe["precision"]


def _kind_searched(blueprint: Blueprint) -> Kind:
    teacher = blueprint.teacher.model if blueprint.teacher else ""
    recipe = blueprint.recipe
    names = (blueprint.info.name, blueprint.student, teacher, blueprint.method.name)
    return *names, recipe.batch_size, recipe.precision
