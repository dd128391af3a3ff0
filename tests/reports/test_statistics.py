"""Statistics against worked examples: R's `sleep` and `t.test`, Holm by hand, all signings counted, and scipy."""

import itertools
import math

import pytest

from reports.statistics.contrasts import contrast, paired, welch
from reports.statistics.holm import holm
from reports.statistics.ranks import fewest, friedman, ranks, signed_ranks

DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""R's `sleep`: extra hours of sleep of ten patients under two drugs."""
SLEEP = [a - b for a, b in zip(DRUG_1, DRUG_2, strict=True)]


def test_paired_t_is_that_of_r() -> None:
    """t.test(extra ~ group, data = sleep, paired = TRUE)"""
    test = paired(SLEEP)
    assert test is not None
    assert (test.t, test.df, test.p) == pytest.approx((-4.0621, 9, 0.002833), rel=2e-4)
    assert (test.low, test.high) == pytest.approx((-2.4598858, -0.7001142), rel=1e-6)


def test_welch_is_that_of_r() -> None:
    """t.test(extra ~ group, data = sleep)"""
    test = welch(DRUG_1, DRUG_2)
    assert test is not None
    assert (test.t, test.df, test.p) == pytest.approx((-1.8608, 17.776, 0.07939), rel=2e-4)
    assert (test.low, test.high) == pytest.approx((-3.3654832, 0.2054832), rel=1e-6)


def test_paired_t_by_hand() -> None:
    """Differences 1, 2, 3: mean 2, standard error 1/sqrt(3); with 2 degrees p = 1 - t / sqrt(t² + 2)."""
    test = paired([1.0, 2.0, 3.0])
    assert test is not None
    t = 2 * math.sqrt(3)
    assert (test.t, test.df, test.p) == pytest.approx((t, 2, 1 - t / math.sqrt(t * t + 2)))
    assert (test.low, test.high) == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)))


@pytest.mark.parametrize("values", [[], [1.0], [0.3, 0.3, 0.3], [1.1 - 1.0, 2.1 - 2.0, 64.1 - 64.0]])
def test_no_spread_no_t(values: list[float]) -> None:
    assert paired(values) is None
    assert welch(values, values) is None


def test_fewest_differences_below_a_level() -> None:
    assert [fewest(level) for level in (0.05, 0.0625, 0.01, 0.001, 1.0)] == [6, 5, 8, 11, 1]


def test_holm_by_hand() -> None:
    """0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling; p.adjust(c(...), "holm") of R."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.4, None, 0.9]) == [0.8, None, 0.9]
    assert holm([0.7, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("differences", [SLEEP, [0.75] * 5, [1.0, -2.0, 3.0, 0.0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]])
def test_signed_ranks_count_all_signings(differences: list[float]) -> None:
    """Against every way to sign the ranks, ties sharing theirs and zeros left out."""
    from scipy.stats import rankdata

    apart = [value for value in differences if value]
    ranks = rankdata([abs(round(value, 6)) for value in apart])
    observed = abs(sum(math.copysign(r, value) for r, value in zip(ranks, apart, strict=True)))
    sums = [
        sum(s * r for s, r in zip(signs, ranks, strict=True)) for signs in itertools.product((1, -1), repeat=len(apart))
    ]
    assert signed_ranks(differences) == pytest.approx(sum(abs(x) >= observed - 1e-9 for x in sums) / len(sums))


def test_signed_ranks_of_nothing() -> None:
    assert signed_ranks([]) is None and signed_ranks([0.0, 0.0]) == 1.0


def test_contrast_by_seed() -> None:
    found = contrast({0: 1.0, 1: 4.0, 2: 7.0, 3: 90.0}, {0: 0.0, 1: 2.0, 2: 4.0, 9: -90.0})
    assert (found.kind, found.pairs, found.mean) == ("paired t", 3, 2.0)
    assert found.p == paired([1.0, 2.0, 3.0]).p


def test_contrast_without_common_seeds_is_welchs() -> None:
    found = contrast(dict(enumerate(DRUG_1)), {i + 9: x for i, x in enumerate(DRUG_2)})  # seed 9 alone is common
    assert (found.kind, found.pairs, found.mean) == ("Welch", 0, pytest.approx(-1.58))
    assert found.p == pytest.approx(0.07939, rel=1e-4)


def test_contrast_of_single_seeds_has_no_test() -> None:
    found = contrast({0: 3.0}, {0: 1.0})
    assert (found.mean, found.p, found.kind) == (2.0, None, "")
    assert contrast({0: 3.0, 1: 4.0}, {0: 1.0}).p is None


def test_contrast_of_equal_differences_is_by_signs() -> None:
    """t has no spread to be measured by, and would be infinite."""
    found = contrast({0: 1.1, 1: 2.1, 2: 3.1}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert (found.kind, found.p) == ("sign flip", 0.25)
    assert contrast({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}).p == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_ranks_and_friedmans_test_are_scipys(seed: int) -> None:
    import numpy as np
    from scipy.stats import friedmanchisquare, rankdata

    rows = np.random.default_rng(seed).integers(0, 6, (4, 7)).astype(float).tolist()
    assert ranks(rows[0]) == rankdata(rows[0]).tolist()
    assert friedman(rows) == pytest.approx(friedmanchisquare(*rows).pvalue, rel=1e-12)


def test_friedman_of_ties_alone() -> None:
    assert friedman([(1.0, 2.0, 3.0)] * 3) == 1.0
