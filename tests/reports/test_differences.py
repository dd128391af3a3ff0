"""Differences as tables print them: the number that was tested, or why there is none."""

from typing import Any

import pytest

import reports
from reports.board.verdicts import difference
from reports.statistics.spread import Stat
from reports.tables.table import Missing
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import FakeSweep, FakeTrial, grid, row
from tests.reports.shown import as_latex, as_markdown, lines_of, main, tables

KD = {0: 60.0, 1: 62.0}
ROWS = {"paired": {0: 61.0, 1: 64.0}, "one": {1: 64.0, 7: 66.0}, "apart": {5: 63.0, 6: 64.0}}


def trials_of(label: str, by_seed: dict[int, float], **values: Any) -> list[FakeTrial]:
    return [FakeTrial(row=label, seed=seed, top1=top1, **values) for seed, top1 in by_seed.items()]


@pytest.fixture(scope="module")
def results() -> reports.Results:
    trials = [trial for label, of in {"kd": KD, **ROWS}.items() for trial in trials_of(label, of)]
    trials += [FakeTrial(row="lost", state="DIVERGED"), FakeTrial(row="lost", seed=1, state="FAIL")]
    rows = [row(label) for label in ("kd", *ROWS, "lost")]
    return results_of(FakeSweep("little", trials, rows, report={"baseline": "kd"}))


def test_each_is_the_difference_of_the_means_shown() -> None:
    found = [difference(ours, KD) for ours in ROWS.values()]
    assert [stat.mean for stat in found if stat] == [1.5, 4, 2.5]
    assert [(stat.count, stat.std is None) for stat in found if stat] == [("2", False), ("2/2", True), ("2/2", True)]
    assert difference({3: 61.0}, {3: 60.0}) == Stat((3,), 1.0, None, 1.0, 1.0)
    assert difference({}, KD) is difference(KD, {}) is difference({}, {}) is None


def test_the_table_agrees_with_the_column_and_says_why_a_cell_is_empty(results: reports.Results) -> None:
    assert [line["Δ KD"] for line in lines_of(main(results)) if line["Δ KD"]] == ["+1.5", "+4.0", "+2.5", "–"]
    table = tables(results)["difference"]
    text = as_markdown(table)
    assert "| paired | +1.5 ± 0.7 (2) |" in text and "| one | +4.0 (2/2) |" in text
    assert "| apart | +2.5 (2/2) |" in text
    assert "| lost | – failed 1 of 2, diverged 1 of 2 |" in text
    assert "difference of the means (seeds of each)" in text
    written = as_latex(table)
    assert "(a) failed 1 of 2, diverged 1 of 2." in written and "(2/2)" in written
    missing = [cell.why for line in table.rows for cell in line.cells if isinstance(cell, Missing)]
    assert missing == ["failed 1 of 2, diverged 1 of 2"]


def test_a_baseline_without_a_number_is_the_reason() -> None:
    trials = [*trials_of("dkd", KD), FakeTrial(row="kd", state="FAIL")]
    sweep = FakeSweep("lost", trials, [row("kd"), row("dkd")], report={"baseline": "kd"})
    (cell,) = tables(results_of(sweep))["difference"].rows[0].cells[1:]
    assert isinstance(cell, Missing) and cell.why == "KD: failed 1 of 1"


def test_ablations_go_by_the_same_rule() -> None:
    trials = trials_of("g k=1", KD, entry="g", method="gdkd") + trials_of(
        "g k=5", ROWS["apart"], entry="g", method="gdkd"
    )
    trials += [FakeTrial(row="g k=9", entry="g", method="gdkd", state="DIVERGED")]
    sweep = FakeSweep("grid", trials, grid("g", "k", (1, 5, 9)), report={"baseline": "g k=1"})
    text = as_markdown(*reports.Report(results_of(sweep)).ablations)
    assert "| +2.5 (2/2) |" in text and "| – diverged | – diverged |" in text
    assert "difference of the means" in text
