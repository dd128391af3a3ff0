"""Figures of rows over pairs: ranks by hand, the front of cost and accuracy, curves over epochs."""

import dataclasses
import itertools
from typing import Any

import pytest

import reports
from reports.board.averages import averages
from reports.figures import build
from reports.figures.kinds import ranks, training
from reports.figures.kinds.cost import Point, pareto
from tests.reports.fake_sweep import KS, RANGES, FakeSweep, FakeTrial, grid, row, seeds, whole_sweep
from tests.reports.plain import plain_results

CELLS = tuple(f"digits100: t{n} -> s" for n in range(4))


def made(results: reports.Results, name: str) -> Any:
    (one,) = (plot for plot in build(results, reports.table(results))[0] if plot.name == name)
    return one.data


def of_pairs(means: dict[str, tuple[float, ...]]) -> FakeSweep:
    cells = CELLS[: max(map(len, means.values()))]
    trials = [
        t
        for name, values in means.items()
        for c, v in zip(cells, values, strict=False)
        for t in seeds(name, (v,), cell=c)
    ]
    return FakeSweep("pairs", trials, [row(name) for name in means], cells)


def test_ranks_by_hand() -> None:
    """Friedman's statistic, ties aside: 12 N / (k (k + 1)) · (Σ R² − k (k + 1)² / 4), Demšar 2006, section 3.2.2."""
    means = {"a": (70.0, 71.0, 72.0, 73.0), "b": (69.0, 70.0, 71.0, 74.0), "c": (60.0, 60.0, 60.0, 60.0)}
    found = made(plain_results(of_pairs(means)), "ranks")
    assert found.ranks == (("a", 1.25), ("b", 1.75), ("c", 3.0))
    assert found.pairs == 4
    chi_square = 12 * 4 / (3 * 4) * (1.25**2 + 1.75**2 + 3.0**2 - 3 * 4**2 / 4)
    assert chi_square == pytest.approx(6.5)
    assert found.p == pytest.approx(0.038774, abs=1e-6)  # of χ² with 2 degrees of freedom: exp(−6.5 / 2)
    assert found.critical == pytest.approx(2.343 * (3 * 4 / (6 * 4)) ** 0.5, abs=2e-3)  # q of Demšar's table 5
    assert found.groups == ((0, 1), (1, 2))


def test_without_a_difference_all_are_under_one_bar() -> None:
    means = {"a": (70.0, 71.0, 72.0), "b": (71.0, 70.0, 73.0), "c": (70.5, 70.5, 72.5)}
    found = made(plain_results(of_pairs(means)), "ranks")
    assert found.p >= 0.05
    assert found.groups == ((0, 2),)
    assert "finds no difference at all" in found.caption
    alike = ranks.of_ranks([("a", 1.5), ("b", 1.5)], [(1.0, 2.0, 3.0)] * 2, [], 0.05)
    assert (alike.p, alike.critical, alike.ranks) == (1.0, None, (("a", 1.5), ("b", 1.5)))


def test_groups_are_the_largest_runs() -> None:
    assert ranks.groups([1.0, 1.5, 2.0, 4.0], 1.0) == ((0, 2),)
    assert ranks.groups([1.0, 2.0, 3.0], 1.0) == ((0, 1), (1, 2))
    assert ranks.groups([1.0, 2.0, 3.0], 0.5) == ()


def test_a_row_that_lacks_a_pair_is_left_out_and_named() -> None:
    means = {"a": (70.0, 71.0, 72.0, 73.0), "b": (69.0, 70.0, 71.0, 74.0), "c": (60.0, 60.0)}
    found = made(plain_results(of_pairs(means)), "ranks")
    assert [name for name, _ in found.ranks] == ["a", "b"]
    assert found.left_out == ("c",)
    assert "Wilcoxon" in found.caption


def test_ranks_are_those_of_the_table() -> None:
    """Rows of a grid among them, and two rows that are shown alike."""
    means = {"a": (70.0, 71.0, 72.0, 73.0), "b": (69.0, 70.0, 71.0, 74.0), "g k=1": (60.0, 60.0, 60.0, 60.0)}
    rows = [row("a"), row("b"), *grid("g", "k", (1,))]
    sweep = FakeSweep("pairs", of_pairs(means).trials, rows, CELLS, {"names": {"b": "a"}})
    results = plain_results(sweep)
    board = reports.table(results)
    table = [(ln.shown, a.rank) for ln, a in zip(board.lines, averages(board, range(4)), strict=True) if a.rank]
    assert list(made(results, "ranks").ranks) == table == [("a", 1.25), ("a", 1.75), ("g (k = 1)", 3.0)]


def test_too_few_pairs_are_said() -> None:
    results = plain_results(whole_sweep())
    _, missing = build(results, reports.table(results))
    assert {one.what: one.why for one in missing}["ranks over pairs"] == "it takes 3 pairs, the sweep has 1"


