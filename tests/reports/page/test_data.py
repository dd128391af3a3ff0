"""What the page is given to show: the table's numbers, the runs behind each of them, curves, figures."""

import dataclasses
import json
from typing import Any

import pytest

import reports
import reports.run_details
from reports import further, head_to_head, plots
from reports.page import data
from reports.page.compact import CURVE_POINTS, differences, indexed, points_a_curve, steps_and_values, thinned
from reports.stores import COMMIT, DIRTY, RunDetails
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import FakeSweep, FakeTrial, mixed_sweep, row, seeds


def payload(results: reports.Results) -> dict[str, Any]:
    """The data as the page's script reads it."""
    table = head_to_head.build(results)
    found = data.payload(
        results, table, further.sheets(results, table), further.tables(results, table), plots.build(results, table)[0]
    )
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.fixture(scope="module")
def shown(whole: reports.Results) -> dict[str, Any]:
    return payload(whole)


def line_of(shown: dict[str, Any], name: str) -> dict[str, Any]:
    return next(line for line in shown["lines"] if line["name"] == name)


def texts(shown: dict[str, Any], column: str) -> list[str]:
    kept = shown["trials"][column]
    return [kept["values"][place] if place >= 0 else "" for place in kept["at"]]


def test_numbers_are_those_of_the_table(shown: dict[str, Any]) -> None:
    (kd,) = line_of(shown, "kd")["scores"]
    assert (kd["text"], kd["rest"], kd["mean"], kd["best"]) == ("63.1", " ± 0.7 (3)", 63.1, False)
    (tuned,) = line_of(shown, "gdkd (tuned)")["scores"]
    assert (tuned["text"], tuned["best"], tuned["setting"]) == ("66.9", True, "k=7; w2=8.5")
    (broken,) = line_of(shown, "broken")["scores"]
    assert (broken["mean"], broken["missing"]) == (None, "failed 2 of 3, interrupted 1 of 3")
    assert [line["kind"] for line in shown["lines"][:3]] == ["teacher", "alone", "method"]


def test_marks_and_what_the_panel_says(results_of: Loader) -> None:
    """Seed by seed a is ahead of b by 1, 2, 3 points (t = 3.46, p = 0.074), of c by 9, 10, 11 (t = 17.3, p = 0.003)."""
    trials = [*seeds("a", (70.0, 71.0, 72.0)), *seeds("b", (69.0, 69.0, 69.0)), *seeds("c", (61.0, 61.0, 61.0))]
    groups = {"a": "tuned", "b": "tuned", "c": "plain"}
    sweep = FakeSweep("marked", trials, [row("a"), row("b"), row("c")], report={"groups": groups, "baseline": "c"})
    shown = payload(results_of(sweep))
    (a,), (b,), (c,) = (line_of(shown, name)["scores"] for name in "abc")
    assert [(s["best"], s["second"], s["marks"]) for s in (a, b, c)] == [
        (True, False, ""),
        (False, True, "†"),
        (False, False, ""),
    ]
    assert b["notes"][0].startswith("-2.00 points against the best, a: not significant at 0.05 (paired t, p = 0.0742;")
    assert c["notes"] == [
        "-10.00 points against the best, a: significant at 0.05 (paired t, p = 0.00332; 0.00663 by Holm among 2)."
    ]
    assert a["notes"][0] == "The highest mean of its column, as printed."
    assert [line["group"] for line in shown["lines"]] == ["", "tuned", "tuned", "plain"]
    assert shown["columns"][-1]["head"] == "Δ c" and shown["columns"][-1]["texts"][1:3] == ["+10.0", "+8.0"]


def test_further_tables(whole: reports.Results, shown: dict[str, Any]) -> None:
    names = [sheet["name"] for sheet in shown["sheets"]]
    assert {"statistics", "statistics-best", "best_epoch", "cost"} <= set(names)
    for sheet in shown["sheets"]:
        assert {len(line) for line in sheet["lines"]} == {len(sheet["heads"])} and sheet["title"] and sheet["notes"]
    (top5,) = shown["tables"]
    assert top5["title"] == "Top-5 accuracy"
    (score,) = next(line for line in top5["lines"] if line["name"] == "kd")["scores"]
    assert score["text"] == "99.0" and set(score["trials"]) == set(whole.trials.index[whole.trials["row"] == "kd"])


