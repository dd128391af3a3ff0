"""From a sweep's name to its results: the store, the parent run, its members, their runs, one line each."""

import csv
import difflib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from reports.errors import StoreUnavailableError, UnknownSweepError
from reports.results import predictions
from reports.results.results import MEMBER_COLUMNS, TRIAL_COLUMNS, Results
from reports.results.sweep import Cell, read_cells
from reports.stores import METHOD_PREFIX, METRICS, RunRecord, Store, open_store
from trainers.texts.addresses import sqlite_url, without_password

Member = dict[str, str]


def load(name: str, *, home: Path | str | None = None, tracking_uri: str | None = None) -> Results:
    """Return what the tracking store holds of one sweep (see `joining.load`)."""
    uri = tracking_uri_of(home, tracking_uri)
    store = open_store(uri)
    parent = store.parent(name)
    if parent is None:
        raise UnknownSweepError(_not_found(name, store.sweeps()))
    members = read_members(store.artifact(parent, "members.csv"))
    resolved = yaml.load(store.artifact(parent, "resolved.yaml"), Loader=_SAFE_LOADER)  # noqa: S506
    if not isinstance(resolved, Mapping):
        raise StoreUnavailableError(f"resolved.yaml of run {parent.run_id} holds no mapping")
    runs = find_runs(store, members, parent.experiment_id)
    named = read_cells(resolved, (member["cell"] for member in members if member["phase"] != "teacher"))
    cells = {cell.id: cell for cell in named}
    lines = [_line(member, runs.get(member["trial_key"]), cells) for member in members]
    return Results(
        name,
        _member_frame(members),
        _trial_frame(lines),
        resolved,
        runs,
        store.curves,
        home_folder(home),
        predictions.read(home_folder(home), members),
        mlflow=pages_at(uri),
    )


def load_home(name: str, home: Path | str) -> Results:
    """Return what the database in another home holds of a sweep, whatever `MLFLOW_TRACKING_URI` says.

    Raises:
        UnknownSweepError: no such sweep.
        StoreUnavailableError: no such home.
    """
    return load(name, tracking_uri=database_in(home))


_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one reads a large sweep ten times faster


def tracking_uri_of(home: Path | str | None, tracking_uri: str | None = None) -> str:
    """Return where results are: as given, else `MLFLOW_TRACKING_URI`, else the database in the home."""
    return tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or database_in(home)


def pages_at(tracking_uri: str) -> str:
    """Return where MLflow shows its runs to people; empty where nothing does, as of a database."""
    return without_password(tracking_uri).rstrip("/") if tracking_uri.startswith(("http://", "https://")) else ""


def database_in(home: Path | str | None) -> str:
    """Return the URI of a home's own database."""
    return sqlite_url(home_folder(home) / "mlflow.db")


def home_folder(home: Path | str | None) -> Path:
    """Return the home as given, else `KDSWEEP_HOME`, else ./kdsweep_home; absolute."""
    return Path(home or os.environ.get("KDSWEEP_HOME") or "kdsweep_home").absolute()


