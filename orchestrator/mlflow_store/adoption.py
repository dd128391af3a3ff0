"""Trials that the tracking store knows and this home does not: found once, at the start of a run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.databases import is_database
from orchestrator.mlflow_store.location import TrackingError, client_uri, has_tables, prepare_client, silent

PAGE = 1000


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run of a trial that has ended."""

    trial_key: str
    run_id: str
    experiment_id: str
    state: str
    metrics: dict[str, float]


def known_runs(uri: str, ended: Iterable[str]) -> dict[str, KnownRun]:
    """Return all runs of trials that are in one of the `ended` states, by trial key: the oldest where there are more.

    From a database by two queries, from a server page by page. Nothing is made where there is no store yet.

    Raises:
        TrackingError: the store does not answer.
    """
    states = set(ended)
    runs: dict[str, KnownRun] = {}
    try:
        for run in _from_database(uri) if is_database(uri) else _from_server(uri):
            if run.state in states:
                runs.setdefault(run.trial_key, run)
    except TrackingError:
        raise
    except Exception as error:
        raise silent(uri, error) from error
    return runs


METRICS = """
SELECT m.run_uuid, m.key, m.value, m.is_nan FROM latest_metrics m
JOIN tags k ON k.run_uuid = m.run_uuid AND k.key = 'trial_key'
"""
RUNS = """
SELECT r.run_uuid, r.experiment_id, k.value, s.value FROM runs r
JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'trial_key'
JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'state'
WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time, r.run_uuid
"""


def runs_by_key(uri: str) -> dict[tuple[str, str], str]:
    """Return the runs of all trials in a database, ended or not, by experiment and trial key."""
    import sqlalchemy as sql

    engine = sql.create_engine(client_uri(uri), poolclass=sql.NullPool)
    with engine.connect() as connection:
        return {(str(experiment), key): run for run, experiment, key in connection.execute(sql.text(KEYS))}


KEYS = """
SELECT r.run_uuid, r.experiment_id, k.value FROM runs r JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'trial_key'
WHERE r.lifecycle_stage = 'active'
"""


def _from_database(uri: str) -> Iterator[KnownRun]:
    if not has_tables(uri):
        return
    import sqlalchemy as sql

    engine = sql.create_engine(client_uri(uri), poolclass=sql.NullPool)
    with engine.connect() as connection:
        metrics: dict[str, dict[str, float]] = {}
        for run_id, name, value, is_nan in connection.execute(sql.text(METRICS)):
            metrics.setdefault(run_id, {})[name] = float("nan") if is_nan else float(value)
        for run_id, experiment_id, key, state in connection.execute(sql.text(RUNS)):
            yield KnownRun(key, run_id, str(experiment_id), state, metrics.get(run_id, {}))


def _from_server(uri: str) -> Iterator[KnownRun]:
    prepare_client()
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    order = ["attributes.start_time ASC", "attributes.run_id ASC"]
    token = None
    while experiments:
        page = client.search_runs(
            experiments, "tags.trial_key != ''", max_results=PAGE, order_by=order, page_token=token
        )
        for run in page:
            tags = run.data.tags
            yield KnownRun(
                tags["trial_key"],
                run.info.run_id,
                run.info.experiment_id,
                tags.get("state", ""),
                dict(run.data.metrics),
            )
        token = page.token
        if not token:
            return
