"""Cohorts in a run: the same results, by whatever number of trials a worker trains in step."""

import json
import shutil
import sqlite3
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch

from orchestrator import run
from orchestrator.ledger.ledger import Ledger
from orchestrator.worker import cohort
from tests.search_spaces.picture_texts import small_sets
from trainers.training.tasks import tasks

SWEEP = """
name: pictures
datasets: {imagefolder: {root: pictures, size: 32}}
pairs: tinyresnet -> tinycnn
teachers: {tinyresnet: {recipe: {epochs: 1}, accept: true}}
recipe: {base: quick, epochs: 3, batch_size: 8}
methods:
  ce:
  kd:
  fitnet:
  kd (tuned): {method: kd, temperature: {low: 1, high: 8}}
search: {trials: 5, parallel: 3, sampler: random, pruner: median}
seeds: 2
resources: {together: TOGETHER}
"""
TIMES = {"train_seconds", "teacher_images", "peak_memory_bytes", "held_memory_bytes"}


def go(folder: Path, empty_store: Path, together: int, text: str = SWEEP) -> Any:
    """Run the sweep in this process."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "mlflow.db").exists():
        shutil.copy(empty_store, home / "mlflow.db")
    if not (folder / "pictures").exists():
        small_sets(folder)
    (folder / "pictures.yaml").write_text(textwrap.dedent(text).replace("TOGETHER", str(together)))
    torch.set_num_threads(1)
    return run([str(folder / "pictures.yaml")], home=home, workers=0)


def results(folder: Path) -> dict[str, Any]:
    """Return how every trial has ended, and the values of its epochs, without times."""
    connection = sqlite3.connect(folder / "home" / "ledger.db")
    try:
        found = {
            key: (state, {n: v for n, v in json.loads(metrics).items() if n not in TIMES}, collapsed)
            for key, state, metrics, collapsed in connection.execute("SELECT key, state, metrics, collapsed FROM trial")
        }
        epochs = {
            (key, number): {n: v for n, v in json.loads(values).items() if "second" not in n}
            for key, number, values in connection.execute("SELECT key, number, metrics FROM epoch")
        }
    finally:
        connection.close()
    return {"trials": found, "epochs": epochs}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("alone")
    assert go(folder, empty_store, 1).exit_code in (0, 1)
    return results(folder)


def sizes_noted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many attempts each cohort has, as they begin."""
    noted: list[int] = []
    begin = cohort.Cohort.__init__

    def noting(self: Any, orders: Any, *given: Any, **more: Any) -> None:
        noted.append(len(orders))
        begin(self, orders, *given, **more)

    monkeypatch.setattr(cohort.Cohort, "__init__", noting)
    return noted


def test_eight_in_step_give_what_one_after_the_other_does(
    alone: dict[str, Any], tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
):
    noted = sizes_noted(monkeypatch)
    go(tmp_path, empty_store, 8)
    assert results(tmp_path) == alone
    assert sum(noted) == len(alone["trials"])
    assert sorted(noted) == [1, 2, 3, 4, 4]  # a teacher, proposals, the rows of two seeds


@pytest.mark.slow
def test_for_want_of_memory_fewer_are_trained_in_step(
    alone: dict[str, Any], tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
):
    noted = sizes_noted(monkeypatch)
    terms, left = tasks.Classification.terms, [1]

    def full(self: Any, student: Any, method: Any, seen: Any) -> Any:
        if left[0] and noted[-1] > 1 and seen.epoch == 2:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return terms(self, student, method, seen)

    monkeypatch.setattr(tasks.Classification, "terms", full)
    go(tmp_path, empty_store, 8)
    assert results(tmp_path) == alone
    first = next(i for i, size in enumerate(noted) if size > 1)
    assert set(noted[first + 1 :]) == {1}
    with_notes = Ledger(tmp_path / "home" / "ledger.db")
    attempts = [tuple(row) for row in with_notes.rows("SELECT state, reason FROM attempt WHERE state = 'LOST'")]
    with_notes.close()
    assert len(attempts) == 1 and "out of memory" in attempts[0][1]


@pytest.mark.slow
def test_an_exception_is_that_of_one(
    alone: dict[str, Any], tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
):
    terms = tasks.Classification.terms

    def broken(self: Any, student: Any, method: Any, seen: Any) -> Any:
        if student.taps is not None and seen.epoch == 2:
            raise ValueError("only features do")
        return terms(self, student, method, seen)

    monkeypatch.setattr(tasks.Classification, "terms", broken)
    go(tmp_path, empty_store, 8)
    found = results(tmp_path)["trials"]
    failed = [key for key, (state, _, _) in found.items() if state == "FAIL"]
    assert len(failed) == 2  # of two seeds
    assert {key: one for key, one in found.items() if key not in failed} == {
        key: one for key, one in alone["trials"].items() if key not in failed
    }
    monkeypatch.undo()
    go(tmp_path, empty_store, 8)
    assert results(tmp_path) == alone
