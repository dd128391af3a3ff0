"""`doctor`: what there is on this machine and in this home, and what is wrong with it. Makes nothing."""

import contextlib
import dataclasses
import importlib.metadata
import json
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.display.progress import untold
from orchestrator.home.filesystem import filesystem_type, is_network
from orchestrator.home.home import HomeError, banks_folder, check_usable, check_writable, existing_part, lock_holder
from orchestrator.ledger.database import LedgerError
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import TrackingError, check_answers, tracking_uri
from orchestrator.optuna_studies.mirror import storage_url
from orchestrator.ray_tune.address import AUTO, cluster_address
from orchestrator.worker.worker import shared_data
from trainers.errors import RequestError
from trainers.machine import allowance
from trainers.texts.addresses import sqlite_file, without_password
from trainers.texts.counting import counted

LIBRARIES = ("torch", "torchvision", "timm", "ray", "optuna", "mlflow", "optuna-dashboard")
LITTLE_BYTES = 2 * 10**9
"""Less disk than this is worth a warning."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    text: str
    wrong: bool = False


def doctor(
    home: Path | str, storage: str | None = None, *, pictures: bool = False, address: str | None = None
) -> Iterator[Finding]:
    """Yield what is found, one thing after the other: versions, machine, home, driver, stores, nodes.

    Args:
        address: of a running Ray cluster, whose nodes are asked.
        storage: URL of the persistent Optuna storage; None takes the database in the home.
        pictures: look also for pictures that were changed since a sweep on them was accepted.
    """
    home = Path(home)
    yield Finding("versions", _versions())
    yield Finding("machine", f"{platform.platform()}, {allowance()}")
    yield Finding("gpus", _gpus())
    yield from _plugins()
    yield from _home(home)
    yield from _processes(home)
    yield from _ledger(home)
    yield _tracking(home)
    yield _storage(home, storage)
    if pictures and (home / "ledger.db").exists():
        yield from _pictures(home)
    if address is not None:
        yield from _nodes(address, home)


def _nodes(address: str, home: Path) -> Iterator[Finding]:
    from orchestrator.ray_tune.nodes.survey import survey, table_of

    try:
        found = survey(cluster_address(address) or AUTO, existing_part(home), shared_data())
    except (RequestError, OSError) as error:
        yield Finding("nodes", str(error), wrong=True)
        return
    lines = table_of(found).splitlines()
    yield Finding("nodes", "\n   ".join([f"{counted(len(found), 'node')} at {address}", *lines]))
    for node in found:
        for problem in node.problems():
            yield Finding("node", f"{node.name}: {problem}", wrong=True)


def _pictures(home: Path) -> Iterator[Finding]:
    from orchestrator.acceptance.changed_data import changed_pictures
    from search_spaces import restore

    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        for row in ledger.rows("SELECT name FROM sweep ORDER BY name"):
            accepted = ledger.sweep(row["name"])
            assert accepted is not None
            roots = json.loads(ledger.remembered("pictures root", row["name"]) or "{}")
            sweep = restore(accepted.resolved)
            sets = [dataclasses.replace(p, root=Path(roots[p.name])) for p in sweep.datasets if roots.get(p.name)]
            sweep = dataclasses.replace(sweep, datasets=tuple(sets))
            try:
                found = [line for _, line in changed_pictures([sweep], ledger)]
            except (OSError, ValueError) as error:
                found = [str(error)]
            for line in found or ["as they were when it was accepted"] * bool(sets):
                yield Finding("pictures", f"{row['name']}: {line}", wrong=bool(found))


def _versions() -> str:
    names = ("kdsweep", *LIBRARIES)
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {_version(name)}" for name in names)])


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _gpus() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    return ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def _plugins() -> Iterator[Finding]:
    from trainers import data, methods, model_names, own
    from trainers.models.own import lacks  # loads torch, which what comes after does, too

    others = [name for name in methods.names() if name not in methods.METHODS]
    if others:
        yield Finding("plug-ins", f"methods of other packages: {', '.join(others)}")
    for broken in methods.broken_plugins():
        yield Finding("plug-ins", str(broken), wrong=True)
    groups = (
        (own.NETWORKS, "networks", model_names.names(), lacks),
        (own.DATASETS, "data sets", data.names(), lambda factory: ""),
    )
    for group, what, ours, lacking in groups:
        broken_ones = list(own.broken_plugins(group, ours, lacking))
        if named := [name for name in own.offered(group) if not any(name in one.names for one in broken_ones)]:
            yield Finding("plug-ins", f"{what} of other packages: {', '.join(named)}")
        yield from (Finding("plug-ins", str(one), wrong=True) for one in broken_ones)


def _home(home: Path) -> Iterator[Finding]:
    try:
        check_writable(home)
    except HomeError as error:
        yield Finding("home", str(error), wrong=True)
        return
    existing = existing_part(home)
    free = shutil.disk_usage(existing).free
    kind = filesystem_type(existing) or "unknown file system"
    shared = ", shared over a network, or may be: the ledger is slower and safe" if is_network(existing) else ""
    state = "" if home.exists() else ", not there yet"
    yield Finding("home", f"{home}{state}: {kind}{shared}")
    yield Finding("disk", f"{free / 10**9:.1f} GB free", wrong=free < LITTLE_BYTES)
    banks = banks_folder(home)
    if banks != home / "banks":
        yield _banks(banks)


def _banks(folder: Path) -> Finding:
    """Return whether the folder of KDSWEEP_BANKS, which may be on another file system, can be used."""
    try:
        check_usable(folder)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        text = f"{folder} (KDSWEEP_BANKS) cannot be used: {reason}; the teacher runs in every step instead"
        return Finding("banks", text, wrong=True)
    return Finding("banks", f"{folder}: {filesystem_type(existing_part(folder)) or 'unknown file system'}")


def _processes(home: Path) -> Iterator[Finding]:
    holder = lock_holder(home)
    yield Finding("driver", "nobody works in this home" if holder is None else str(holder))
    if holder is None:
        from orchestrator.ray_tune.processes import left_behind

        left = [str(process.pid) for process in left_behind(home)]
        if left:
            text = f"processes of a driver that died are still there: {', '.join(left)}; the next run ends them"
            yield Finding("processes", text, wrong=True)


def _ledger(home: Path) -> Iterator[Finding]:
    path = home / "ledger.db"
    if not path.exists():
        yield Finding("ledger", "none yet")
        return
    try:
        with contextlib.closing(Ledger(path, check=True)) as ledger:
            states = ledger.rows("SELECT state, count(*) AS trials FROM trial GROUP BY state ORDER BY state")
            waiting = untold(ledger)
    except LedgerError as error:
        yield Finding("ledger", str(error), wrong=True)
        return
    yield Finding("ledger", "whole; trials: " + (", ".join(f"{r['trials']} {r['state']}" for r in states) or "none"))
    if waiting:
        text = ", ".join(f"{count} to {target}" for target, count in waiting.items())
        yield Finding("untold", f"{text}; run_sweep.py sync tells them", wrong=lock_holder(home) is None)


def _tracking(home: Path) -> Finding:
    uri = tracking_uri(home)
    try:
        check_answers(uri)
    except TrackingError as error:
        return Finding("tracking", str(error), wrong=True)
    return Finding("tracking", f"{without_password(uri)} answers{_not_yet(uri)}")


def _storage(home: Path, storage: str | None) -> Finding:
    from orchestrator.optuna_studies.mirror import check_storage

    url = storage_url(home, storage)
    try:
        if storage is not None or (home / "optuna.db").exists():
            check_storage(url, tracking_uri(home))
    except RequestError as error:
        return Finding("searches", str(error), wrong=True)
    return Finding("searches", f"{without_password(url)} answers{_not_yet(url)}")


def _not_yet(url: str) -> str:
    path = sqlite_file(url)
    return " (not there yet)" if path is not None and not path.exists() else ""
