"""The runs of ours that a tracking store holds: all of them by a few questions, and some of them whole."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.mlflow_store.location import TrackingError, client_uri, has_tables, prepare_client, silent
from orchestrator.outbox.databases import is_database

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = 1000
"""Runs or experiments in one answer of a server."""
IDS_IN_A_QUERY = 200
"""Of a server."""
CHUNK = 5000
"""Ids in one query of a database; SQLite takes 32,766 values."""
HTTP = ("http://", "https://")
HOME_TAG = "mlflow.kdsweep.token"
"""Of a run, the home that has made it; MLflow's pages leave out tags that begin like this."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run of a trial or of a sweep, as it stands in the store."""

    run_id: str
    experiment_id: str
    experiment: str
    """The experiment's name."""
    deleted: bool
    """It, or its experiment, is in the store's waste."""
    trial_key: str
    """Empty of a sweep's parent run."""
    state: str
    home: str
    """Name of the home that has made it; of earlier versions, any word."""


@dataclass(slots=True)
class WholeRun:
    """All that a run of a trial holds besides its params."""

    started_at: float | None
    """Wall clock in seconds, as all times here."""
    ended_at: float | None
    tags: Mapping[str, str]
    last: dict[str, float] = field(default_factory=dict)
    """Metrics by name, their last values."""
    points: list[tuple[str, int, float, float]] = field(default_factory=list)
    """Of metrics epoch by epoch: name, step, time, value."""

    def epochs(self, without: Collection[str]) -> list[tuple[int, float, dict[str, float]]]:
        """Return (number, time, values) of the epochs, in order.

        Args:
            without: names of metrics of the whole run.
        """
        found: dict[int, tuple[float, dict[str, float]]] = {}
        for name, step, at, value in sorted(self.points, key=lambda point: point[1:3]):
            if step > 0 and name not in without:
                found.setdefault(step, (at, {}))[1][name] = value  # told twice, the later value counts
        return [(step, at, values) for step, (at, values) in sorted(found.items())]


def stored_runs(uri: str, experiments: Collection[str] | None = None) -> list[StoredRun]:
    """Return the runs of trials and sweeps, deleted ones among them, the oldest first. Nothing is made where there is
    no store yet.

    Args:
        experiments: ids of those that are looked at; None: all.

    Raises:
        TrackingError: the store does not answer.
    """
    try:
        return list(_from_database(uri) if is_database(uri) else _from_server(uri, experiments))
    except TrackingError:
        raise
    except Exception as error:
        raise silent(uri, error) from error


def whole_runs(uri: str, run_ids: Iterable[str], without_curves: Collection[str] = ()) -> dict[str, WholeRun]:
    """Return some runs with all that they hold.

    Args:
        without_curves: names of metrics that have but one value a run.

    Raises:
        TrackingError: the store does not answer.
    """
    ids = sorted(set(run_ids))
    found: dict[str, WholeRun] = {}
    try:
        read = _whole_from_database if is_database(uri) else _whole_from_server
        size = CHUNK if is_database(uri) else IDS_IN_A_QUERY
        for start in range(0, len(ids), size):
            found |= read(uri, ids[start : start + size], without_curves)
    except TrackingError:
        raise
    except Exception as error:
        raise silent(uri, error) from error
    return found


# --- a database -----------------------------------------------------------------------------------------------------

RUNS = """
SELECT r.run_uuid, r.experiment_id, e.name, r.lifecycle_stage, e.lifecycle_stage, k.value, s.value, h.value
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id
LEFT JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'trial_key'
LEFT JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'state'
LEFT JOIN tags p ON p.run_uuid = r.run_uuid AND p.key = 'kind'
LEFT JOIN tags h ON h.run_uuid = r.run_uuid AND h.key = 'mlflow.kdsweep.token'
WHERE k.value IS NOT NULL OR p.value = 'sweep' ORDER BY r.start_time, r.run_uuid
"""
TIMES = "SELECT r.run_uuid, r.start_time, r.end_time FROM runs r WHERE r.run_uuid IN :ids"
TAGS = "SELECT t.run_uuid, t.key, t.value FROM tags t WHERE t.run_uuid IN :ids"
POINTS = "SELECT m.run_uuid, m.key, m.step, m.timestamp, m.value, m.is_nan FROM metrics m WHERE m.run_uuid IN :ids"


