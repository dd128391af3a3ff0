"""A report of a sweep that has not ended says what is missing; one of a sweep that has says nothing of it."""

import dataclasses
import shutil
from pathlib import Path

import pytest

import reports
from reports.formats import latex, markdown
from reports.results.standing import standing
from tests.reports.conftest import tell
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row, seeds, whole_sweep
from tests.reports.in_memory import results
from tests.reports.shown import main

STATES = ("COMPLETE", "COMPLETE", "DIVERGED", "FAIL", "INTERRUPTED", "RUNNING", "WAITING", "WAITING")


def sweep(states: tuple[str, ...]) -> FakeSweep:
    return FakeSweep("standing", [FakeTrial(row="kd", seed=n, state=s) for n, s in enumerate(states)], [row("kd")])


def test_what_is_missing_is_told_in_every_table() -> None:
    found = results(sweep(STATES))
    table = reports.table(found)
    sentence = "Not finished; trials that have ended: 4 of the 8 known so far (1 interrupted, 1 running, 2 not run)."
    assert table.notes == (sentence,)
    assert sentence in markdown.render(main(found)) and sentence in latex.render(main(found))
    assert sentence in reports.console_table(found, 10_000)
    assert sentence in reports.note(found)


def test_nothing_is_told_of_a_sweep_that_has_ended() -> None:
    assert reports.table(results(sweep(("COMPLETE", "DIVERGED", "FAIL", "PRUNED")))).notes == ()


def test_a_trial_that_serves_two_rows_is_counted_once() -> None:
    shared = FakeTrial(row="kd", state="RUNNING", key="a" * 64)
    trials = [shared, dataclasses.replace(shared, row="again"), *seeds("dkd", (60.0,))]
    found = standing(results(FakeSweep("shared", trials, [row("kd"), row("again"), row("dkd")])))
    assert (found.total, found.ended, found.missing) == (2, 1, {"running": 1})


@pytest.mark.slow
def test_a_process_of_its_own_writes_what_there_is(empty_store: Path, tmp_path: Path) -> None:
    """As `run --report-every` has it written, for real."""
    from orchestrator.refreshing import ProcessWriter

    assert ProcessWriter(tmp_path)("whole") == ""  # not told yet: no trouble, no report
    assert not (tmp_path / "reports").exists()
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    tell(tmp_path, whole_sweep())
    assert ProcessWriter(tmp_path)("whole") == ""
    assert "Not finished" in (tmp_path / "reports" / "whole" / "table.md").read_text()
