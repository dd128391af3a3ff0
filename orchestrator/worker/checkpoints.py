"""The checkpoints of a trial's attempts: kept, looked for, read."""

import fnmatch
from pathlib import Path
from typing import Any

from trainers.files.passing import steadily
from trainers.files.store import Store

KEPT_BESIDE = 1
"""Checkpoints that stay beside the newest one, for the case that it cannot be read."""


def keep_checkpoint(epoch: Any, store: Store, key: str, stem: str) -> list[str]:
    """Write a checkpoint and remove older ones; return what went wrong: without one a trial loses time, no result.

    Args:
        epoch: what has been trained, a `trainers.training.distill.Epoch`.
        stem: what the files of the attempt have in their names.
    """
    from safetensors import SafetensorError

    folder = store.checkpoints(key)
    path = folder / f"epoch-{epoch.number:05d}.{stem}.safetensors"
    try:
        epoch.save(path)
        store.keep(path)
    except (OSError, SafetensorError) as error:
        return [f"no checkpoint of epoch {epoch.number} could be written: {error}"]
    try:
        older = [former for former in checkpoints(store, key) if former.name < path.name]
    except OSError as error:
        return [f"older checkpoints than that of epoch {epoch.number} cannot be removed: {error}"]
    for former in older[:-KEPT_BESIDE]:  # a worker that was thought lost must not remove what is newer than its own
        store.remove(former)
    return []


def checkpoints(store: Store, key: str) -> list[Path]:
    """Return the checkpoints of all attempts of a trial, the one with the most epochs last.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    folder = store.checkpoints(key)
    try:
        names = steadily(lambda: store.names(folder))
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(fnmatch.filter(names, "epoch-*.safetensors"))]


def readable_checkpoint(store: Store, key: str, warnings: list[str]) -> Path | None:
    """Return the newest checkpoint that can be read; None where there is none, or none can be, which joins the
    warnings."""
    try:
        found = checkpoints(store, key)
    except OSError as error:
        warnings.append(f"checkpoints cannot be looked for ({error}); the trial starts from the beginning")
        return None
    unreadable: list[str] = []
    for checkpoint in reversed(found):
        problem = _problem(store, checkpoint, key)
        if problem is None:
            instead = f"; the trial goes on from {checkpoint.name}"
            warnings += [f"{text}{instead}" for text in unreadable]
            return checkpoint
        unreadable.append(f"checkpoint {checkpoint.name} cannot be read ({problem})")
    warnings += [f"{text}; the trial starts from the beginning" for text in unreadable]
    return None


def _problem(store: Store, checkpoint: Path, key: str) -> str | None:
    from safetensors import SafetensorError

    from trainers.files.tensor_files import load_tensors

    try:
        _, metadata = load_tensors(store.fetched(checkpoint))
    except (OSError, SafetensorError, ValueError) as error:
        return str(error)
    return None if metadata.get("trial_key") == key else "it is of another trial"
