"""The numbers of the table: which trials are in them, what is missing, what is best, what a search chose."""

import sqlite3
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

import reports
from reports.board.board import Board, Line
from reports.board.score import Score
from reports.figures.kinds.over_values import grid_of
from reports.formats import markdown
from reports.report import Report
from reports.results.sweep import Row, Value
from reports.statistics.spread import best, paired_difference, summarise
from reports.tables.table import Number
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import (
    CELL,
    NASTY,
    RANGES,
    SEARCH_SEED,
    FakeSweep,
    FakeTrial,
    a_search,
    row,
    seeds,
    teacher,
)
from tests.reports.shown import tables

SQL = """
SELECT m.value FROM latest_metrics m JOIN tags s ON s.run_uuid = m.run_uuid AND s.key = 'state'
JOIN runs r ON r.run_uuid = m.run_uuid WHERE m.key = 'final_top1' AND s.value = 'COMPLETE' AND r.status = 'FINISHED'
AND m.run_uuid IN ({runs})
"""


def line(table: Board, label: str) -> Line:
    return next(line for line in table.lines if line.row.label == label)


def only(table: Board, label: str) -> Score:
    (score,) = line(table, label).scores
    return score


@pytest.fixture(scope="module")
def table(whole: reports.Results) -> Board:
    return reports.table(whole)


def test_means_are_those_of_plain_sql(whole: reports.Results, told_home: Path, table: Board) -> None:
    members = whole.members
    reported = members[(members["phase"] == "fixed") | (members["rank"] == 1).fillna(False)]
    with sqlite3.connect(told_home / "mlflow.db") as database:
        for label in reported["row"].unique():
            runs = reported[reported["row"] == label]["run_id"].dropna().tolist()
            marks = ", ".join("?" for _ in runs)
            values = [value for (value,) in database.execute(SQL.format(runs=marks), runs)]
            stat = only(table, label).stat
            assert (0 if stat is None else stat.n) == len(values)
            if stat is not None:
                assert stat.mean == pytest.approx(statistics.fmean(values), abs=1e-12)
                assert stat.std == (pytest.approx(statistics.stdev(values)) if len(values) > 1 else None)


def test_only_complete_reported_trials_count(table: Board) -> None:
    scores = [score for line in table.lines for score in line.scores]
    assert max(value for score in scores for value in score.by_seed.values()) == 83.6  # all lost ones have 90 and more


def test_missing_numbers_say_why(table: Board) -> None:
    reasons = {line.row.label: line.scores[0].missing for line in table.lines}
    assert reasons["broken"] == "failed 2 of 3, interrupted 1 of 3"
    assert reasons["half"] == "running 1 of 3, not run 1 of 3"
    assert reasons["dkd"] == "diverged 1 of 3"
    assert reasons["waiting"] == "not run"
    assert reasons["pruned"] == "pruned"
    assert reasons["searching"] == "search not finished, 1 ended"
    assert reasons["kd"] == reasons["gdkd (tuned)"] == reasons["teacher"] == ""


def test_order_teacher_alone_then_the_sweeps(table: Board) -> None:
    assert [line.kind for line in table.lines[:3]] == ["teacher", "alone", "method"]
    assert [line.row.label for line in table.lines[2:5]] == ["kd", "dkd", "gdkd (by k) k=1"]


def test_ce_comes_on_top_wherever_the_sweep_lists_it(results_of: Loader) -> None:
    trials = [*seeds("kd", (60.0,)), *seeds("ce", (70.0,), method="ce")]
    table = reports.table(results_of(FakeSweep("late", trials, [row("kd"), row("ce", "ce")])))
    assert [line.row.label for line in table.lines] == ["teacher", "ce", "kd"]
    assert not only(table, "ce").best
    assert only(table, "kd").best
    assert only(table, "teacher").missing == "not trained here"


def test_rank_two_is_in_the_search_alone(table: Board) -> None:
    assert only(table, "gdkd (tuned)").stat.mean == pytest.approx(66.9)
    assert only(table, "gdkd (tuned)").setting == {"k": 7, "w2": 8.5}
    first, second, open_one = table.choices
    assert (first.rank, first.setting, first.validation.mean) == (1, {"k": 7, "w2": 8.5}, 64.5)
    assert first.test.mean == pytest.approx(66.9)
    assert (second.rank, second.setting, second.test.mean) == (2, {"k": 7, "w2": 4.25}, 97.0)
    assert dict(first.ended) == {"COMPLETE": 4, "PRUNED": 1, "DIVERGED": 1}
    assert first.tuned == ("k = 1…30 (log)", "w₂ = 1…16 (log)")
    assert (open_one.setting, open_one.open, dict(open_one.ended)) == (None, 1, {"COMPLETE": 1})


