"""Runs through MLflow's client: a tracking server, or any other store that MLflow can open."""

import functools
import os
import ssl
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

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
from reports.stores.metric_histories import histories_at_once, history
from trainers.texts.addresses import without_password

if TYPE_CHECKING:
    from mlflow.entities import Run

PAGE = 1000
"""Runs in one answer."""

IDS_IN_A_QUERY = 200

MAX_SINGLE_LOOKUPS = 100
"""Of trial keys outside the sweep's experiment, a request each; more than that would be trials that nobody has run."""

ANSWER_SECONDS = 10
TRIES, PAUSE_SECONDS = 3, 1.0
"""Of every question: a server may be restarting. Reading twice changes nothing."""

SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Of MLflow's client, unless the user has chosen: by itself it would try for four minutes."""

SERVERS_OWN_TROUBLE = 500
"""HTTP statuses from here on; MLflow's client says it of a connection that broke, too."""

HTTP = ("http://", "https://")

Answer = TypeVar("Answer")


class Client:
    """A tracking store behind `MlflowClient`."""

    def __init__(self, tracking_uri: str) -> None:
        _must_answer(tracking_uri)
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        self._uri = tracking_uri
        self._client = self._ask(lambda: MlflowClient(tracking_uri))

    def sweeps(self) -> list[str]:
        names = dict(self._experiments())
        parents = self._search(list(names), "tags.kind = 'sweep'")
        return sorted({names[run.info.experiment_id] for run in parents})

    def parent(self, name: str) -> RunRecord | None:
        experiment = self._ask(lambda: self._client.get_experiment_by_name(name))
        if experiment is None or experiment.lifecycle_stage != "active":
            return None
        parents = [_record(run) for run in self._search([experiment.experiment_id], "tags.kind = 'sweep'")]
        return max(parents, key=lambda run: (run.start_time, run.run_id), default=None)

    def runs(self, run_ids: Collection[str]) -> dict[str, RunRecord]:
        everywhere = [experiment_id for experiment_id, _ in self._experiments()]
        wanted, found = sorted(set(run_ids)), []
        for start in range(0, len(wanted), IDS_IN_A_QUERY):
            ids = ", ".join(_quoted(run_id) for run_id in wanted[start : start + IDS_IN_A_QUERY])
            found += [_record(run) for run in self._search(everywhere, f"attributes.run_id IN ({ids})")]
        return {run.run_id: run for run in found}

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

    def curves(self, run_ids: Collection[str], names: Collection[str]) -> Curves:
        wanted, points = sorted(set(run_ids)), []
        for name in sorted(set(names)):
            ask = functools.partial(histories_at_once, self._uri, wanted, name)
            found = self._ask(ask) if self._uri.startswith(HTTP) else None
            if found is None:
                singly = (self._ask(functools.partial(history, self._client, run_id, name)) for run_id in wanted)
                found = [point for one in singly for point in one]
            points += found
        return gathered(points)

    def artifact(self, run: RunRecord, name: str) -> str:
        return read_artifact(run, name, self._uri)

    def _experiments(self) -> Iterator[tuple[str, str]]:
        token = None
        while True:
            search = functools.partial(self._client.search_experiments, max_results=PAGE, page_token=token)
            page = self._ask(search)
            for experiment in page:
                yield experiment.experiment_id, experiment.name
            token = page.token
            if not token:
                return

    def _search(self, experiment_ids: Sequence[str], condition: str) -> "Iterator[Run]":
        token = None
        search = functools.partial(self._client.search_runs, list(experiment_ids), condition, max_results=PAGE)
        while True:
            page = self._ask(functools.partial(search, page_token=token))
            yield from page
            token = page.token
            if not token:
                return

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Return the answer; ask again where the server was not able to give one.

        Raises:
            StoreUnavailableError: it gave none, or refused.
        """
        from mlflow.exceptions import MlflowException

        tries = 0
        while True:
            tries += 1
            try:
                return question()
            except MlflowException as error:
                if tries == TRIES or error.get_http_status_code() < SERVERS_OWN_TROUBLE:
                    reason = without_password(str(error), self._uri).partition("\n")[0]
                    message = f"{without_password(self._uri)} did not answer as it should: {reason}"
                    raise StoreUnavailableError(message) from error
            time.sleep(PAUSE_SECONDS)


def _must_answer(tracking_uri: str) -> None:
    """Ask an HTTP server for a sign of life first: MLflow's client would try for four minutes."""
    if not tracking_uri.startswith(HTTP):
        return
    shown = without_password(tracking_uri)
    try:
        urllib.request.urlopen(f"{shown.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return  # it answers; a proxy may hide this page
    except (OSError, ValueError) as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLError):
            return  # it answers; MLflow's client has settings of its own for whom it trusts
        raise StoreUnavailableError(f"the tracking server {shown} does not answer: {error}") from error


def _record(run: "Run") -> RunRecord:
    params = {k: v for k, v in run.data.params.items() if k in PARAMS or k.startswith(PREFIXES)}
    return RunRecord(
        run.info.run_id,
        run.info.experiment_id,
        run.info.status,
        run.info.start_time or 0,
        run.info.artifact_uri or "",
        params,
        {key: value for key, value in run.data.tags.items() if key in TAGS},
        {key: value for key, value in run.data.metrics.items() if key in METRICS and is_measured(value)},
        run.info.end_time,
    )


def _quoted(value: str) -> str:
    """Return the value as text in a search; quotes never occur in the ids and keys that we search for."""
    return "'" + value.replace("'", "") + "'"
