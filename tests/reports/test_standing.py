"""A report of a sweep that has not ended says what is missing; one of a sweep that has says nothing of it."""

import dataclasses
import sys

import pytest

import reports
from orchestrator.command_line.run import report_lines
from reports.formats import latex, markdown
from reports.results.states import unfinished
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row, seeds
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
    assert sentence in reports.Report(found).note()


def test_nothing_is_told_of_a_sweep_that_has_ended() -> None:
    assert reports.table(results(sweep(("COMPLETE", "DIVERGED", "FAIL", "PRUNED")))).notes == ()


def test_a_trial_that_serves_two_rows_is_counted_once() -> None:
    shared = FakeTrial(row="kd", state="RUNNING", key="a" * 64)
    trials = [shared, dataclasses.replace(shared, row="again"), *seeds("dkd", (60.0,))]
    (told,) = unfinished(results(FakeSweep("shared", trials, [row("kd"), row("again"), row("dkd")])))
    assert "1 of the 2 known so far (1 running)" in told


def test_a_stopped_run_names_the_line_that_makes_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kdsweep", "run", "a.yaml"])
    assert list(report_lines(("a", "b c"), "my home")) == [
        "report of what there is: kdsweep report a --home 'my home'",
        "report of what there is: kdsweep report 'b c' --home 'my home'",
    ]
    assert next(report_lines(("a",), None)).endswith("kdsweep report a")
