"""Metrics epoch by epoch from a tracking server: a hundred runs in one answer where it can, else a run at a time.

The request for many runs is the one that the server's own pages make (MLflow 3.17: `get-history-bulk`); a server that
does not know it is asked for each run by itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENDPOINT = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
RUNS_IN_A_REQUEST = 100
POINTS_IN_AN_ANSWER = 25_000
"""More are cut off without a word."""

OK, UNKNOWN = 200, (403, 404, 405, 501)
"""HTTP statuses: of an answer, and of a server or a proxy that has no such page."""

Point = tuple[str, str, int, int, float]
"""Run id, metric, step, time in milliseconds, value."""


def histories_at_once(tracking_uri: str, run_ids: Sequence[str], name: str) -> list[Point] | None:
    """Return all that these runs recorded of a metric; None where the server cannot be asked for many runs at once.

    Raises:
        MlflowException: the server did not answer, or refused.
    """
    points: list[Point] = []
    waiting = [run_ids[start : start + RUNS_IN_A_REQUEST] for start in range(0, len(run_ids), RUNS_IN_A_REQUEST)]
    while waiting:
        some = waiting.pop()
        found = _asked(tracking_uri, some, name)
        if found is None:
            return None
        if len(found) < POINTS_IN_AN_ANSWER:
            points += [(p["run_id"], p["key"], p["step"], p["timestamp"], float(p["value"])) for p in found]
        elif len(some) == 1:  # a single run with more epochs than fit
            return None
        else:
            waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
    return points


def _asked(tracking_uri: str, run_ids: Sequence[str], name: str) -> list[dict[str, Any]] | None:
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request, verify_rest_response

    query = [*(("run_id", run_id) for run_id in run_ids), ("metric_key", name), ("max_results", POINTS_IN_AN_ANSWER)]
    answer = http_request(get_default_host_creds(tracking_uri), ENDPOINT, "GET", params=query, raise_on_status=False)
    if answer.status_code in UNKNOWN:
        return None
    metrics: list[dict[str, Any]] = verify_rest_response(answer, ENDPOINT).json()["metrics"]
    return metrics


def history(client: "MlflowClient", run_id: str, name: str) -> list[Point]:
    """Return all that one run recorded of a metric."""
    return [(run_id, name, p.step, p.timestamp, float(p.value)) for p in client.get_metric_history(run_id, name)]
