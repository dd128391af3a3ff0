"""Runs of an earlier state of a sweep's file are marked in the store, and people can tell runs apart by their names."""

import contextlib
import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.sweeps import CURRENT_TOLD
from orchestrator.mlflow_store import tracking_uri
from orchestrator.mlflow_store.location import prepare_client
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers
from tests.orchestrator.simulation import drive, new_planner, sweep_of

TEXT = """
name: small
dataset: digits100
pairs: [tinyresnet -> tinycnn, tinyresnet -> resnet8]
recipe: {base: digits, epochs: 4}
methods:
  ce:
  gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}}
search: {trials: 2, parallel: 2, sampler: random}
seeds: 2
"""
LONGER = TEXT.replace("epochs: 4", "epochs: 6")


@pytest.fixture
def home(tmp_path: Path, empty_store: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    return home


def run(home: Path, text: str) -> None:
    """Do what a run does, without training."""
    sweep = sweep_of(text, home.parent / "sweep")
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        drive(new_planner(ledger, sweep))
        ledger.end_sweep(sweep.name, "COMPLETE")
        retarget(ledger, home, tracking_uri(home), None)
        assert drain(start_tellers(home, tracking_uri(home), None, sweeps=[sweep])) == []


def standing(home: Path) -> dict[str, set[str]]:
    """Return by the tag `current`, as MLflow's users ask for it, the epochs of the recipes that have it."""
    found: dict[str, set[str]] = {}
    for one in runs(home, "tags.kind = 'trial' and tags.phase != 'search'"):
        found.setdefault(one.data.tags.get("current", "none"), set()).add(one.data.params["recipe.epochs"])
    return found


def runs(home: Path, condition: str) -> Collection:
    prepare_client()
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri(home))
    return client.search_runs([client.get_experiment_by_name("small").experiment_id], condition)


def test_a_group_by_does_not_mix_recipes(home: Path):
    run(home, TEXT)
    assert standing(home) == {"true": {"4"}}
    before = len(runs(home, "tags.current = 'true'"))
    run(home, LONGER)
    assert standing(home) == {"false": {"4"}, "true": {"6"}}
    assert len(runs(home, "tags.current = 'true'")) == before
    run(home, TEXT)  # back again: nothing is trained, and all marks change places
    assert standing(home) == {"true": {"4"}, "false": {"6"}}
    assert len(runs(home, "tags.current = 'true'")) == before


def test_runs_of_earlier_versions_are_marked_when_they_are_looked_at(home: Path):
    run(home, TEXT)
    run(home, LONGER)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        with ledger.transaction():
            for key in ledger.all_remembered(CURRENT_TOLD):
                ledger.forget(CURRENT_TOLD, key)
        prepare_client()
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri(home))
        for one in runs(home, "tags.current != ''"):
            client.delete_tag(one.info.run_id, "current")
        assert standing(home) == {"none": {"4", "6"}}
        assert drain(start_tellers(home, tracking_uri(home), None)) == []  # as `sync`
        assert standing(home) == {"false": {"4"}, "true": {"6"}}
        assert ledger.untold_count() == 0
        ledger.tell_current("small")  # told once, nothing is told again
        assert ledger.untold_count() == 0


def test_a_run_in_another_homes_experiment_is_not_marked(home: Path):
    run(home, TEXT)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        keys = [member.key for member in ledger.members("small") if member.phase == "fixed"]
        (run_id, _) = (ledger.remembered("mlflow", f"trial:{keys[0]}") or "").split(" ")
        ledger.remember("mlflow", f"trial:{keys[0]}", f"{run_id} 999")
        for key in keys:
            ledger.forget(CURRENT_TOLD, key)
        ledger.tell_current("small")
        assert {ref for _, ref in ledger.untold("mlflow")} == {f"trial:{key}" for key in keys[1:]}


def test_names_of_runs_are_unique_over_pairs_seeds_proposals_and_recipes(home: Path):
    run(home, TEXT)
    run(home, LONGER)
    names = [one.info.run_name for one in runs(home, "")]
    assert len(names) == len(set(names))
    assert [name for name in names if name.startswith("ce seed=0 | digits100: tinyresnet -> tinycnn | ")]
    assert [name for name in names if name.startswith("gdkd (tuned) proposal=1 | digits100: tinyresnet -> resnet8 | ")]