def test_the_runs_behind_a_cell(whole: reports.Results, shown: dict[str, Any]) -> None:
    trials = whole.trials
    (score,) = line_of(shown, "gdkd (tuned)")["scores"]
    behind = trials.iloc[score["trials"]]
    assert set(behind.index) == set(trials.index[trials["row"] == "gdkd (tuned)"])
    assert behind["phase"].tolist() == ["confirm"] * 6 + ["search"] * 6  # those in the mean first
    assert behind["rank"].tolist()[:6] == [1, 1, 1, 2, 2, 2] and behind["seed"].tolist()[:3] == [0, 1, 2]
    in_mean = [place for place in score["trials"] if shown["trials"]["counts"][place]]
    assert in_mean == score["trials"][:3]
    assert trials.loc[in_mean, "final_top1"].mean() == pytest.approx(score["mean"], abs=1e-4)


def test_every_number_is_the_mean_of_the_runs_it_opens(nasty: reports.Results, whole: reports.Results) -> None:
    for results in (nasty, whole):
        shown = payload(results)
        for line in shown["lines"]:
            for score in line["scores"]:
                values = [shown["trials"]["score"][i] for i in score["trials"] if shown["trials"]["counts"][i]]
                assert (sum(values) / len(values) if values else None) == (
                    score["mean"] and pytest.approx(score["mean"], abs=1e-3)
                )


def test_trials_as_columns(whole: reports.Results, shown: dict[str, Any]) -> None:
    trials = shown["trials"]
    assert trials["count"] == len(whole.trials) == len(trials["key"]) == len(trials["run"])
    assert texts(shown, "state") == whole.trials["state"].tolist()
    assert trials["key"] == whole.trials["trial_key"].tolist()
    assert [run is None for run in trials["run"]] == whole.trials["run_id"].isna().tolist()
    settings = dict(zip(trials["key"], texts(shown, "setting"), strict=True))
    assert settings[whole.trials.query("row == 'gdkd (by k) k=20'")["trial_key"].iloc[0]] == "k=20; w2=8"
    assert set(texts(shown, "recipe")) == {"epochs=10", ""}
    assert dict(map(tuple, shown["states"]))["FAIL"] == 2


def test_how_a_run_came_about(whole: reports.Results) -> None:
    tags = {COMMIT: "abc", DIRTY: "True", "torch": "2.14", "cuda": "13.0", "python": "3.13", "device": "H100 & co"}
    failed = {"reason": "Traceback:\n  File x\nValueError: no <b>\n", "attempts": "3"}

    def details(run_ids: list[str]) -> dict[str, RunDetails]:
        first, second, *_ = run_ids
        return {first: RunDetails(first, 1000, 63_500, tags), second: RunDetails(second, 1000, None, failed)}

    shown = payload(dataclasses.replace(whole, details_of=details))
    first, second, *_ = sorted(set(whole.trials["run_id"].dropna()))
    one, other = (shown["trials"]["run"].index(run_id) for run_id in (first, second))
    assert (texts(shown, "commit")[one], shown["trials"]["changed"][one]) == ("abc", 1)
    assert texts(shown, "versions")[one] == "torch 2.14, cuda 13.0, python 3.13"
    assert (texts(shown, "device")[one], shown["trials"]["wall"][one]) == ("H100 & co", 62.5)
    assert (texts(shown, "reason")[other], texts(shown, "attempts")[other]) == ("ValueError: no <b>", "3")
    assert shown["trials"]["wall"][other] is None


def test_details_come_from_the_store(results_of: Loader) -> None:
    tags = {COMMIT: "c0ffee", DIRTY: "False", "device": "cpu", "attempts": "1", "host": "not read"}
    results = results_of(FakeSweep("told", seeds("kd", (60.0, 61.0), tags=tags), [row("kd")]))
    found = reports.run_details.run_details(results)
    assert set(found) == set(results.trials["run_id"])
    for one in found.values():
        assert one.tags == {COMMIT: "c0ffee", DIRTY: "False", "device": "cpu", "attempts": "1"}
        assert (one.start_time, one.end_time, one.seconds) == (1000, 3000, 2.0)


def test_curves(whole: reports.Results) -> None:
    runs = whole.trials["run_id"].dropna().tolist()

    def curves(run_ids: list[str], names: tuple[str, ...]) -> dict[str, dict[str, list[tuple[int, float]]]]:
        assert set(run_ids) <= set(runs) and "test_top1" in names
        long = [(epoch, 60 + epoch / 100) for epoch in range(1, 201)]
        return {
            runs[0]: {"test_top1": [(1, 20.0), (2, 30.004), (3, 29.5)], "val_top1": [(1, 1.0)]},
            runs[1]: {"val_top1": long},
        }

    shown = payload(dataclasses.replace(whole, curves_of=curves))
    first, second = (shown["trials"]["run"].index(run_id) for run_id in runs[:2])
    epochs, values = shown["curves"]["epochs"], shown["curves"]["values"]
    assert (epochs["values"][epochs["at"][first]], values[first]) == ([1, 2, 3], [2000, 1000, -50])
    thin = epochs["values"][epochs["at"][second]]
    assert (len(thin), thin[0], thin[-1], sum(values[second])) == (CURVE_POINTS, 1, 200, 6200)
    assert shown["curvesNote"] == f"Curves are shown by {CURVE_POINTS} of their epochs."
    assert sum(place >= 0 for place in epochs["at"]) == 2


