"""Puts a report that was written beside the results that it was made from: among the artifacts of the sweep's run."""

from collections.abc import Sequence
from pathlib import Path

from reports.errors import UnknownSweepError
from reports.results.loading import tracking_uri_of
from reports.results.results import Results
from reports.stores import open_store
from reports.stores.artifacts import attach
from trainers.texts.addresses import sqlite_file

PLACE = "report"


def export(
    results: Results, files: Sequence[Path], folder: Path, *, home: Path | None = None, tracking_uri: str | None = None
) -> list[str]:
    """Attach the files of a report to the parent run of its sweep (see `reports.export`)."""
    uri = tracking_uri_of(home, tracking_uri)
    store = open_store(uri)
    sweeps = results.resolved.get("sweeps") or [results.name]
    place = PLACE if sweeps == [results.name] else f"{PLACE}/{results.name}"
    names = {f"{place}/{path.relative_to(folder).as_posix()}": path for path in files}
    moved_to = _beside(uri)
    runs = []
    for sweep in sweeps:
        parent = store.parent(sweep)
        if parent is None:
            raise UnknownSweepError(f"there is no sweep {sweep!r} in the tracking store any more")
        attach(parent, names, uri, moved_to)
        runs.append(parent.run_id)
    return runs


def _beside(uri: str) -> Path | None:
    """Return where a home keeps artifacts, of a database that is a file in it."""
    path = sqlite_file(uri)
    return None if path is None else path.parent / "mlartifacts"