def _not_found(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no sweep {name!r} in the tracking store; did you mean {near[0]!r}?"
    shown = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
    return f"there is no sweep {name!r} in the tracking store; it holds {shown or 'none yet'}"


def read_members(text: str) -> list[Member]:
    """Return the lines of members.csv in their order, each once: a search may propose one trial several times."""
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in MEMBER_COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise StoreUnavailableError(f"members.csv lacks {', '.join(missing)}; was it written by another version?")
    seen: dict[tuple[str, ...], Member] = {}
    for line in reader:
        identity = tuple(line[column] or "" for column in ("cell", "row", "phase", "rank", "seed", "trial_key"))
        seen.setdefault(identity, {column: line[column] or "" for column in MEMBER_COLUMNS})
    return list(seen.values())


def find_runs(store: Store, members: Sequence[Member], experiment_id: str) -> dict[str, RunRecord]:
    """Return the run of each trial key that has one: by its run id where members.csv knows it, else by its tag."""
    by_id = store.runs({member["run_id"] for member in members if member["run_id"]})
    found = {m["trial_key"]: by_id[m["run_id"]] for m in members if m["run_id"] in by_id}
    unknown = {member["trial_key"] for member in members} - found.keys()
    return found | store.by_trial_key(unknown, experiment_id)


def _line(member: Member, run: RunRecord | None, cells: Mapping[str, Cell]) -> dict[str, Any]:
    """Return the member's line of `Results.trials`."""
    params: Mapping[str, str] = {} if run is None else run.params
    tags: Mapping[str, str] = {} if run is None else run.tags
    line: dict[str, Any] = {**member, **_pair(member, params, cells)}
    line |= {"method": params.get("method"), "epochs": params.get("recipe.epochs")}
    line |= {"config_key": tags.get("config_key"), "state": state_of(run)}
    line |= {"collapsed": tags.get("collapsed")}
    if run is not None:
        line |= {"run_id": run.run_id, "experiment_id": run.experiment_id, "status": run.status, **run.metrics}
    return line | {name: value for name, value in params.items() if name.startswith(METHOD_PREFIX)}


def _pair(member: Member, params: Mapping[str, str], cells: Mapping[str, Cell]) -> dict[str, str | None]:
    """Return the member's data set, teacher and student; names as the sweep file has them, where the cell tells."""
    cell = cells.get(member["cell"])
    if cell is not None and member["phase"] == "teacher":
        return {"dataset": cell.dataset, "teacher": None, "student": cell.teacher}
    if cell is not None:
        return {"dataset": cell.dataset, "teacher": cell.teacher, "student": cell.student}
    dataset, _, network = member["cell"].partition(": ")
    teacher = None if member["phase"] == "teacher" else params.get("teacher")
    dataset, network = dataset or params.get("dataset", ""), network or params.get("student", "")
    return {"dataset": dataset, "teacher": teacher, "student": network}


def state_of(run: RunRecord | None) -> str:
    """Return the state of a trial; COMPLETE only where the run's status says so too."""
    if run is None or run.status == "SCHEDULED":
        return "WAITING"
    by_status = {"RUNNING": "RUNNING", "FAILED": "FAIL", "KILLED": "INTERRUPTED"}
    state = run.tags.get("state") or by_status.get(run.status, run.status)
    return by_status.get(run.status, state) if state == "COMPLETE" else state


def _member_frame(members: Sequence[Member]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: column(dtype, [m[name] or None for m in members]) for name, dtype in MEMBER_COLUMNS.items()}
    )


def _trial_frame(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    columns = {name: column(dtype, _values(lines, name)) for name, (dtype, _) in TRIAL_COLUMNS.items()}
    settings = sorted({name for line in lines for name in line if name.startswith(METHOD_PREFIX)})
    return pd.DataFrame(columns | {name: setting_column(_values(lines, name)) for name in settings})


def _values(lines: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    values = [line.get(name) for line in lines]
    return values if name in METRICS else [None if value == "" else value for value in values]


def setting_column(params: Sequence[str | None]) -> "pd.Series[Any]":
    """Return params, which MLflow keeps as text, as a column of the narrowest dtype that holds them all."""
    return column(_narrowest({text for text in params if text is not None}), params)


def _narrowest(texts: set[str]) -> str:
    if texts <= {"True", "False", "true", "false"}:
        return "boolean"
    for dtype, kind in (("Int64", int), ("float64", float)):
        try:
            for text in texts:
                kind(text)
        except ValueError:
            continue
        return dtype
    return "str"


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "Int64": int,
    "float64": float,
    "boolean": lambda text: text.lower() == "true",
}


def column(dtype: str, values: Sequence[Any]) -> "pd.Series[Any]":
    """Return the values, text or numbers or None, as a column of `dtype`."""
    convert = CONVERSIONS.get(dtype, str)
    return pd.Series([None if value is None else convert(value) for value in values], dtype=dtype)
