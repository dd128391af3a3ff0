"""Seeds until it is settled: levels of looks, and how a column goes on, against values worked out otherwise."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, ttest_ind
from scipy.stats import t as student

from reports.statistics.settling import conditional_power, follow
from reports.statistics.spending import nominal_levels, spent

LOOKS = (3, 5, 8, 12)


def test_what_is_spent_is_a_sixth_after_a_quarter_and_all_at_the_end():
    assert spent(0.05, 0.25) == pytest.approx(0.05 * (math.e**0.25 - 1) / (math.e - 1))
    assert spent(0.05, 0.0) == 0.0
    assert spent(0.05, 1.0) == pytest.approx(0.05)


def test_one_look_at_all_seeds_has_the_whole_level():
    assert nominal_levels(0.02, (1.0,)) == pytest.approx((0.02,))


@pytest.mark.parametrize("level", [0.05, 0.05 / 11])
def test_all_looks_together_claim_falsely_with_what_was_spent(level):
    fractions = tuple(n / 12 for n in LOOKS)
    bounds = norm.isf(np.array(nominal_levels(level, fractions)) / 2)
    for looks in (2, 3):
        correlation = [[math.sqrt(min(a, b) / max(a, b)) for a in fractions[:looks]] for b in fractions[:looks]]
        inside = multivariate_normal(np.zeros(looks), correlation, abseps=1e-9, releps=1e-9)
        high = bounds[:looks]
        outside = 1 - inside.cdf(high, lower_limit=-high)
        assert outside == pytest.approx(spent(level, fractions[looks - 1]), rel=2e-4)


def test_conditional_power_goes_on_with_the_trend_seen():
    critical = student.isf(0.005, 22)  # t = 2 after 3 of 12 is on its way to 4
    expected = norm.cdf((4.0 - critical) / math.sqrt(0.75))
    assert conditional_power(-2.0, 3, 12, 0.01) == pytest.approx(expected)


def outcomes(*values):
    return dict(enumerate(values))


DECLARED = outcomes(10.0, 10.1, 9.9)


def test_a_row_far_away_is_settled_at_the_first_look():
    far = outcomes(7.0, 7.2, 6.8)
    declared, one = follow([DECLARED, far], 0, LOOKS, 0.05)
    assert (one.settled, one.stopped, one.n, one.asked) == (True, True, 3, 3)
    assert one.difference == pytest.approx(-3.0)
    assert declared.asked == 3  # nobody needs more of it
    part = 0.05 * (math.e**0.25 - 1) / (math.e - 1)  # of the first look, one row
    test = ttest_ind(list(far.values()), list(DECLARED.values()), equal_var=False)
    assert test.pvalue < part
    low, high = test.confidence_interval(1 - part)
    assert one.interval == pytest.approx((low, high))


def test_a_row_that_may_differ_gets_more_seeds_and_so_does_the_declared_one():
    near = outcomes(9.5, 9.9, 9.4)
    declared, one = follow([DECLARED, near], 0, LOOKS, 0.05)
    assert (one.settled, one.stopped, one.n) == (False, False, 3)
    assert (one.asked, declared.asked) == (5, 5)


def test_a_row_on_a_level_is_not_worth_more_seeds():
    level = outcomes(10.1, 9.9, 10.0)
    declared, one = follow([DECLARED, level], 0, LOOKS, 0.05)
    assert (one.settled, one.stopped, one.asked, declared.asked) == (False, True, 3, 3)


def test_a_look_waits_for_every_open_row():
    near, slow = outcomes(9.5, 9.9, 9.4), outcomes(9.4, 9.8)
    found = follow([DECLARED, near, slow], 0, LOOKS, 0.05)
    assert [one.asked for one in found] == [3, 3, 3]
    assert [one.n for one in found] == [0, 0, 0]


def test_a_stopped_row_is_not_waited_for():
    far, near = outcomes(7.0, 7.2, 6.8), outcomes(9.5, 9.9, 9.4, 9.45, 9.6)
    declared = outcomes(10.0, 10.1, 9.9, 10.05, 9.95)
    found = follow([declared, far, near], 0, LOOKS, 0.05)
    assert [one.n for one in found] == [0, 3, 5]
    assert found[1].settled


def test_what_is_settled_leaves_its_level_to_the_others():
    """A row that alone of two would not do passes once the other one is settled, as Holm has it."""
    values = outcomes(9.0, 9.4, 8.7)
    p = ttest_ind(list(values.values()), list(DECLARED.values()), equal_var=False).pvalue
    part = (math.e**0.25 - 1) / (math.e - 1)
    level = 1.5 * p / part  # p is at most the whole level's part, and more than half of it
    hopeless, far = outcomes(10.1, 9.9, 10.0), outcomes(-90.0, -90.1, -89.9)
    assert follow([DECLARED, values], 0, LOOKS, level)[1].settled
    assert not follow([DECLARED, values, hopeless], 0, LOOKS, level)[1].settled
    assert follow([DECLARED, values, far], 0, LOOKS, level)[1].settled


def test_rows_without_a_score_get_no_more_seeds():
    lost = {0: None, 1: None, 2: None}
    near = outcomes(9.5, 9.9, 9.4)
    declared, gone, one = follow([DECLARED, lost, near], 0, LOOKS, 0.05)
    assert (gone.stopped, gone.settled, gone.asked, gone.difference) == (True, False, 3, None)
    assert (one.asked, declared.asked) == (5, 5)
    found = follow([lost, near], 0, LOOKS, 0.05)
    assert [each.asked for each in found] == [3, 3]
    assert found[1].stopped


def test_a_row_that_lost_a_seed_is_compared_by_those_that_both_have():
    broken = {0: 7.0, 1: None, 2: 6.8}
    one = follow([DECLARED, broken], 0, LOOKS, 0.05)[1]
    assert (one.n, one.settled, one.interval, one.asked) == (2, False, None, 5)  # two tell too little
    assert one.difference == pytest.approx(6.9 - 9.95)
    longer = {**broken, 3: 7.1, 4: 6.9}
    one = follow([outcomes(10.0, 10.1, 9.9, 10.05, 9.95), longer], 0, LOOKS, 0.05)[1]
    assert (one.n, one.settled, one.asked) == (4, True, 5)
    part = nominal_levels(0.05, (4 / 12,))[0]
    theirs = [10.0, 9.9, 10.05, 9.95]
    low, high = ttest_ind([7.0, 6.8, 7.1, 6.9], theirs, equal_var=False).confidence_interval(1 - part)
    assert one.interval == pytest.approx((low, high))


def test_equal_scores_without_a_spread_settle_nothing():
    found = follow([outcomes(*[5.0] * 12), outcomes(*[4.0] * 12)], 0, LOOKS, 0.05)
    assert (found[1].settled, found[1].stopped, found[1].asked, found[1].interval) == (False, True, 12, None)


def test_what_came_beyond_the_looks_changes_nothing():
    more = {**DECLARED, **dict.fromkeys(range(3, 12), 3.0)}
    far = outcomes(7.0, 7.2, 6.8)
    assert follow([more, far], 0, LOOKS, 0.05) == follow([DECLARED, far], 0, LOOKS, 0.05)
