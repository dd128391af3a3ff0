"""Accuracy over a hyperparameter: its numbers, any values and names, labels that do not meet."""

from dataclasses import replace
from pathlib import Path

import pytest

import reports
from reports.figures import Figure, saving
from reports.figures.kinds.over_values import Curve, Panel, draw, labels, panels
from reports.figures.style import printable, spaced
from reports.results.sweep import Cell
from tests.reports.fake_sweep import KS, FakeSweep, grid, row, seeds
from tests.reports.plain import plain_results

CELL = Cell("d: t -> s", "d", "t", "s").named({})


def test_curves_of_the_whole_sweep(whole: reports.Results) -> None:
    (figure,) = panels(reports.table(whole))
    (curve,) = figure.curves
    assert (figure.hyperparameter, curve.shown) == ("k", "GDKD")
    assert [value for value, _ in curve.points] == [1.0, 5.0, 20.0, 99.0]
    assert [tuple(by_seed.values()) for _, by_seed in curve.points] == list(KS.values())
    assert [(name, round(mean, 1)) for name, mean in figure.levels] == [
        ("CE", 55.4),
        ("KD", 63.1),
        ("DKD", 65.8),
        ("half", 60.0),
    ]


@pytest.mark.parametrize("values", [(0.5, 1.0, 2.0), (-1.0, 0.0, 100.0), (0.001, 1000.0)])
def test_any_numbers_and_any_names(values: tuple[float, ...], tmp_path: Path) -> None:
    points = tuple((value, {0: 50.0 + index}) for index, value in enumerate(values))
    curves = (Curve("α中 $x_{$", points), Curve("other", points[:1]))
    panel = Panel("w_2", CELL, curves, (("kd $", 50.0), ("a very long name of a row", 50.0)))
    figure = Figure(name="a", caption="", data=panel, drawn_by=draw)
    (path,) = saving.save_as(figure, [tmp_path / "a.svg"])
    assert path.stat().st_size > 1000


def test_text_is_drawn_literally() -> None:
    assert printable("a $x$\n中") == "a \\$x\\$ \N{WHITE SQUARE}"


@pytest.mark.parametrize(
    ("xs", "log", "shown"),
    [
        ((1, 2, 3, 5, 10, 20, 50, 90, 99), True, ("1", "2", "3", "5", "10", "20", "50", "", "99")),
        ((1, 1.01, 99), True, ("1", "", "99")),
        ((0, 1, 2), False, ("0", "1", "2")),
        (tuple(range(25)), False, tuple(str(x) if x in range(0, 25, 2) else "" for x in range(25))),
    ],
)
def test_values_that_would_stand_on_one_another_are_left_out(
    xs: tuple[float, ...], log: bool, shown: tuple[str, ...]
) -> None:
    assert tuple(labels(xs, log=log)) == shown


def test_labels_keep_their_distance_and_their_middle() -> None:
    assert spaced([1.0, 5.0], gap=1.0) == [1.0, 5.0]
    assert spaced([5.0, 5.0], gap=1.0) == [4.5, 5.5]
    places = spaced([3.0, 1.0, 1.2, 1.1], gap=1.0)
    assert places == pytest.approx([3.075, 0.075, 2.075, 1.075])
    assert spaced([], gap=1.0) == []


def test_what_others_are_compared_with_is_always_drawn() -> None:
    """Whatever its method, and however many rows there are that a figure compares with."""
    rows = [*grid("g", "k", (1, 5)), *[row(f"kd {n}") for n in range(9)], row("mine", "crd")]
    trials = [one for listed in rows for one in seeds(listed["label"], (60.0, 61.0), method=listed["method"])]
    trials = [replace(one, entry=one.row.partition(" k=")[0]) for one in trials]
    results = plain_results(FakeSweep("s", trials, rows, report={"baseline": "mine"}))
    (panel,) = panels(reports.table(results))
    assert [name for name, _ in panel.levels] == [*(f"kd {n}" for n in range(7)), "mine"]
