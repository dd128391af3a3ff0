"""Trials that the tracking store knows and this home does not: found once, at the start of a run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.mlflow_store.location import local_database, prepare_client

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
    """Return all runs of trials that are in one of the `ended` states, by trial key.

    From a database by two queries, from a server page by page.
    """
    database = local_database(uri)
    states = set(ended)
    if database is not None and not database.exists():
        return {}
    found = _from_server(uri) if uri.startswith(("http://", "https://", "databricks")) else _from_database(uri)
    runs: dict[str, KnownRun] = {}
    for run in found:
        if run.state in states:
            runs.setdefault(run.trial_key, run)
    return runs


def _from_database(uri: str) -> Iterator[KnownRun]:
    import sqlalchemy as sql

    engine = sql.create_engine(uri)
    query = sql.text(
        "SELECT r.run_uuid, r.experiment_id, k.value, s.value FROM runs r "
        "JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'trial_key' "
        "JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'state' WHERE r.lifecycle_stage = 'active'"
    )
    values = sql.text("SELECT run_uuid, key, value, is_nan FROM latest_metrics")
    with engine.connect() as connection:
        metrics: dict[str, dict[str, float]] = {}
        for run_id, name, value, is_nan in connection.execute(values):
            metrics.setdefault(run_id, {})[name] = float("nan") if is_nan else float(value)
        for run_id, experiment_id, key, state in connection.execute(query):
            yield KnownRun(key, run_id, str(experiment_id), state, metrics.get(run_id, {}))
    engine.dispose()


def _from_server(uri: str) -> Iterator[KnownRun]:
    prepare_client()
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    token = None
    while experiments:
        page = client.search_runs(experiments, "tags.trial_key != ''", max_results=PAGE, page_token=token)
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
