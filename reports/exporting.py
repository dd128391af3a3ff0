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
    results: Results,
    files: Sequence[Path],
    folder: Path | str,
    *,
    home: Path | str | None = None,
    tracking_uri: str | None = None,
) -> list[str]:
    """Attach files that `write` has written into `folder` to the sweep's parent run, under `report/`; return its id.

    Of sweeps that a report file joins, each run gets them, under `report/NAME/`.

    Raises:
        StoreUnavailableError: the store does not take them.
    """
    uri = tracking_uri_of(home, tracking_uri)
    store = open_store(uri)
    sweeps = results.resolved.get("sweeps") or [results.name]
    place = PLACE if sweeps == [results.name] else f"{PLACE}/{results.name}"
    names = {f"{place}/{path.relative_to(folder).as_posix()}": path for path in files}
    file = sqlite_file(uri)
    moved_to = None if file is None else file.parent / "mlartifacts"  # where a home keeps artifacts
    runs = []
    for sweep in sweeps:
        parent = store.parent(sweep)
        if parent is None:
            raise UnknownSweepError(f"there is no sweep {sweep!r} in the tracking store any more")
        attach(parent, names, uri, moved_to)
        runs.append(parent.run_id)
    return runs