def _from_database(uri: str) -> Iterator[StoredRun]:
    if has_tables(uri):
        for run_id, experiment_id, name, run_stage, stage, key, state, home in _rows(uri, RUNS):
            deleted = run_stage != "active" or stage != "active"
            yield StoredRun(run_id, str(experiment_id), name, deleted, key or "", state or "", home or "")


def _whole_from_database(uri: str, ids: Sequence[str], without_curves: Collection[str]) -> dict[str, WholeRun]:
    tags: dict[str, dict[str, str]] = {run_id: {} for run_id in ids}
    for run_id, name, value in _rows(uri, TAGS, ids):
        tags[run_id][name] = value
    found = {
        run_id: WholeRun(_seconds(start), _seconds(end), tags[run_id]) for run_id, start, end in _rows(uri, TIMES, ids)
    }
    newest: dict[tuple[str, str], tuple[int, int]] = {}
    for run_id, name, step, at, value, is_nan in _rows(uri, POINTS, ids):
        number = math.nan if is_nan else float(value)
        found[run_id].points.append((name, int(step), at / 1000, number))
        if (step, at) >= newest.get((run_id, name), (-1, -1)):
            newest[run_id, name] = (step, at)
            found[run_id].last[name] = number
            if name in without_curves:
                found[run_id].ended_at = at / 1000
    return found


def _rows(uri: str, query: str, ids: Sequence[str] | None = None) -> Sequence[Any]:
    import sqlalchemy as sql

    engine = sql.create_engine(client_uri(uri), poolclass=sql.NullPool)
    with engine.connect() as connection:
        if ids is None:
            return connection.execute(sql.text(query)).all()
        return connection.execute(sql.text(query).bindparams(sql.bindparam("ids", expanding=True)), {"ids": ids}).all()


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


# --- a server -------------------------------------------------------------------------------------------------------


def _client(uri: str) -> "MlflowClient":
    prepare_client()
    from mlflow import MlflowClient

    return MlflowClient(uri)


def _from_server(uri: str, wanted: Collection[str] | None) -> Iterator[StoredRun]:
    from mlflow.entities import ViewType

    client = _client(uri)
    experiments = {
        found.experiment_id: found
        for found in _pages(client.search_experiments, view_type=ViewType.ALL)
        if wanted is None or found.experiment_id in wanted
    }
    if not experiments:
        return
    order = ["attributes.start_time ASC", "attributes.run_id ASC"]
    for condition in ("tags.trial_key != ''", "tags.kind = 'sweep'"):
        for run in _pages(
            client.search_runs,
            experiment_ids=list(experiments),
            filter_string=condition,
            run_view_type=ViewType.ALL,
            order_by=order,
        ):
            of, tags = experiments[run.info.experiment_id], run.data.tags
            yield StoredRun(
                run.info.run_id,
                run.info.experiment_id,
                of.name,
                run.info.lifecycle_stage != "active" or of.lifecycle_stage != "active",
                tags.get("trial_key", ""),
                tags.get("state", ""),
                tags.get(HOME_TAG, ""),
            )


def _pages(search: Any, **arguments: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(max_results=PAGE, page_token=token, **arguments)
        yield from page
        token = page.token
        if not token:
            return


def _whole_from_server(uri: str, ids: Sequence[str], without_curves: Collection[str]) -> dict[str, WholeRun]:
    from reports.stores.metric_histories import histories_at_once, history

    client = _client(uri)
    experiments = [found.experiment_id for found in _pages(client.search_experiments)]
    listed = ", ".join(f"'{run_id}'" for run_id in ids)
    found: dict[str, WholeRun] = {}
    for run in _pages(client.search_runs, experiment_ids=experiments, filter_string=f"attributes.run_id IN ({listed})"):
        times = _seconds(run.info.start_time), _seconds(run.info.end_time)
        found[run.info.run_id] = WholeRun(*times, dict(run.data.tags), dict(run.data.metrics))
    for name in sorted({name for run in found.values() for name in run.last if name not in without_curves}):
        having = [run_id for run_id, run in found.items() if name in run.last]
        points = histories_at_once(uri, having, name) if uri.startswith(HTTP) else None
        if points is None:
            points = [point for run_id in having for point in history(client, run_id, name)]
        for run_id, _, step, at, value in points:
            found[run_id].points.append((name, step, at / 1000, value))
    return found
