"""Searches that have nothing to confirm: a failed row in the run, in its status, in its table, and when run again."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from orchestrator.commands import run as running
from orchestrator.commands.status import status
from orchestrator.display import Nothing
from orchestrator.display.progress import sweep_progress
from orchestrator.ledger.ledger import Ledger
from orchestrator.sweep_run.beginning import what_there_is
from orchestrator.sweep_run.ends.conclusion import conclude
from orchestrator.worker import cohort
from orchestrator.worker.attempts import Attempt, Outcome, Report
from orchestrator.worker.worker import Order
from search_spaces import Sweep, nothing_to_confirm
from tests.orchestrator.simulation import drive, new_planner, sweep_of

SWEEP = """
name: fruitless
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 2}
methods:
  kd (tuned): {method: kd, temperature: {low: 1, high: 8}}
search: {trials: 4, parallel: 2, sampler: tpe}
seeds: 2
"""
CHOICES = SWEEP.replace("{low: 1, high: 8}", "{choice: [1, 2, 4]}").replace("trials: 4", "trials: 60")


@pytest.fixture
def ledger(home: Path) -> Ledger:
    home.mkdir()
    return Ledger(home / "ledger.db")


def ends_as(*endings: str, phase: str = "search") -> Callable[[Attempt], Outcome | None]:
    """End the trials of a phase so, one after the other, the last ending again and again."""
    left = list(endings)

    def ending(attempt: Attempt) -> Outcome | None:
        if attempt.phase != phase:
            return None
        state = left.pop(0) if len(left) > 1 else left[0]
        final = {"final_val_top1": 50.0} if state == "COMPLETE" else {}
        return Outcome(ending=state, metrics=final, reason="because")

    return ending


def run_to_its_end(sweep: Sweep, ledger: Ledger, ending: Callable[[Attempt], Outcome | None]) -> list[str]:
    drive(new_planner(ledger, sweep), slots=2, ending=ending)
    return conclude([sweep], ledger, stopped=False)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["DIVERGED"], "failed: its only proposal diverged"),
        (["DIVERGED"] * 3, "failed: all 3 proposals diverged"),
        (["PRUNED", "PRUNED"], "failed: all 2 proposals were pruned"),
        (["PRUNED", "DIVERGED", "DIVERGED"], "failed: of 3 proposals 2 diverged, 1 was pruned"),
        (["COMPLETE"], "failed: its only proposal has no score"),
        ([], "failed: nothing was proposed"),
    ],
)
def test_it_is_said_what_became_of_all_proposals(states, words):
    assert nothing_to_confirm(states) == words


@pytest.mark.parametrize(("text", "count"), [(SWEEP, 4), (CHOICES, 3)])
def test_a_search_that_diverged_is_a_failed_row(ledger, tmp_path, text, count):
    sweep = sweep_of(text, tmp_path)
    reason = f"failed: all {count} proposals diverged"
    for _ in range(2):  # the second time nothing is left to train
        assert run_to_its_end(sweep, ledger, ends_as("DIVERGED")) == [f"fruitless: kd (tuned) {reason}"]
        assert ledger.sweep("fruitless").state == "FAIL"
    progress = sweep_progress(sweep, ledger)
    (row,) = (row for row in progress.rows if row.row == "kd (tuned)")
    assert (row.failure, row.counts.failed, row.counts.total) == (reason, 2, count + 2)
    assert (progress.work_seconds, progress.counts.open) == (0, 0)
    assert f"kd (tuned): {reason}" in progress.problems
    lines = list(what_there_is(sweep, ledger, frozenset()))
    assert not any("to train" in line for line in lines)


def test_status_tells_it(ledger, home, tmp_path):
    run_to_its_end(sweep_of(SWEEP, tmp_path), ledger, ends_as("DIVERGED"))
    found = status("fruitless", home)
    content = json.loads(json.dumps(found.to_json()))
    assert content["state"] == "FAIL"
    assert [row["failure"] for row in content["rows"]] == ["", "failed: all 4 proposals diverged"]
    assert content["trials"] == {"total": 7, "done": 5, "running": 0, "failed": 2}
    assert "! kd (tuned): failed: all 4 proposals diverged" in found.to_text()
    assert "are left" not in found.to_text()


def test_a_search_that_found_one_setting_has_not_failed(ledger, tmp_path):
    sweep = sweep_of(SWEEP, tmp_path)
    assert run_to_its_end(sweep, ledger, ends_as("DIVERGED", "DIVERGED", "COMPLETE", "DIVERGED")) == []
    assert ledger.sweep("fruitless").state == "COMPLETE"


def test_one_of_two_cells_is_named(ledger, tmp_path):
    sweep = sweep_of(
        SWEEP.replace("tinyresnet -> tinycnn", "[tinyresnet -> tinycnn, tinyresnet -> tinyresnet]"), tmp_path
    )

    def ending(attempt: Attempt) -> Outcome | None:
        return ends_as("DIVERGED")(attempt) if attempt.trial.student.endswith("resnet") else None

    (problem,) = run_to_its_end(sweep, ledger, ending)
    assert problem == ("fruitless: kd (tuned) [digits100: tinyresnet -> tinyresnet] failed: all 4 proposals diverged")


def test_failed_proposals_are_tried_again_by_the_next_run(ledger, tmp_path):
    sweep = sweep_of(SWEEP, tmp_path)
    problems = run_to_its_end(sweep, ledger, ends_as("FAIL"))
    assert problems[0].startswith("fruitless: 4 trials (kd (tuned)) failed")
    assert problems[1] == "fruitless: kd (tuned) failed: all 4 proposals failed"
    assert run_to_its_end(sweep, ledger, lambda attempt: None) == []


@pytest.mark.parametrize("ending", ["FAIL", "DIVERGED"])
def test_a_search_whose_teacher_has_no_weights(ledger, home, tmp_path, ending):
    sweep = sweep_of(SWEEP, tmp_path)
    problems = run_to_its_end(sweep, ledger, ends_as(ending, phase="teacher"))
    assert len(problems) == 2
    expected = {
        "FAIL": "fruitless: 1 search (kd (tuned)) could not start or go on",
        "DIVERGED": "fruitless: kd (tuned) failed: its teacher diverged",
    }
    assert problems[1] == expected[ending]
    left = "are left" in status("fruitless", home).to_text()
    assert not left  # of a teacher that diverged nothing is left; of one that failed nobody knows how long it takes


class Refuses(optuna.samplers.RandomSampler):
    """A sampler that gives up after two proposals."""

    def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if trial.number == 2:
            raise ValueError("the matrix is singular")


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optuna_studies.live._new_sampler", lambda name, seed: Refuses(seed=seed))


def test_a_search_that_its_sampler_refuses(ledger, tmp_path, refusing, monkeypatch):
    sweep = sweep_of(SWEEP.replace("methods:\n", "methods:\n  ce:\n"), tmp_path)
    expected = [
        "fruitless: kd (tuned) failed: nothing more can be proposed: ValueError: the matrix is singular",
    ]
    for _ in range(2):
        assert run_to_its_end(sweep, ledger, lambda attempt: None) == expected
    rows = {row.row: row for row in sweep_progress(sweep, ledger).rows}
    assert rows["ce"].counts.done == 2  # other rows are none the worse
    assert (rows["kd (tuned)"].counts.done, rows["kd (tuned)"].counts.failed) == (2, 4)  # two proposals, two to confirm
    monkeypatch.undo()
    assert run_to_its_end(sweep, ledger, lambda attempt: None) == []


def diverging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every student diverge in its first epoch."""
    from trainers.files.store import Store

    def order_steps(order: Order, on_step: Callable[[], None] = lambda: None, **_: object):
        teacher = order.trial["role"] == "teacher"
        if teacher:
            weights = Store(Path(order.home)).weights(order.key)
            weights.parent.mkdir(parents=True, exist_ok=True)
            weights.write_bytes(b"weights")
        values = {"train_loss": 1.0, "test_top1": 50.0} if teacher else {"train_loss": float("nan")}
        metrics = {"final_top1": 50.0, "best_top1": 50.0, "train_seconds": 1.0} if teacher else {}
        yield Report(number=1, values=values, ending="COMPLETE" if teacher else "DIVERGED", metrics=metrics)

    monkeypatch.setattr(cohort, "order_steps", order_steps)


def test_a_sweep_with_nothing_but_such_rows_from_file_to_table(home, tmp_path, monkeypatch):
    diverging(monkeypatch)
    file = tmp_path / "fruitless.yaml"
    file.write_text(SWEEP)
    said: list[str] = []

    class Screen(Nothing):
        def say(self, line: str, *, command: bool = False) -> None:
            said.append(line)

        def ended(self, line: str, *, trouble: bool) -> None:
            if trouble:
                said.append(line)

    for _ in range(2):
        said.clear()
        result = running.run([file], home=home, workers=0, screen=Screen())
        assert result.exit_code == 1
        assert result.problems == ("fruitless: kd (tuned) failed: all 4 proposals diverged",)
        assert "FAIL        digits100: tinyresnet -> tinycnn  kd (tuned)  failed: all 4 proposals diverged" in said
    for name in ("table.md", "table.csv"):
        assert "failed: all 4 proposals diverged" in (home / "reports" / "fruitless" / name).read_text()
    assert "failed: all 4 proposals diverged" in (home / "reports" / "fruitless" / "table.tex").read_text()
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        assert ledger.sweep("fruitless").state == "FAIL"
