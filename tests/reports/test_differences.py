"""Differences as tables print them: the number that was tested, or why there is none."""

from typing import Any

import pytest

import reports
from reports import ablating, ablation_tables, latex, markdown
from reports.columns import columns
from reports.differences import differences
from reports.page.behind import Behind
from reports.page.cross import payload
from reports.spread import Stat
from reports.statistics import contrast
from tests.reports.fake_store import results_of
from tests.reports.fake_sweep import FakeSweep, FakeTrial, grid, row

KD = {0: 60.0, 1: 62.0}
ROWS = {"paired": {0: 61.0, 1: 64.0, 2: 70.0}, "one": {1: 64.0, 7: 66.0}, "apart": {5: 63.0, 6: 64.0}}


def trials_of(label: str, by_seed: dict[int, float], **values: Any) -> list[FakeTrial]:
    return [FakeTrial(row=label, seed=seed, top1=top1, **values) for seed, top1 in by_seed.items()]


@pytest.fixture(scope="module")
def results() -> reports.Results:
    trials = [trial for label, of in {"kd": KD, **ROWS}.items() for trial in trials_of(label, of)]
    trials += [FakeTrial(row="lost", state="DIVERGED"), FakeTrial(row="lost", seed=1, state="FAIL")]
    rows = [row(label) for label in ("kd", *ROWS, "lost")]
    return results_of(FakeSweep("little", trials, rows, report={"baseline": "kd"}))


def test_each_is_the_difference_of_its_test() -> None:
    found = differences([(ours, KD) for ours in ROWS.values()])
    assert [stat.mean for stat in found if stat] == [contrast(ours, KD).mean for ours in ROWS.values()] == [1.5, 4, 2.5]
    assert [(stat.count, stat.std is None) for stat in found if stat] == [
        ("2", False),
        ("2/2, one common seed", True),
        ("2/2, no common seed", True),
    ]
    assert differences([({3: 61.0}, {3: 60.0}), ({}, KD), (KD, {})]) == [Stat((3,), 1.0, None, 1.0, 1.0), None, None]


def test_the_table_agrees_with_the_column_and_says_why_a_cell_is_empty(results: reports.Results) -> None:
    table = reports.table(results)
    (column,) = [column for column in columns(table) if column.head == "Δ kd"]
    assert [text for text in column.texts if text] == ["+1.5", "+4.0", "+2.5", "–"]
    text = markdown.render(table).partition("## Difference from kd")[2].partition("\n## ")[0]
    assert "| paired | +1.5 ± 0.7 (2) |" in text and "| one | +4.0 (2/2, one common seed) |" in text
    assert "| apart | +2.5 (2/2, no common seed) |" in text
    assert "| lost | – failed 1 of 2, diverged 1 of 2 |" in text
    assert "difference of the means (seeds of each)" in text
    written = latex.fragments(table)["difference"]
    assert "a: failed 1 of 2, diverged 1 of 2." in written and "no common seed" in written
    assert [line["scores"][0]["missing"] for line in payload(table, Behind(results, table))["differences"]] == [
        *["", "", ""],
        "failed 1 of 2, diverged 1 of 2",
    ]


def test_a_baseline_without_a_number_is_the_reason() -> None:
    trials = [*trials_of("dkd", KD), FakeTrial(row="kd", state="FAIL")]
    sweep = FakeSweep("lost", trials, [row("kd"), row("dkd")], report={"baseline": "kd"})
    assert reports.table(results_of(sweep)).differences[0].missing == ("kd: failed 1 of 1",)


def test_ablations_go_by_the_same_rule() -> None:
    trials = trials_of("g k=1", KD, entry="g", method="gdkd") + trials_of(
        "g k=5", ROWS["apart"], entry="g", method="gdkd"
    )
    trials += [FakeTrial(row="g k=9", entry="g", method="gdkd", state="DIVERGED")]
    sweep = FakeSweep("grid", trials, grid("g", "k", (1, 5, 9)), report={"baseline": "g k=1"})
    text = ablation_tables.as_markdown(ablating.build(results_of(sweep)))
    assert "| +2.5 (2/2, no common seed) |" in text and "| – diverged | – diverged |" in text
    assert "difference of the means" in text
