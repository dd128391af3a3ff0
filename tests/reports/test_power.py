"""Seeds that would settle a difference: against drawn tables, and at the ends."""

import numpy as np
import pytest

from reports.statistics.power import POWER, critical_value, seeds_to_settle
from reports.statistics.ranges import dunnett_critical, tukey_critical


@pytest.mark.parametrize("test", ["Tukey", "Dunnett"])
def test_so_many_seeds_find_it_in_drawn_tables(test: str):
    rows, gap = 6, 1.5
    seeds = seeds_to_settle(gap, 1.0, rows, test)
    draw = np.random.default_rng(0)
    found = {}
    for n in (seeds - 1, seeds):
        tables = draw.normal(size=(4000, rows, n))
        tables[:, 1] += gap
        rest = tables - tables.mean(1, keepdims=True)
        rest -= rest.mean(2, keepdims=True)
        df = (rows - 1) * (n - 1)
        error = np.sqrt((rest**2).sum((1, 2)) / df * 2 / n)
        critical = (
            tukey_critical(0.05, rows, df) / np.sqrt(2)
            if test == "Tukey"
            else dunnett_critical(0.05, (n,) * (rows - 1), n, df)
        )
        found[n] = np.mean((tables[:, 1].mean(1) - tables[:, 0].mean(1)) / error > critical)
    assert found[seeds] >= POWER - 0.02
    assert found[seeds - 1] < POWER + 0.02


def test_more_for_less():
    assert seeds_to_settle(0.5, 1.0, 12, "Tukey") > seeds_to_settle(2.0, 1.0, 12, "Tukey") >= 2
    assert seeds_to_settle(1.0, 1.0, 12, "Dunnett") < seeds_to_settle(1.0, 1.0, 12, "Tukey")


def test_the_ends():
    assert seeds_to_settle(0.0, 1.0, 5, "Tukey") is None
    assert seeds_to_settle(1e-3, 1.0, 5, "Tukey") is None
    assert seeds_to_settle(30.0, 0.0, 5, "Tukey") == 2


@pytest.mark.parametrize(("test", "rows"), [("Tukey", 2), ("Tukey", 38), ("Dunnett", 2), ("Dunnett", 12)])
def test_critical_values_between_those_worked_out(test: str, rows: int) -> None:
    for seeds in (11, 14, 40, 200):
        df = (rows - 1) * (seeds - 1)
        exact = tukey_critical(0.05, rows, df) / 2**0.5
        if test == "Dunnett":
            exact = dunnett_critical(0.05, (seeds,) * (rows - 1), seeds, df)
        assert critical_value(test, 0.05, rows, seeds) == pytest.approx(exact, abs=3e-5)
