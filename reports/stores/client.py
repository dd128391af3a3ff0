"""Runs through MLflow's client: a tracking server, or any other store that MLflow can open."""

import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from reports.errors import StoreUnavailableError
from reports.results import METRICS
from reports.stores._base import METHOD_PREFIX, PARAMS, TAGS, RunRecord, is_measured, preferred
from reports.stores.artifacts import read_artifact
from trainers.addresses import without_password

if TYPE_CHECKING:
    from mlflow.entities import Run

PAGE = 1000
"""Runs in one answer."""

IDS_IN_A_QUERY = 200

MAX_SINGLE_LOOKUPS = 100
"""Of trial keys outside the sweep's experiment, a request each; more than that would be trials that nobody has run."""

ANSWER_SECONDS = 10


class Client:
    """A tracking store behind `MlflowClient`."""

    def __init__(self, tracking_uri: str) -> None:
        _must_answer(tracking_uri)
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            self._client = MlflowClient(tracking_uri)
        except MlflowException as error:
            raise StoreUnavailableError(f"{without_password(tracking_uri)} cannot be used: {error}") from error
        self._uri = tracking_uri

    def sweeps(self) -> list[str]:
        names = dict(self._experiments())
        parents = self._search(list(names), "tags.kind = 'sweep'")
        return sorted({names[run.info.experiment_id] for run in parents})

    def parent(self, name: str) -> RunRecord | None:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None or experiment.lifecycle_stage != "active":
            return None
        parents = [_record(run) for run in self._search([experiment.experiment_id], "tags.kind = 'sweep'")]
        return max(parents, key=lambda run: (run.start_time, run.run_id), default=None)

    def runs(self, run_ids: Collection[str]) -> dict[str, RunRecord]:
        everywhere = [experiment_id for experiment_id, _ in self._experiments()]
        wanted, found = sorted(set(run_ids)), {}
        for start in range(0, len(wanted), IDS_IN_A_QUERY):
            ids = ", ".join(_quoted(run_id) for run_id in wanted[start : start + IDS_IN_A_QUERY])
            for run in self._search(everywhere, f"attributes.run_id IN ({ids})"):
                found[run.info.run_id] = _record(run)
        return found

    def by_trial_key(self, keys: Collection[str], experiment_id: str) -> dict[str, RunRecord]:
        wanted = set(keys)
        found: dict[str, list[RunRecord]] = defaultdict(list)
        if wanted:
            for run in self._search([experiment_id], "tags.trial_key LIKE '%'"):
                if run.data.tags["trial_key"] in wanted:
                    found[run.data.tags["trial_key"]].append(_record(run))
        elsewhere = sorted(wanted - found.keys())
        if 0 < len(elsewhere) <= MAX_SINGLE_LOOKUPS:
            everywhere = [experiment_id for experiment_id, _ in self._experiments()]
            for key in elsewhere:
                for run in self._search(everywhere, f"tags.trial_key = {_quoted(key)}"):
                    found[key].append(_record(run))
        return {key: preferred(records) for key, records in found.items()}

    def artifact(self, run: RunRecord, name: str) -> str:
        return read_artifact(run, name, self._uri)

    def _experiments(self) -> Iterator[tuple[str, str]]:
        token = None
        while True:
            page = self._client.search_experiments(max_results=PAGE, page_token=token)
            for experiment in page:
                yield experiment.experiment_id, experiment.name
            token = page.token
            if not token:
                return

    def _search(self, experiment_ids: Sequence[str], condition: str) -> "Iterator[Run]":
        from mlflow.exceptions import MlflowException

        token = None
        while True:
            try:
                page = self._client.search_runs(list(experiment_ids), condition, max_results=PAGE, page_token=token)
            except MlflowException as error:
                raise StoreUnavailableError(f"{without_password(self._uri)} refused a search: {error}") from error
            yield from page
            token = page.token
            if not token:
                return


def _must_answer(tracking_uri: str) -> None:
    """Ask an HTTP server for a sign of life first: MLflow's client would try for four minutes."""
    if not tracking_uri.startswith(("http://", "https://")):
        return
    shown = without_password(tracking_uri)
    try:
        urllib.request.urlopen(f"{shown.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return  # it answers; a proxy may hide this page
    except (OSError, ValueError) as error:
        raise StoreUnavailableError(f"the tracking server {shown} does not answer: {error}") from error


def _record(run: "Run") -> RunRecord:
    params = {k: v for k, v in run.data.params.items() if k in PARAMS or k.startswith(METHOD_PREFIX)}
    return RunRecord(
        run.info.run_id,
        run.info.experiment_id,
        run.info.status,
        run.info.start_time or 0,
        run.info.artifact_uri or "",
        params,
        {key: value for key, value in run.data.tags.items() if key in TAGS},
        {key: value for key, value in run.data.metrics.items() if key in METRICS and is_measured(value)},
    )


def _quoted(value: str) -> str:
    """Return the value as text in a search; quotes never occur in the ids and keys that we search for."""
    return "'" + value.replace("'", "") + "'"
