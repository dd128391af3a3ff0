"""What must hold of a store in the end, asked of its database in SQL: one run a trial, ended, no point twice."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import optuna

from orchestrator.ledger.ledger import Ledger
from search_spaces import Sweep
from tests.servers.mlflow_server import MlflowServer

Query = Callable[[str], list[tuple]]

OF_SWEEP = """
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id
JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = '{key}' WHERE e.name = '{name}'"""
RUNS = f"SELECT k.value, r.status {OF_SWEEP.format(key='trial_key', name='{name}')} AND r.lifecycle_stage = 'active'"
STATES = f"SELECT k.value, count(*) {OF_SWEEP.format(key='state', name='{name}')} AND r.lifecycle_stage = 'active'"
PARENTS = f"SELECT r.status {OF_SWEEP.format(key='kind', name='{name}')} AND k.value = 'sweep'"
DOUBLES = f"SELECT count(*) {OF_SWEEP.format(key='trial_key', name='{name}')} AND r.lifecycle_stage = 'deleted'"
POINTS = """
SELECT r.run_uuid, m.key, m.step, count(*) FROM metrics m JOIN runs r ON r.run_uuid = m.run_uuid
JOIN experiments e ON e.experiment_id = r.experiment_id
WHERE e.name = '{name}' AND r.lifecycle_stage = 'active' GROUP BY r.run_uuid, m.key, m.step"""


def check_runs(query: Query, ledger: Ledger, name: str) -> None:
    """Hold that every trial has one run, that it has ended, that no point is there twice and none is missing."""
    runs = query(RUNS.format(name=name))
    assert sorted(key for key, _ in runs) == sorted(ledger.states())
    assert {status for _, status in runs} == {"FINISHED"}
    assert query(STATES.format(name=name) + " GROUP BY k.value") == [("COMPLETE", len(runs))]
    assert query(PARENTS.format(name=name) + " AND r.lifecycle_stage = 'active'") == [("FINISHED",)]
    points = query(POINTS.format(name=name))
    assert {count for *_, count in points} == {1}
    recorded = sum(len(values) for key in ledger.states() for _, _, values in ledger.epochs(key))
    at_the_end = sum(len(ledger.trial(key).metrics) for key in ledger.states())
    assert len(points) == recorded + at_the_end
    assert ledger.untold("mlflow") == []


def doubles(query: Query, name: str) -> int:
    """Return how many runs of trials were removed."""
    return query(DOUBLES.format(name=name))[0][0]


def in_file(server: MlflowServer) -> Query:
    """Return what asks the server's own database."""

    def query(sql: str) -> list[tuple]:
        with closing(sqlite3.connect(server.folder / "mlflow.db")) as connection:
            return connection.execute(sql).fetchall()

    return query


def check_study(url: str, ledger: Ledger, sweep: Sweep) -> None:
    """Hold that every proposal is one trial of the one study."""
    (name,) = optuna.get_all_study_names(url)
    trials = optuna.load_study(study_name=name, storage=url).trials
    proposals = ledger.proposals(sweep.searches[0].study_id)
    assert sorted(trial.user_attrs["proposal"] for trial in trials) == [row.number for row in proposals]
    assert not any(trial.state.name == "RUNNING" for trial in trials)
    assert ledger.untold("optuna") == []
