"""What the page is given to show: the runs behind each number, trials, curves."""

import dataclasses
import json
from typing import Any

import pytest

import reports
from reports.page.data import CURVE_POINTS, data, indexed, thinned
from reports.page.page import ranges
from reports.stores import COMMIT, DIRTY, RunRecord
from reports.tables.table import Missing, Number, Text
from tests.reports.conftest import Loader
from tests.reports.fake_sweep import FakeSweep, mixed_sweep, row, seeds
from tests.reports.shown import main, tables


def payload(results: reports.Results) -> dict[str, Any]:
    """The data as the page's script reads it."""
    return json.loads(json.dumps(data(results, reports.table(results)), allow_nan=False))


@pytest.fixture(scope="module")
def shown(whole: reports.Results) -> dict[str, Any]:
    return payload(whole)


def cell_of(results: reports.Results, name: str, table: str = "head_to_head", place: int = 1) -> Any:
    return next(row.cells[place] for row in tables(results)[table].rows if row.cells[0].text == name)


def texts(shown: dict[str, Any], column: str) -> list[str]:
    kept = shown["trials"][column]
    return [kept["values"][place] if place >= 0 else "" for place in kept["at"]]


def test_what_the_panel_says(results_of: Loader) -> None:
    """a, b and c differ by row alone but for one seed: the residual's standard deviation is 0.58 with 4 degrees."""
    trials = [*seeds("a", (70.0, 71.0, 72.0)), *seeds("b", (69.0, 70.0, 72.0)), *seeds("c", (61.0, 62.0, 62.0))]
    groups = {"a": "tuned", "b": "tuned", "c": "plain"}
    sweep = FakeSweep("marked", trials, [row("a"), row("b"), row("c")], report={"groups": groups, "baseline": "c"})
    results = results_of(sweep)
    a, b, c = (cell_of(results, name) for name in "abc")
    assert [(s.mark, s.claims) for s in (a, b, c)] == [("best", ("*",)), ("second", ("*",)), ("", ("†",))]
    assert b.remarks[0].startswith("-0.67 points against the best, a: not told apart at 0.05 (Tukey among 3 rows, p = ")
    assert c.remarks[0].startswith("-9.33 points against the best, a: significant at 0.05 (Tukey among 3 rows, p = ")
    assert a.remarks[0] == "The highest mean of its column, as printed."
    assert [row.heading for row in main(results).rows] == ["", "tuned", "tuned", "plain"]


def test_the_runs_behind_a_cell(whole: reports.Results) -> None:
    trials = whole.trials
    score = cell_of(whole, "GDKD (tuned)")
    behind = trials.iloc[list(score.trials)]
    assert set(behind.index) == set(trials.index[trials["row"] == "gdkd (tuned)"])
    assert behind["phase"].tolist() == ["confirm"] * 6 + ["search"] * 6  # those in the mean first
    assert behind["rank"].tolist()[:6] == [1, 1, 1, 2, 2, 2] and behind["seed"].tolist()[:3] == [0, 1, 2]
    assert score.inside == 3
    assert trials.loc[list(score.trials[:3]), "final_top1"].mean() == pytest.approx(score.value, abs=1e-9)
    assert (score.setting, score.digits) == ("k = 7, w₂ = 8.5", 1)


def test_the_runs_behind_a_choice(whole: reports.Results) -> None:
    """Of each rank those of its own setting are in the number."""
    first, second, _ = tables(whole)["search"].rows
    for rank, line in ((1, first), (2, second)):
        name = line.cells[0]
        assert isinstance(name, Text) and name.inside == 3
        inside = whole.trials.iloc[list(name.trials[: name.inside])]
        assert inside["phase"].tolist() == ["confirm"] * 3 and inside["rank"].tolist() == [rank] * 3
        assert set(name.trials) == set(whole.trials.index[whole.trials["row"] == "gdkd (tuned)"])


def test_every_number_is_the_mean_of_the_runs_it_opens(nasty: reports.Results, whole: reports.Results) -> None:
    for results in (nasty, whole):
        scores = payload(results)["trials"]["score"]
        for line in main(results).rows:
            for cell in line.cells[1 : 1 + len(reports.table(results).cells)]:
                if isinstance(cell, Missing):
                    continue
                assert isinstance(cell, Number)
                values = [scores[place] for place in cell.trials[: cell.inside]]
                assert sum(values) / len(values) == pytest.approx(cell.value, abs=1e-3)


def test_differences_open_the_runs_of_their_row(nasty: reports.Results) -> None:
    table = tables(nasty)["difference"]
    assert table.title == "Difference from KD_{paper}"
    first, own = table.rows[0].cells[1], main(nasty).rows[2].cells[1]
    assert isinstance(first, Number) and isinstance(own, Number)
    assert (first.sign + first.figure, first.trials) == ("+0.25", own.trials)


