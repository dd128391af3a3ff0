"""Results of an invented sweep without any store: what loading makes of runs, made of the fake's trials directly."""

import csv
import hashlib
import io
from collections.abc import Mapping
from typing import Any

from reports.results import loading
from reports.results.results import Results
from reports.results.sweep import Cell
from reports.stores import Curves, RunRecord
from tests.reports.fake_sweep import STATUS, FakeSweep, FakeTrial, cell_of, metrics_of


def plain_results(
    sweep: FakeSweep, curves: Mapping[int, list[tuple[int, float]]] | None = None, **facts: Any
) -> Results:
    """Return the results that a store would give.

    Args:
        curves: by seed, the test accuracy of each epoch of every trial.
        facts: of resolved.yaml.
    """
    runs = {t.trial_key: _run(t) for t in sweep.trials if t.state != "WAITING"}
    members = list(csv.DictReader(io.StringIO(sweep.members("1", {key: run.run_id for key, run in runs.items()}))))
    cells = {c["id"]: Cell(**c) for c in map(cell_of, sweep.cells)}
    lines = [loading._line(member, runs.get(member["trial_key"]), cells) for member in members]
    resolved = {
        "name": sweep.name,
        "cells": [cell_of(text) for text in sweep.cells],
        "rows": list(sweep.rows),
        "report": dict(sweep.report),
        "facts": facts,
    }
    frames = (loading._member_frame(members), loading._trial_frame(lines))

    def read(run_ids: Any, names: Any) -> Curves:
        trials = frames[1].set_index("run_id")
        return {run: {"test_top1": list((curves or {}).get(int(trials.loc[run, "seed"]), ()))} for run in run_ids}

    return Results(sweep.name, *frames, resolved, {}, None if curves is None else read)


def _run(trial: FakeTrial) -> RunRecord:
    params = {"dataset": "d", "teacher": "t", "student": "s", "method": trial.method, "recipe.epochs": "10"}
    params |= {f"method.{name}": str(value) for name, value in trial.settings.items()}
    tags = {"trial_key": trial.trial_key, "state": trial.state}
    run_id = hashlib.sha256(trial.trial_key.encode()).hexdigest()[:32]
    return RunRecord(run_id, "1", STATUS[trial.state], 0, "", params, tags, trial.metrics or metrics_of(trial))
