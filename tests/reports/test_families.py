"""Verdicts of a column: against scipy's, against numbers worked out otherwise, and how often they are wrong."""

import math
import random

import numpy as np
import pytest
from scipy.stats import dunnett, studentized_range, t, tukey_hsd

from reports.statistics.families import against_any, against_any_apart, against_declared, family
from reports.statistics.ranges import dunnett_critical, dunnett_tail, tukey_critical, tukey_tail

LEVEL = 0.05


def drawn(rows: int, seeds: int, shift: float = 0.0, common: float = 0.0) -> list[dict[int, float]]:
    random_ = random.Random(rows * 100 + seeds)
    seed_effects = [common * random_.gauss(0, 1) for _ in range(seeds)]
    return [{s: 60 + shift * i + seed_effects[s] + random_.gauss(0, 1) for s in range(seeds)} for i in range(rows)]


@pytest.mark.parametrize(("rows", "df"), [(2, 2), (3, 4), (12, 22), (38, 74), (5, 200)])
def test_the_range_is_scipys(rows: int, df: float):
    for q in (0.5, 3.0, 6.0):
        assert tukey_tail([q], rows, df)[0] == pytest.approx(studentized_range.sf(q, rows, df), abs=1e-7)


def test_two_rows_are_students_t():
    assert tukey_tail([2.5 * math.sqrt(2)], 2, 7)[0] == pytest.approx(2 * t.sf(2.5, 7), abs=1e-9)
    assert dunnett_tail([2.5], [3], 3, 7)[0] == pytest.approx(2 * t.sf(2.5, 7), abs=1e-9)


@pytest.mark.parametrize(("sizes", "control"), [((3, 3, 3), 3), ((3, 5, 2), 4)])
def test_the_largest_against_a_control_is_scipys(sizes: tuple[int, ...], control: int):
    random_ = np.random.default_rng(0)
    groups = [random_.normal(i / 2, 1, size) for i, size in enumerate(sizes)]
    standard = random_.normal(0, 1, control)
    theirs = dunnett(*groups, control=standard, rng=np.random.default_rng(0))
    df = sum(sizes) + control - len(sizes) - 1
    ours = dunnett_tail([abs(value) for value in theirs.statistic], sizes, control, df)
    assert ours == pytest.approx(list(theirs.pvalue), abs=2e-4)  # scipy draws its points


def test_published_critical_values():
    assert tukey_critical(0.05, 3, 10) == pytest.approx(3.877, abs=5e-4)  # tables of Harter
    assert dunnett_critical(0.05, (5, 5, 5), 5, 16) == pytest.approx(2.59, abs=5e-3)  # Dunnett 1964, two-sided, p = 3


def test_without_common_seeds_it_is_scipys_tukey():
    column = [{10 * i + s: v for s, v in row.items()} for i, row in enumerate(drawn(4, 4, shift=0.8))]
    judged = family(column)
    assert judged is not None
    assert not judged.shared
    assert judged.df == 12
    theirs = tukey_hsd(*(list(row.values()) for row in column))
    found = against_any(column, 3, judged, LEVEL)
    assert found[3] is None
    pooled = math.sqrt(sum(np.var(list(row.values()), ddof=1) for row in column) / 4)
    half = t.isf(LEVEL / 2, 12) * pooled * math.sqrt(2 / 4)
    for i in range(3):
        assert found[i].corrected_p == pytest.approx(theirs.pvalue[i, 3], abs=1e-6)
        assert (found[i].low, found[i].high) == pytest.approx((found[i].difference - half, found[i].difference + half))
        assert found[i].test == "Tukey"


def test_shared_seeds_take_the_seeds_part_out():
    """By hand: rows 0, 1, 5 and what each seed adds; the residual is what is left."""
    column = [
        {0: 50.0, 1: 60.0, 2: 71.0},
        {0: 51.0, 1: 61.0, 2: 70.0},
        {0: 55.0, 1: 65.0, 2: 75.0},
    ]
    judged = family(column)
    assert judged.shared
    assert judged.df == 4
    table = np.array([list(row.values()) for row in column])
    rest = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    assert judged.std == pytest.approx(math.sqrt((rest**2).sum() / 4))
    assert against_any(column, 2, judged, LEVEL)[0].significant(LEVEL)


def test_differences_are_those_of_the_means_shown():
    column = [{0: 50.0, 1: 51.0, 2: 52.0, 3: 58.0}, {0: 60.0, 1: 61.0, 2: 63.0}]
    found = against_any(column, 1, family(column), LEVEL)[0]
    assert found.difference == pytest.approx(52.75 - 61.333333333)
    assert found.test == "Tukey–Kramer"
    assert found.low < found.difference < found.high


def test_who_stands_outside():
    column = [*drawn(3, 3), {0: 1.0, 1: 2.0}, {}, {0: 9.0, 1: 80.0, 2: 30.0}]
    judged = family(column, outside=[5])
    assert judged.rows == (0, 1, 2)
    found = against_declared(column, 0, judged, LEVEL)
    assert [verdict is None for verdict in found] == [True, False, False, True, True, True]
    assert against_declared(column, 3, judged, LEVEL) == [None] * 6  # a reference outside judges nobody
    assert family(column[3:], outside=[2]) is None


def test_without_any_spread_there_is_no_test():
    assert family([{0: 1.0, 1: 1.0, 2: 1.0}, {0: 2.0, 1: 2.0, 2: 2.0}]) is None


def test_the_declared_reference_is_the_sharper_one():
    column = drawn(8, 4, shift=0.7)
    judged = family(column)
    any_, declared = against_any(column, 0, judged, LEVEL), against_declared(column, 0, judged, LEVEL)
    for i in range(1, 8):
        assert declared[i].corrected_p < any_[i].corrected_p
        assert declared[i].p == any_[i].p < declared[i].corrected_p


def test_separate_variances():
    """Games and Howell with two rows is Welch's test."""
    from scipy.stats import ttest_ind

    column = [{0: 1.0, 1: 2.0, 2: 4.0}, {0: 5.0, 1: 11.0, 2: 18.0, 3: 9.0}]
    found = against_any_apart(column, 1, family(column), LEVEL)[0]
    theirs = ttest_ind(list(column[0].values()), list(column[1].values()), equal_var=False)
    assert found.corrected_p == pytest.approx(theirs.pvalue, abs=1e-5)
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.test == "Games–Howell"


def test_unequal_variances_are_seen():
    random_ = random.Random(3)
    column = [{s: random_.gauss(0, std) for s in range(10)} for std in (1, 1, 12)]
    assert family(column).unequal
    assert not family(drawn(4, 10)).unequal


@pytest.mark.parametrize("common", [0.0, 3.0])
def test_few_false_claims_where_nothing_differs(common: float):
    """120 tables of 4 rows and 3 seeds without a difference: at most 13 have a claim (5 % and three errors)."""
    wrong = {"any": 0, "declared": 0}
    random_ = np.random.default_rng(1)
    for _ in range(120):
        table = random_.normal(size=(4, 3)) + common * random_.normal(size=3)
        column = [dict(enumerate(map(float, row))) for row in table]
        judged = family(column)
        best = int(table.mean(1).argmax())
        wrong["any"] += any(v.significant(LEVEL) for v in against_any(column, best, judged, LEVEL) if v)
        wrong["declared"] += any(v.significant(LEVEL) for v in against_declared(column, 0, judged, LEVEL) if v)
    assert 0 < wrong["any"] <= 13
    assert 0 < wrong["declared"] <= 13
