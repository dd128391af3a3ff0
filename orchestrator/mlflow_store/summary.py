"""The finished table of a sweep, as its parent run has it: in words, and number by number.

It is kept in the ledger, so that a parent run that is made again gets it again. A number has the time at which it came
to be and a step that counts how often it has changed, and keeps both as long as it stands: telling twice changes
nothing, and a step has one value. One that the table has no more is not-a-number from then on, for a run forgets no
metric.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store.content import Point

SUMMARY = "mlflow-table"
"""What the ledger keeps it under, by sweep."""
NOTE = "mlflow.note.content"
"""Tag that MLflow's pages show as a run's description."""


def remember_summary(ledger: Ledger, sweep: str, note: str, numbers: Mapping[str, float]) -> None:
    """Keep a sweep's table.

    Args:
        numbers: by metric.
    """
    before = _kept(ledger, sweep).get("metrics", {})
    wanted: dict[str, float | None] = {**dict.fromkeys(before), **numbers}
    now = round(ledger.clock() * 1000)
    metrics = {
        name: before[name]
        if name in before and before[name][0] == value
        else [value, now, _next_step(before.get(name))]
        for name, value in wanted.items()
    }
    ledger.remember(SUMMARY, sweep, json.dumps({"note": note, "metrics": metrics}))


def summary_of(ledger: Ledger, sweep: str) -> tuple[dict[str, str], list[Point]]:
    """Return the tags and the metrics of the table that was kept last; none where there was none."""
    kept = _kept(ledger, sweep)
    points = [
        (name, math.nan if value is None else float(value), int(at), int(step))
        for name, (value, at, step) in kept.get("metrics", {}).items()
    ]
    return ({NOTE: kept["note"]} if kept else {}), points


def _next_step(number: list[Any] | None) -> int:
    return 0 if number is None else number[2] + 1


def _kept(ledger: Ledger, sweep: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ledger.remembered(SUMMARY, sweep) or "{}")
    return found
