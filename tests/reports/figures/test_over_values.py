"""Accuracy over a hyperparameter: its numbers, any values and names, labels that do not meet."""

from pathlib import Path

import pytest

import reports
from reports.figures import saving
from reports.figures.kinds.over_values import Curve, Figure, figures
from reports.figures.style import printable, spaced
from reports.results.sweep import Cell
from tests.reports.fake_sweep import KS

CELL = Cell("d: t -> s", "d", "t", "s").named({})


def test_curves_of_the_whole_sweep(whole: reports.Results) -> None:
    (figure,) = figures(reports.table(whole))
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
    figure = Figure("w_2", CELL, curves, (("kd $", 50.0), ("a very long name of a row", 50.0)))
    (path,) = saving.save_as(figure, [tmp_path / "a.svg"])
    assert path.stat().st_size > 1000


def test_text_is_drawn_literally() -> None:
    assert printable("a $x$\n中") == "a \\$x\\$ \N{WHITE SQUARE}"


def test_labels_keep_their_distance_and_their_middle() -> None:
    assert spaced([1.0, 5.0], gap=1.0) == [1.0, 5.0]
    assert spaced([5.0, 5.0], gap=1.0) == [4.5, 5.5]
    places = spaced([3.0, 1.0, 1.2, 1.1], gap=1.0)
    assert places == pytest.approx([3.075, 0.075, 2.075, 1.075])
    assert spaced([], gap=1.0) == []
