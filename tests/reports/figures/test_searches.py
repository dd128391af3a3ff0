"""Figures of searches: budgets worked out by hand and by brute force, and which trainings count."""

import itertools
import math
import statistics
from dataclasses import replace
from typing import Any

import pytest

import reports
from reports.figures import NotDrawn, build
from reports.figures.kinds import budget
from tests.reports.fake_sweep import RANGES, SEARCH_SEED, FakeSweep, FakeTrial, row, seeds, whole_sweep
from tests.reports.plain import plain_results

SCORES = (60.0, 64.0, 61.0, 64.0, 58.0)


def made(sweep: FakeSweep, name: str) -> Any:
    """Return the data of the only figure of a name."""
    results = plain_results(sweep)
    (one,) = (plot for plot in build(results, reports.table(results))[0] if plot.name == name)
    return one.data


def reasons(sweep: FakeSweep) -> dict[str, str]:
    results = plain_results(sweep)
    return {one.what: one.why for one in build(results, reports.table(results))[1]}


def proposals(scores: tuple[float, ...], row_name: str = "tuned", **values: Any) -> list[FakeTrial]:
    return [
        FakeTrial(
            row=row_name, phase="search", seed=SEARCH_SEED, method="gdkd", top1=s, settings={"k": n, "w2": 1.5 * n},
            **values,
        )
        for n, s in enumerate(scores, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_expected_best_is_the_mean_over_all_choices(n: int) -> None:
    chosen = list(itertools.combinations(SCORES, n))
    expected, low, high = budget.best_of(SCORES, [n])
    assert expected[0] == pytest.approx(statistics.fmean(map(max, chosen)))
    bests = sorted(map(max, chosen))
    assert low[0] == bests[math.ceil(0.1 * len(bests)) - 1]
    assert high[0] == bests[math.ceil(0.9 * len(bests)) - 1]


def test_expected_best_by_hand() -> None:
    """Of 1, 2, 4 the best of two is 2 once and 4 twice."""
    expected, low, high = budget.best_of([4.0, 1.0, 2.0], [1, 2, 3])
    assert expected == pytest.approx((7 / 3, 10 / 3, 4.0))
    assert low == (1.0, 2.0, 4.0)
    assert high == (4.0, 4.0, 4.0)


def test_expected_best_rises_and_does_not_break_for_many() -> None:
    scores = [50 + math.sin(n) for n in range(3000)]
    budgets = budget.spread_out(len(scores))
    expected, low, high = budget.best_of(scores, budgets)
    assert (budgets[0], budgets[-1], len(budgets)) == (1, 3000, 200)
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(expected))
    assert all(a <= b for a, b in zip(low, high, strict=True))
    assert list(low) == sorted(low)
    assert expected[0] == pytest.approx(statistics.fmean(scores))
    assert expected[-1] == pytest.approx(max(scores))


def test_lost_trainings_are_spent_at_the_lowest_score_and_failed_ones_are_not_there() -> None:
    trials = proposals(SCORES[:4]) + proposals((99.0,), state="PRUNED", key="p" * 64)
    trials += proposals((98.0,), state="DIVERGED", key="d" * 64) + proposals((97.0,), state="FAIL", key="f" * 64)
    (panel,) = made(FakeSweep("s", trials, [row("tuned", "gdkd", dimensions=RANGES)]), "accuracy_over_budget")
    (curve,) = panel.drawn
    assert (curve.lost, curve.budgets) == (2, (1, 2, 3, 4, 5, 6))
    assert curve.in_order == (60.0, 64.0, 64.0, 64.0, 64.0, 64.0)
    assert curve.expected[0] == pytest.approx(statistics.fmean([60.0, 64.0, 61.0, 64.0, 60.0, 60.0]))


def test_methods_are_compared_at_the_largest_budget_that_all_have_spent() -> None:
    trials = proposals(SCORES) + proposals(SCORES[:4], "short")
    rows = [row(name, "gdkd", dimensions=RANGES) for name in ("tuned", "short")]
    (panel,) = made(FakeSweep("s", trials, rows), "accuracy_over_budget")
    assert [(curve.shown, len(curve.in_order)) for curve in panel.drawn] == [("tuned", 5), ("short", 4)]


def test_trainings_of_a_race_are_told_and_are_no_part_of_a_curve() -> None:
    rows = [row("tuned", "gdkd", dimensions=RANGES)]
    others = [replace(one, seed=2 * SEARCH_SEED, top1=99.0) for one in proposals(SCORES)[1:2]]
    without = made(FakeSweep("s", proposals(SCORES), rows), "accuracy_over_budget")
    raced = made(FakeSweep("s", proposals(SCORES) + others, rows), "accuracy_over_budget")
    assert raced[0].drawn == (replace(without[0].drawn[0], raced=1),)
    told = budget._caption(raced).removeprefix(budget._caption(without))
    assert (
        told == f" Trainings that chose among the best by further seeds come on top (tuned, {raced[0].cell.title}: 1)."
    )


def test_the_map_has_every_ended_training_and_the_choice() -> None:
    (panel,) = made(whole_sweep(), "settings_map")
    assert (panel.x.name, panel.y.name, panel.x.log, panel.others) == ("k", "w2", True, ())
    assert set(panel.points) >= {(7.0, 8.5, 64.5), (29.0, 15.0, None), (30.0, 16.0, None)}
    assert panel.chosen == (7.0, 8.5)


def test_a_grid_over_two_is_a_matrix() -> None:
    rows, trials = [], []
    for w1, w2 in itertools.product((2.0, 0.5), (1, 8)):
        label = f"grid w1={w1} w2={w2}"
        rows.append(row(label, "gdkd", entry="grid", hyperparameters={"w1": w1, "w2": w2}, grid=["w1", "w2"]))
        trials += seeds(label, (60 + w1 + w2, 62 + w1 + w2), entry="grid", method="gdkd")
    (panel,) = made(FakeSweep("g", trials, rows), "settings_map")
    assert (panel.names, panel.xs, panel.ys) == (("w1", "w2"), (0.5, 2.0), (1, 8))
    assert panel.means == {(w1, w2): 61 + w1 + w2 for w1 in panel.xs for w2 in panel.ys}


def test_what_is_not_drawn_says_why() -> None:
    few = FakeSweep("s", proposals(SCORES), [row("tuned", "gdkd", dimensions=RANGES)])
    assert reasons(few)["accuracy over a hyperparameter"] == "no entry has a grid over one number with results"
    assert len(reasons(FakeSweep("none", [], [row("kd")]))) == 7


def test_an_unfinished_search_without_a_score_is_no_figure() -> None:
    trials = proposals(SCORES, state="RUNNING") + proposals((50.0,), state="PRUNED", key="p" * 64)
    found = reasons(FakeSweep("s", trials, [row("tuned", "gdkd", dimensions=RANGES)]))
    assert {"accuracy against search budget", "map of settings"} <= found.keys()
    assert NotDrawn("a", "b").why == "b"