def test_too_many_trials_have_fewer_points_then_none() -> None:
    assert points_a_curve(100) == points_a_curve(25_000) == CURVE_POINTS
    assert points_a_curve(50_000) == 20
    assert points_a_curve(200_000) == 0
    assert thinned([(i, 0.0) for i in range(5)], 3) == [(0, 0.0), (2, 0.0), (4, 0.0)]


def test_curves_without_sound_values_are_none() -> None:
    kept = steps_and_values({0: [(1, float("nan")), (2, 1.0)], 1: [(1, 1.0), (2, float("inf")), (3, 2.0)]}, 2, 40)
    assert kept["epochs"]["at"] == [-1, 0] and kept["values"] == [0, [100, 100]]
    assert differences([5, 7, 6]) == [5, 2, -1]
    assert indexed(["a", None, "b", "a", ""]) == {"values": ["a", "b"], "at": [0, -1, 1, 0, -1]}


def test_the_search_table(whole: reports.Results, shown: dict[str, Any]) -> None:
    search = shown["search"]
    assert search["heads"] == ["method", "tuned", "trials", "epochs", "time", "rank", "setting", "validation", "test"]
    first = dict(zip(search["heads"], search["lines"][0], strict=True))
    assert first["trials"] == ["6: 4 complete, 1 pruned, 1 diverged", 6]
    assert (first["validation"], first["test"]) == (["64.5", 64.5], ["66.9 ± 0.2 (3)", 66.9])
    assert set(search["trials"][0]) == set(whole.trials.index[whole.trials["row"] == "gdkd (tuned)"])


def test_figures(shown: dict[str, Any]) -> None:
    by_kind = {figure["kind"]: figure for figure in shown["figures"]}
    assert set(by_kind) == {"grid", "budget", "cost"}
    (curve,) = by_kind["grid"]["series"]
    assert [point[0] for point in curve["points"]] == [1, 5, 20, 99]
    assert curve["points"][1][4] == "k = 5: 66.7 ± 0.2 (3)" and len(curve["dots"]) == 12
    assert by_kind["grid"]["x"]["log"] and dict(map(tuple, by_kind["grid"]["levels"]))["kd"] == 63.1
    budget = {series["name"]: series["points"] for series in by_kind["budget"]["series"]}
    assert len(budget["gdkd (tuned)"]) == 6 and budget["gdkd (tuned)"][-1][1] == 64.5
    assert "Pareto front" in [series["name"] for series in by_kind["cost"]["series"]]
    for figure in shown["figures"]:
        assert figure["title"] and figure["about"] and figure["x"]["label"] and figure["y"]["label"]


def test_nothing_finished(results_of: Loader) -> None:
    trials = [FakeTrial(row="kd", seed=seed, state="WAITING") for seed in range(2)]
    shown = payload(results_of(FakeSweep("fresh", trials, [row("kd")])))
    assert line_of(shown, "kd")["scores"][0]["missing"] == "not run"
    assert shown["figures"] == [] and shown["search"] is None and shown["differences"] == []
    assert shown["states"] == [["WAITING", 2]]


def test_one_seed(results_of: Loader) -> None:
    shown = payload(results_of(FakeSweep("single", seeds("kd", (60.0,)), [row("kd")])))
    (score,) = line_of(shown, "kd")["scores"]
    assert (score["text"], score["rest"]) == ("60.0", " (1)")


def test_differences_open_the_runs_of_their_row(nasty: reports.Results) -> None:
    shown = payload(nasty)
    assert shown["baseline"] == "KD_{paper}"
    first = shown["differences"][0]
    assert first["scores"][0]["text"] == "+0.25"
    assert first["scores"][0]["trials"] == line_of(shown, first["name"])["scores"][0]["trials"]


def test_each_data_set_by_its_own_measure(results_of: Loader) -> None:
    shown = payload(results_of(mixed_sweep()))
    assert [cell["measure"] for cell in shown["cells"]] == ["top-1 (%)", "mIoU (%)"]
    assert {figure["y"]["label"] for figure in shown["figures"] if figure["kind"] == "grid"} == {"test mIoU (%)"}
    scores = dict(zip(shown["trials"]["key"], shown["trials"]["score"], strict=True))
    assert 77.5 in scores.values() and 71.0 in scores.values()  # the teacher's mIoU, a search's
