"""Runs out of MLflow's own database, by a handful of SQL queries: a hundred times fewer than its client makes.

Tables and columns are those of MLflow 3.17: experiments, runs, tags, params, latest_metrics (the last value of each
metric, by step), metrics (all values, with an index by run, metric and step).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Boolean,
    ColumnClause,
    Engine,
    Select,
    String,
    TableClause,
    column,
    create_engine,
    make_url,
    or_,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from reports.errors import StoreUnavailableError
from reports.stores import (
    METRICS,
    PARAMS,
    PREFIXES,
    TAGS,
    Curves,
    RunRecord,
    gathered,
    is_measured,
    preferred,
)
from reports.stores.artifacts import read_artifact
from trainers.texts.addresses import sqlite_file, watchful, without_password

CHUNK = 5000
"""Ids in one query; SQLite takes 32,766 values."""

WAIT_SECONDS = 30
"""For a database that someone else is writing to."""

EXPERIMENTS = table("experiments", column("experiment_id"), column("name"), column("lifecycle_stage"))
RUN_COLUMNS = ("run_uuid", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri", "experiment_id")
RUNS = table("runs", *map(column, RUN_COLUMNS))


def _keyed(name: str, *more: ColumnClause[Any]) -> TableClause:
    return table(name, column("run_uuid"), column("key", String), column("value"), *more)


TAG, PARAM = _keyed("tags"), _keyed("params")
METRIC = _keyed("latest_metrics", column("is_nan", Boolean))
HISTORY = _keyed("metrics", column("is_nan", Boolean), column("step"), column("timestamp"))


class Database:
    """A tracking store that is a database. Only read; a SQLite file is opened so that it cannot be written."""

    def __init__(self, tracking_uri: str) -> None:
        self._uri = tracking_uri
        self._engine, self._home = _open(tracking_uri)

    def sweeps(self) -> list[str]:
        found = _parents().with_only_columns(EXPERIMENTS.c.name).distinct()
        return sorted(name for (name,) in self._rows(found))

    def parent(self, name: str) -> RunRecord | None:
        newest = (RUNS.c.start_time.desc(), RUNS.c.run_uuid.desc())
        for row in self._rows(_parents().where(EXPERIMENTS.c.name == name).order_by(*newest).limit(1)):
            return _record(row, {}, {}, {})
        return None

    def runs(self, run_ids: Collection[str]) -> dict[str, RunRecord]:
        records: dict[str, RunRecord] = {}
        for ids in _chunks(sorted(set(run_ids))):
            records.update(self._some_runs(ids))
        return records

    def by_trial_key(self, keys: Collection[str], experiment_id: str) -> dict[str, RunRecord]:
        owners: dict[str, str] = {}
        for some in _chunks(sorted(set(keys))):
            wanted = select(TAG.c.run_uuid, TAG.c.value).where(TAG.c.key == "trial_key", TAG.c.value.in_(some))
            owners.update((run_id, key) for run_id, key in self._rows(wanted))
        found: dict[str, list[RunRecord]] = defaultdict(list)
        for run_id, record in self.runs(owners).items():
            found[owners[run_id]].append(record)
        return {key: preferred(records) for key, records in found.items()}

    def curves(self, run_ids: Collection[str], names: Collection[str]) -> Curves:
        point = (HISTORY.c.run_uuid, HISTORY.c.key, HISTORY.c.step, HISTORY.c.timestamp, HISTORY.c.value)
        found: Curves = {}
        for ids in _chunks(sorted(set(run_ids))):
            wanted = select(*point).where(HISTORY.c.run_uuid.in_(ids), HISTORY.c.key.in_(sorted(set(names))))
            found |= gathered(self._rows(wanted.where(HISTORY.c.is_nan.is_(False))))
        return found

    def artifact(self, run: RunRecord, name: str) -> str:
        moved_to = None if self._home is None else self._home / "mlartifacts"
        return read_artifact(run, name, self._uri, moved_to)

    def _some_runs(self, ids: Sequence[str]) -> Iterator[tuple[str, RunRecord]]:
        prefixed = (PARAM.c.key.startswith(prefix, autoescape=True) for prefix in PREFIXES)
        wanted_params = or_(PARAM.c.key.in_(PARAMS), *prefixed)
        tags = self._attributes(select(TAG).where(TAG.c.run_uuid.in_(ids), TAG.c.key.in_(TAGS)))
        config = {run_id: tags[run_id].get("config_key", run_id) if run_id in tags else run_id for run_id in ids}
        first = {key: run_id for run_id, key in config.items()}  # seeds of one configuration have the same params
        params = self._attributes(select(PARAM).where(PARAM.c.run_uuid.in_(first.values()), wanted_params))
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for run_id, key, value, is_nan in self._rows(
            select(METRIC).where(METRIC.c.run_uuid.in_(ids), METRIC.c.key.in_(METRICS))
        ):
            if not is_nan and is_measured(value):
                metrics[run_id][key] = value
        for row in self._rows(select(RUNS).where(RUNS.c.run_uuid.in_(ids), RUNS.c.lifecycle_stage == "active")):
            run_id = row.run_uuid
            yield (
                run_id,
                _record(row, params.get(first[config[run_id]], {}), tags.get(run_id, {}), metrics.get(run_id, {})),
            )

    def _attributes(self, query: Select[Any]) -> dict[str, dict[str, str]]:
        values: dict[str, dict[str, str]] = defaultdict(dict)
        for run_id, key, value in self._rows(query):
            values[run_id][key] = value
        return values

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).fetchall()
        except SQLAlchemyError as error:
            reason = without_password(str(getattr(error, "orig", error)).strip(), self._uri).partition("\n")[0]
            shown = without_password(self._uri)
            raise StoreUnavailableError(f"{shown} cannot be read as an MLflow database: {reason}") from error


def _open(tracking_uri: str) -> tuple[Engine, Path | None]:
    """Return an engine, and the folder of the file where the database is one."""
    try:
        url = make_url(tracking_uri)
        if url.get_backend_name() != "sqlite":
            return create_engine(watchful(tracking_uri), poolclass=NullPool), None
    except (ArgumentError, ImportError) as error:
        reason = without_password(str(error), tracking_uri)
        raise StoreUnavailableError(f"the tracking URI cannot be used: {reason}") from error
    path = sqlite_file(tracking_uri)
    if path is None or not path.is_file():
        raise StoreUnavailableError(
            f"there is no tracking database {path}; run a sweep first, or name its --home, or, by MLFLOW_TRACKING_URI, "
            "the database where it is now"
        )
    address = f"file:{quote(str(path))}?mode=ro"
    connect = lambda: sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS, check_same_thread=False)  # noqa: E731
    return create_engine("sqlite://", creator=connect, poolclass=NullPool), path.parent


def _parents() -> Select[Any]:
    """All parent runs of sweeps, with what `_record` needs."""
    return (
        select(RUNS)
        .join(EXPERIMENTS, EXPERIMENTS.c.experiment_id == RUNS.c.experiment_id)
        .join(TAG, TAG.c.run_uuid == RUNS.c.run_uuid)
        .where(TAG.c.key == "kind", TAG.c.value == "sweep")
        .where(RUNS.c.lifecycle_stage == "active", EXPERIMENTS.c.lifecycle_stage == "active")
    )


def _record(row: Any, params: dict[str, str], tags: dict[str, str], metrics: dict[str, float]) -> RunRecord:
    return RunRecord(
        row.run_uuid,
        str(row.experiment_id),
        row.status,
        row.start_time or 0,
        row.artifact_uri or "",
        params,
        tags,
        metrics,
        row.end_time,
    )


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