def test_trials_as_columns(whole: reports.Results, shown: dict[str, Any]) -> None:
    trials = shown["trials"]
    assert len(whole.trials) == len(trials["key"]) == len(trials["run"])
    states = list(zip(texts(shown, "state"), texts(shown, "status"), strict=True))
    some = {
        ("complete", "FINISHED (state COMPLETE)"),
        ("failed", "FAILED (state FAIL)"),
        ("not started", "not started"),
    }
    assert set(states) >= some | {("not started", "not started")}
    assert sum(state == "diverged" for state, _ in states) == (whole.trials["state"] == "DIVERGED").sum()
    assert trials["key"] == whole.trials["trial_key"].tolist()
    assert [run is None for run in trials["run"]] == whole.trials["run_id"].isna().tolist()
    settings = dict(zip(trials["key"], texts(shown, "setting"), strict=True))
    assert settings[whole.trials.query("row == 'gdkd (by k) k=20'")["trial_key"].iloc[0]] == "k=20; w2=8"
    assert set(texts(shown, "recipe")) == {"epochs=10", ""}


def test_how_a_run_came_about(whole: reports.Results) -> None:
    tags = {COMMIT: "abc", DIRTY: "True", "torch": "2.14", "cuda": "13.0", "python": "3.13", "device": "H100 & co"}
    failed = {"reason": "Traceback:\n  File x\nValueError: no <b>\n", "attempts": "3"}
    known = whole.trials.dropna(subset="run_id").set_index("run_id")["trial_key"]
    first, second, *_ = sorted(set(known.index))
    ended = RunRecord(first, start_time=1000, end_time=63_500, tags=tags)
    shown = payload(
        dataclasses.replace(whole, runs={known[first]: ended, known[second]: RunRecord(second, tags=failed)})
    )
    one, other = (shown["trials"]["run"].index(run_id) for run_id in (first, second))
    assert (texts(shown, "commit")[one], shown["trials"]["changed"][one]) == ("abc", 1)
    assert texts(shown, "versions")[one] == "torch 2.14, cuda 13.0, python 3.13"
    assert (texts(shown, "device")[one], texts(shown, "wall")[one]) == ("H100 & co", "1.0 min")
    assert (texts(shown, "reason")[other], texts(shown, "attempts")[other]) == ("ValueError: no <b>", "3")
    assert texts(shown, "wall")[other] == ""


def test_details_come_from_the_store(results_of: Loader) -> None:
    tags = {COMMIT: "c0ffee", DIRTY: "False", "device": "cpu", "attempts": "1", "host": "not read"}
    results = results_of(FakeSweep("told", seeds("kd", (60.0, 61.0), tags=tags), [row("kd")]))
    assert {run.run_id for run in results.runs.values()} == set(results.trials["run_id"])
    for one in results.runs.values():
        assert one.tags.items() >= {COMMIT: "c0ffee", DIRTY: "False", "device": "cpu", "attempts": "1"}.items()
        assert "host" not in one.tags
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


def test_of_too_many_trials_those_of_searches_have_no_curves(
    whole: reports.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.page.data.MOST_CURVES", 3)
    curves = lambda run_ids, _: {run_id: {"test_top1": [(1, 20.0), (2, 30.0)]} for run_id in run_ids}  # noqa: E731
    shown = payload(dataclasses.replace(whole, curves_of=curves))
    assert "it has 3 of them" in shown["curvesNote"]
    assert sum(place >= 0 for place in shown["curves"]["epochs"]["at"]) == 3
    assert list(thinned([(i, 0.0) for i in range(5)], 3)) == [(0, 0.0), (2, 0.0), (4, 0.0)]


def test_curves_without_sound_values_are_none(whole: reports.Results) -> None:
    first, second = whole.trials["run_id"].dropna().unique()[:2]
    unsound = {first: [(1, float("nan")), (2, 1.0)], second: [(1, 1.0), (2, float("inf")), (3, 2.0), (4, 1.5)]}
    of = {run_id: {"test_top1": points} for run_id, points in unsound.items()}
    curves = payload(dataclasses.replace(whole, curves_of=lambda *_: of))["curves"]
    (line,) = (line for line, place in enumerate(curves["epochs"]["at"]) if place >= 0)
    assert (whole.trials["run_id"][line], curves["values"][line]) == (second, [100, 100, -50])
    assert indexed(["a", None, "b", "a", ""]) == {"values": ["a", "b"], "at": [0, -1, 1, 0, -1]}


def test_places_are_told_as_ranges() -> None:
    assert ranges((0, 1, 2, 5, 4, 7, 8)) == "0-2 5 4 7-8" and ranges(()) == ""


def test_each_data_set_by_its_own_measure(results_of: Loader) -> None:
    results = results_of(mixed_sweep())
    shown = payload(results)
    trials = zip(results.trials["cell"], texts(shown, "measured"), strict=True)
    assert set(trials) >= {
        ("digits100: tinyresnet -> tinycnn", "test accuracy"),
        ("cityscapes: deeplabv3_resnet101 -> deeplabv3_resnet18", "validation mIoU"),
        ("cityscapes: deeplabv3_resnet101", "test mIoU"),  # a teacher's
    }
    names = set(texts(shown, "pair"))
    assert len(names) == 4 and {"Cityscapes: DeepLabV3-ResNet-101", "Digits-100: TinyResNet"} <= names
    scores = dict(zip(shown["trials"]["key"], shown["trials"]["score"], strict=True))
    assert 77.5 in scores.values() and 71.0 in scores.values()  # the teacher's mIoU, a search's
