"""Methods in combination and hyperparameters that are lists, through the planner into what is told."""

from pathlib import Path

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import content
from reports.board.searches import dimension_text
from reports.results.sweep import value_text
from tests.orchestrator.simulation import drive, new_planner, sweep_of

SWEEP = """
name: lists
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 2}
methods:
  both: {method: [gdkd, pkt], gdkd.k: {grid: [3, 7]}}
  tuned: {method: partition, cuts: {choice: [[5], [1, 4]]}, w2: {low: 1, high: 16, log: true}}
search: {trials: 6, parallel: 2}
seeds: 2
"""


def test_lists_and_combinations_are_searched_trained_and_told(tmp_path: Path):
    sweep = sweep_of(SWEEP, tmp_path)
    ledger = Ledger(tmp_path / "ledger.db")
    handed = drive(new_planner(ledger, sweep))
    assert set(ledger.states().values()) == {"COMPLETE"}
    texts = {row.params["cuts"] for row in ledger.proposals(sweep.searches[0].study_id)}
    assert texts <= {"[5]", "[1,4]"}
    told = {}
    for attempt in handed:
        row = ledger.trial(attempt.key)
        assert row is not None
        told[attempt.key] = content.params(row)
    assert {params["method"] for params in told.values()} == {"ce", "gdkd+pkt", "partition"}
    assert {params["method.gdkd.k"] for params in told.values() if "method.gdkd.k" in params} == {"3", "7"}
    assert {params["method.cuts"] for params in told.values() if "method.cuts" in params} == texts


def test_texts_of_lists():
    assert value_text((1, 4.5)) == "[1,4.5]"
    assert dimension_text({"name": "cuts", "choices": [[5], [1, 4]]}) == "cuts = [5]|[1,4]"
    assert content._hyperparameter([5]) == "[5]"
