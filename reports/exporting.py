"""Puts a report beside the results that it was made from, in the tracking store; and, asked for, networks."""

from collections.abc import Sequence
from pathlib import Path

from reports.board.numbers import plain
from reports.errors import ReportError, UnknownSweepError
from reports.results.loading import home_folder, tracking_uri_of
from reports.results.models import Trained, find
from reports.results.results import Results
from reports.results.states import TEACHER
from reports.stores import open_store
from reports.stores.artifacts import attach
from reports.stores.models import logged_model
from trainers.files.store import Store
from trainers.texts.addresses import sqlite_file

PLACE = "report"
PICKLES = (
    "networks are logged as pickles: whoever loads one runs what is in it, so load those of people you trust; "
    "kdsweep itself keeps weights as safetensors"
)


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


def export_models(
    results: Results, *, home: Path | str | None = None, tracking_uri: str | None = None
) -> dict[str, str]:
    """Log the winners with `mlflow.pytorch` and a signature, and return MLflow's address of each by its name: of every
    pair a student of the best row, of the lowest seed, and the teacher. Those that are logged already stay.

    They become pickles: see `PICKLES`.

    Raises:
        ReportError: there is no winner yet, or weights are not in the home.
    """
    from reports.board.board import build

    board, found = build(results), dict[str, Trained]()
    for cell, leader in zip(board.cells, board.leaders, strict=True):
        if leader is not None:
            line = board.lines[leader]
            seed = min(line.scores[board.cells.index(cell)].by_seed)
            found[plain(f"{line.row.label} seed={seed} {cell.id}")] = find(results, line.row.label, cell.id, seed)
            found[plain(f"teacher {cell.dataset} {cell.teacher}")] = find(results, TEACHER, cell.id)
    if not found:
        raise ReportError(f"no row of {results.name} has a mean yet, so there is no network to log")
    uri = tracking_uri_of(home, tracking_uri)
    parent = open_store(uri).parent(results.name)
    if parent is None:
        raise UnknownSweepError(f"there is no sweep {results.name!r} in the tracking store any more")
    store = Store(home_folder(home))
    return {name: _logged(one, name, one.run_id or parent.run_id, store, uri) for name, one in found.items()}


def _logged(one: Trained, name: str, run_id: str, store: Store, uri: str) -> str:
    """Return the address of a network in MLflow, once it is there."""
    pixels = (-1, -1) if one.info.task == "segmentation" else ()
    shapes = (-1, one.info.channels, *one.size), (-1, one.info.classes, *pixels)
    return logged_model(uri, run_id, name.replace(".", "_"), one.key, lambda: one.load(store), *shapes)