def test_the_validation_of_a_raced_setting_is_the_mean_over_its_search_seeds(results_of: Loader) -> None:
    chosen = next(trial for trial in a_search("tuned") if trial.settings == {"k": 7, "w2": 8.5})
    race = [replace(chosen, seed=place * SEARCH_SEED, top1=top1) for place, top1 in ((2, 66.5), (3, 65.5))]
    results = results_of(FakeSweep("raced", a_search("tuned") + race, [row("tuned", "gdkd", dimensions=RANGES)]))
    first, second = reports.table(results).choices
    assert (first.validation.mean, first.validation.n, sum(first.ended.values())) == (65.5, 3, 8)
    assert (second.validation.mean, second.validation.n) == (64.5, 1)
    (table,) = (one for one in Report(results).tables if one.name == "search")
    text = markdown.render(table)
    assert "| k = 7, w₂ = 8.5 | 65.5 ± 1.0 (3) | 66.9 ± 0.2 (3) | -1.4 |" in text
    assert "| k = 7, w₂ = 4.25 | 64.5 | 97.0 ± 0.0 (3) |" in text
    assert "mean and spread over so many search seeds" in text


def test_what_was_searched_is_inferred_where_it_is_not_listed(results_of: Loader) -> None:
    trials = a_search("tuned")
    for rows in ([row("tuned", "gdkd")], []):
        table = reports.table(results_of(FakeSweep("inferred", trials, rows)))
        assert table.choices[0].setting == {"k": 7, "w2": 8.5}


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (["WAITING", "WAITING"], "not run"),
        (["PRUNED", "DIVERGED"], "failed: of 2 proposals 1 diverged, 1 was pruned"),
        (["DIVERGED", "DIVERGED"], "failed: all 2 proposals diverged"),
        (["COMPLETE", "PRUNED"], "not confirmed"),
        (["COMPLETE", "INTERRUPTED"], "search not finished, 1 ended"),
    ],
)
def test_a_search_without_a_confirmed_setting(results_of: Loader, states: list[str], reason: str) -> None:
    trials = [FakeTrial(row="t", phase="search", settings={"k": k}, state=s) for k, s in enumerate(states, start=1)]
    table = reports.table(results_of(FakeSweep("open", trials, [row("t", "gdkd", dimensions=RANGES[:1])])))
    assert only(table, "t").missing == reason


def test_one_seed_has_no_spread(results_of: Loader) -> None:
    results = results_of(FakeSweep("single", [teacher(80.0), *seeds("kd", (60.25,))], [row("kd")]))
    stat = only(reports.table(results), "kd").stat
    assert (stat.n, stat.std, stat.seeds) == (1, None, (0,))
    text = reports.console_table(results)
    assert "60.2 (1)" in text
    assert "±" not in text
    assert "One seed" in text


def test_nothing_has_finished(results_of: Loader) -> None:
    trials = [teacher(0.0, "RUNNING"), FakeTrial(row="kd", state="WAITING")]
    results = results_of(FakeSweep("early", trials, [row("kd"), row("never asked")]))
    table = reports.table(results)
    assert [(line.row.label, line.scores[0].missing) for line in table.lines] == [
        ("teacher", "running"),
        ("kd", "not run"),
        ("never asked", "not run"),
    ]
    assert not any(score.best for line in table.lines for score in line.scores)
    assert "No trial that counts has ended yet" in reports.console_table(results)


def test_a_teacher_that_failed_is_named_as_the_reason(results_of: Loader) -> None:
    trials = [teacher(0.0, "FAIL"), FakeTrial(row="kd", state="WAITING"), *seeds("ce", (50.0,), method="ce")]
    table = reports.table(results_of(FakeSweep("bad", trials, [row("ce", "ce"), row("kd")])))
    assert only(table, "kd").missing == "not run: teacher failed"
    assert only(table, "teacher").missing == "failed 1 of 1"


