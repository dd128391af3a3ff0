"""How many trials share a GPU, by the memory that trials like them have taken, or take in a step that tries it."""

import contextlib
import json
import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep
from trainers import methods
from trainers.trials.trial import ADDED_TO_RECIPE, canonical_json, to_json

ROOT = Path(__file__).parents[2]
"""In which a process that measures finds the project."""

PROBE_SECONDS, POLL_SECONDS = 600.0, 0.2
ROOM = 1.2
"""Times the largest peak: an allocator keeps more than is in use."""
CONTEXT_BYTES = 600 * 2**20
"""What a process takes on a GPU before its first tensor."""
MOST = 8
"""Trials on one GPU: more only wait for each other."""
STEPS_OF_RAY = 10_000
"""Ray counts ten-thousandths of a GPU."""

Kind = str
"""What a trial's memory depends on, as JSON: see `_kind`."""
Probe = Mapping[str, Any]
"""A trial as plain JSON values, `data_root`, the folder with its data, and `own`, the code of people's own."""

log = logging.getLogger("kdsweep")


def probed(trials: Sequence[Probe], given_up: Callable[[], bool] = lambda: False) -> list[int]:
    """Return the bytes that trials take on this machine's first CUDA device, by a step of each in a process that ends;
    0 where that is not known. Was never run on a GPU.

    Args:
        given_up: asked several times a second whether to wait no longer.
    """
    command = [sys.executable, "-m", "orchestrator.worker.probe", "cuda"]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(  # noqa: S603 (our own)
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        said, trouble = _followed(process, json.dumps(trials), given_up)
    if process.returncode:
        log.warning("memory could not be measured, a trial gets a whole GPU: %s", trouble.strip()[-500:])
        return unmeasured(trials)
    found: list[int] = json.loads(said.splitlines()[-1])
    return found


def _followed(process: "subprocess.Popen[str]", text: str, given_up: Callable[[], bool]) -> tuple[str, str]:
    """Return what a process prints that is told a text; one that nobody waits for, or for too long, is ended."""
    ends = time.monotonic() + PROBE_SECONDS
    while True:
        try:
            return process.communicate(text, timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if given_up() or time.monotonic() >= ends:
                process.kill()


def unmeasured(trials: Sequence[Probe]) -> list[int]:
    """Stand for `probed` where this machine has not the GPU that is meant."""
    return [0] * len(trials)


def gpu_share(
    sweeps: Sequence[Sweep],
    ledger: Ledger,
    gpu: str,
    gpu_bytes: int,
    measure: Callable[[Sequence[Probe]], Sequence[int]] = probed,
) -> float:
    """Return what of a GPU one worker takes: a whole one unless it is known what each kind of trial that is left takes.

    A trial takes its own increase and what its process holds for all its trials: data, teachers. A worker takes that as
    often as it trains trials in step.

    Args:
        gpu: its name; trials that ran elsewhere say nothing.
        gpu_bytes: its memory; 0 where there is none here.
        measure: returns the bytes of trials; asked for one of each kind that has not ended before.
    """
    if gpu_bytes <= 0:
        return 1.0
    peaks: dict[Kind, int] = {}
    wanted = {_kind(spec): spec for sweep in sweeps for spec in _searched(sweep)}
    for line in _trials(sweeps, ledger):
        spec = json.loads(line["spec"])
        kind = _kind(spec)
        if line["state"] == "COMPLETE" and line["device"] == gpu:
            peaks[kind] = max(peaks.get(kind, 0), int(line["peak"] or 0))
        if line["state"] != "COMPLETE" and spec["role"] != "given":  # asked, never trained
            wanted[kind] = spec
    roots = {plan.name: plan.root for sweep in sweeps for plan in sweep.datasets}
    new = {kind: spec for kind, spec in wanted.items() if not peaks.get(kind)}
    if new:
        named = {name: None if root is None else str(root.absolute()) for name, root in roots.items()}
        own = {name: code for sweep in sweeps for name, code in sweep.own.items()}
        asked = [{"trial": spec, "data_root": named.get(spec["dataset"]), "own": own} for spec in new.values()]
        peaks |= dict(zip(new, measure(asked), strict=True))
    return share(wanted, peaks, gpu_bytes, max(sweep.resources.together for sweep in sweeps))


def share(wanted: Iterable[Kind], peaks: Mapping[Kind, int], gpu_bytes: int, together: int = 1) -> float:
    """Return the share of a GPU that has room for the largest of these kinds, as often as they are trained together; 1
    where one was never measured."""
    sizes = [peaks.get(kind, 0) for kind in wanted]
    if not sizes or not all(sizes) or gpu_bytes <= 0:
        return 1.0
    fitting = int(gpu_bytes // (ROOM * max(sizes) * together + CONTEXT_BYTES))
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


def _searched(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """Yield a trial of each search, at the low ends of its ranges; none where these do not go together."""
    for search in sweep.searches:
        low = {dimension.name: dimension.starts[0] for dimension in search.dimensions}
        with contextlib.suppress(ValueError):
            yield to_json(search.blueprint.trial(low, split="search", epochs=search.recipe.epochs))


SIZES = ("batch_size", "precision", "optimizer", "compile")
SWITCHES = ("ema_decay", "mixup")
"""Settings of a recipe that memory depends on: by their values, and by whether they are on."""


def _kind(spec: Mapping[str, Any]) -> Kind:
    teacher = spec["teacher"]
    recipe = {**ADDED_TO_RECIPE, **spec["recipe"]}
    networks = [spec["student"], spec["student_args"]]
    networks += [] if teacher is None else [teacher["model"], teacher["model_args"], teacher["precision"]]
    networks += [] if teacher is None else [teacher.get("size", 0)]
    seen = [spec["dataset"], spec["view_set"], spec["method"], *networks]
    how = [recipe[name] for name in SIZES] + [bool(recipe[name]) for name in SWITCHES]
    strong = methods.get(spec["method"]).sees_strong(spec["hyperparameters"])
    return canonical_json([*seen, *how, recipe["accumulate"] > 1, strong])