def test_the_front_has_what_nothing_beats() -> None:
    points = {
        name: Point(name, seconds, mean, None)
        for name, seconds, mean in (
            ("a", 1.0, 60.0),
            ("b", 2.0, 59.0),
            ("c", 2.0, 61.0),
            ("d", 3.0, 61.0),
            ("e", 9.0, 62.0),
        )
    }
    for order in itertools.permutations(points.values()):
        assert [point.shown for point in pareto(order)] == ["a", "c", "e"]


def test_cost_is_of_the_trials_in_the_mean() -> None:
    (panel,) = made(plain_results(whole_sweep()), "cost")
    by_row = {of.row: of.points for of in panel.drawn}
    assert [point.seconds for point in by_row["kd"]] == [4.0]
    assert {"broken", "pruned", "waiting", "searching", "teacher"}.isdisjoint(by_row)
    assert [point.shown for point in by_row["gdkd (by k)"]] == [f"GDKD (k = {k})" for k in KS]


def test_seconds_of_searches_are_told_below_the_costs() -> None:
    results = plain_results(whole_sweep())
    (cost,) = (one for one in build(results, reports.table(results))[0] if one.name == "cost")
    assert "Searches come on top, over all pairs: GDKD (tuned) 9 s." in cost.caption


def test_training_curves_are_means_over_the_seeds_of_the_table() -> None:
    curves = {
        0: [(1, 10.0), (2, 20.0), (3, 30.0), (4, 40.0), (5, 45.0)],
        1: [(1, 14.0), (2, 22.0), (3, 34.0), (4, 44.0)],
        2: [(epoch, 99.0) for epoch in range(1, 5)],
    }
    (panel,) = made(plain_results(whole_sweep(), curves), "training_curves")
    by_name = {curve.row: curve for curve in panel.drawn}
    assert by_name["dkd"].epochs == (1, 2, 3, 4)  # seed 2 diverged, seed 1 has no fifth epoch
    assert by_name["dkd"].mean == (12.0, 21.0, 32.0, 42.0)
    assert by_name["dkd"].std == pytest.approx((8**0.5, 2**0.5, 8**0.5, 8**0.5))
    assert by_name["dkd"].seeds == 2
    assert [name for name in by_name if name.startswith("gdkd (by k)")] == ["gdkd (by k) k=5"]  # the best of its grid
    assert len(by_name) <= training.ROWS


def test_the_baseline_is_drawn_among_however_many_rows() -> None:
    means = {f"row {n:02}": tuple(80.0 - n - c for c in range(3)) for n in range(25)}
    sweep = dataclasses.replace(of_pairs(means), report={"baseline": "row 24"})
    drawn = [name for name, _ in made(plain_results(sweep), "ranks").ranks]
    assert len(drawn) == ranks.MOST_ROWS and drawn[-1] == "row 24" and drawn[0] == "row 00"
    curves = {0: [(epoch, 10.0 * epoch) for epoch in range(1, 5)]}
    panel, *_ = made(plain_results(sweep, curves), "training_curves")
    assert "row 24" in {curve.row for curve in panel.drawn} and len(panel.drawn) == training.ROWS


def test_rows_that_are_shown_alike_are_ranked_each() -> None:
    names = [("Ours", 11.0)] * 21
    found = ranks.of_ranks(names, [(1.0, 2.0, 3.0)] * 21, [], 0.05, always=20)
    assert (found.ranks, found.left_out) == (tuple(names[: ranks.MOST_ROWS]), ("Ours",))


@pytest.mark.parametrize("name", ["cost", "training_curves", "accuracy_over_budget"])
def test_rows_that_are_shown_alike_are_two_in_every_legend(name: str) -> None:
    from matplotlib.figure import Figure as Canvas

    trials = seeds("kd", (60.0, 60.0))
    for label, top1 in (("one", 62.0), ("other", 64.0)):
        searched: dict[str, Any] = {"row": label, "method": "gdkd"}
        trials += [FakeTrial(phase="search", seed=9, top1=50.0 + k, settings={"k": k}, **searched) for k in range(1, 6)]
        trials += seeds(label, (top1, top1), phase="confirm", rank=1, method="gdkd", settings={"k": 5})
    rows = [row("kd"), row("one", "gdkd", dimensions=RANGES[:1]), row("other", "gdkd", dimensions=RANGES[:1])]
    curves = {seed: [(epoch, 50.0 + epoch) for epoch in range(1, 6)] for seed in (0, 1)}
    results = plain_results(
        FakeSweep("alike", trials, rows, report={"names": {"one": "Ours", "other": "Ours"}}), curves
    )
    (figure,) = (one for one in build(results, reports.table(results))[0] if one.name == name)
    canvas = Canvas()
    figure.draw(canvas)
    (legend,) = canvas.legends
    assert [text.get_text() for text in legend.get_texts()].count("Ours") == 2
    assert name != "cost" or figure.caption.count("Ours 8 s") == 2  # of five trainings each, not of ten