def test_a_complete_trial_without_accuracy(results_of: Loader) -> None:
    trials = [*seeds("kd", (60.0,)), FakeTrial(row="kd", seed=1, metrics={"final_top1": float("nan")})]
    table = reports.table(results_of(FakeSweep("nan", trials, [row("kd")])))
    assert only(table, "kd").missing == "no accuracy recorded 1 of 2"
    assert only(table, "kd").stat.n == 1


def test_two_data_sets_and_a_baseline(nasty: reports.Results) -> None:
    table = reports.table(nasty)
    assert table.several_datasets
    assert [score.stat.mean for score in table.lines[0].scores] == [80.0, 81.0]
    assert [score.stat.mean for score in line(table, NASTY).scores] == [61.0, 62.0]
    assert table.baseline == "KD_{paper}"
    difference = tables(nasty)["difference"].rows[0].cells[1]
    assert isinstance(difference, Number) and (difference.value, difference.count) == (0.25, "2")
    assert difference.std == pytest.approx(statistics.stdev([1.0, -0.5]))


def test_trials_of_one_cell_are_not_in_another(results_of: Loader) -> None:
    cells = (CELL, "digits100: tinyresnet -> other")
    trials = [*seeds("kd", (60.0,)), *seeds("kd", (70.0,), cell=cells[1]), teacher(80.0)]
    table = reports.table(results_of(FakeSweep("two", trials, [row("kd")], cells)))
    assert [score.stat.mean for score in line(table, "kd").scores] == [60.0, 70.0]
    assert [score.stat.mean for score in table.lines[0].scores] == [80.0, 80.0]


def test_spread_worked_by_hand() -> None:
    stat = summarise({2: 1.0, 0: 3.0, 1: 8.0})
    assert (stat.n, stat.mean, stat.seeds, stat.low, stat.high) == (3, 4.0, (0, 1, 2), 1.0, 8.0)
    assert stat.std == pytest.approx(((9 + 1 + 16) / 2) ** 0.5)
    assert summarise({}) is None
    assert paired_difference({0: 5.0, 1: 7.0, 3: 9.0}, {1: 4.0, 3: 8.0, 2: 0.0}).mean == 2.0
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_what_prints_alike_is_equally_best() -> None:
    stats = [summarise({0: value}) for value in (66.04, 65.96, 65.94)]
    assert best([*stats, None], digits=1) == (True, True, False, False)
    assert best([*stats, None], digits=2) == (True, False, False, False)
    assert best([None], digits=1) == (False,)


def test_grids_over_one_number() -> None:
    def of(label: str, **values: Value) -> Row:
        return Row("e", label, "gdkd", values, grid=tuple(values))

    assert grid_of([of("e k=1", k=1), of("e k=5", k=5)]) == ("k", {"e k=1": 1.0, "e k=5": 5.0})
    assert grid_of([Row("e", "e k=1"), Row("e", "e k=5")]) == ("k", {"e k=1": 1.0, "e k=5": 5.0})
    assert grid_of([of("e k=1", k=1)]) is None
    assert grid_of([of("e kl=forward", kl="forward"), of("e kl=reverse", kl="reverse")]) is None
    assert grid_of([of("e s=true", s=True), of("e s=false", s=False)]) is None
    assert grid_of([of("e k=1 w=1", k=1, w=1), of("e k=2 w=1", k=2, w=1)]) is None


def test_what_differs_within_a_mean_is_told(results_of: Loader) -> None:
    """One seed of kd had two threads; the rows of dkd are alike among themselves, if not with kd's."""
    trials = [
        FakeTrial(row="kd", seed=seed, top1=60.0 + seed, tags={"threads": str(1 + (seed == 2))}) for seed in (0, 1, 2)
    ]
    trials += [FakeTrial(row="dkd", seed=seed, top1=61.0, tags={"threads": "4", "torch": "2.14"}) for seed in (0, 1)]
    trials += [FakeTrial(row="kd", seed=3, state="FAIL", tags={"threads": "1", "torch": "2.13"})]
    results = results_of(FakeSweep("threads", trials, [row("kd"), row("dkd", "dkd")]))
    told = [note for note in tables(results)["head_to_head"].notes if "within a mean" in note]
    assert told == ["Threads differ within a mean (1, 2): KD."]
