"""McNemar's test: whether two networks that answered the same images are right equally often.

McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika 12,
1947; exact: of the images that one alone has right, each half should be the one's and half the other's. It speaks of
two trained networks and of images like these; that a method is better than another takes several seeds as well
(Dietterich, "Approximate statistical tests for comparing supervised classification learning algorithms", 1998).
"""

from collections.abc import Sequence


def exact(only_one: int, only_other: int) -> float:
    """Return the exact two-sided p-value of two networks.

    Args:
        only_one: images that the one has right and the other wrong.
        only_other: the other way round.
    """
    from scipy.special import bdtr

    fewer, both = min(only_one, only_other), only_one + only_other
    return min(1.0, 2.0 * float(bdtr(fewer, both, 0.5))) if both else 1.0


def together(ps: Sequence[float]) -> float:
    """Return a p-value for several pairs of networks that answered the same images: the k-th smallest of n times n / k,
    with the upper median for k, which holds however they depend on one another (Rüschendorf, "Random variables with
    maximum sums", 1982). Of one pair it is its own.
    """
    count, place = len(ps), len(ps) // 2 + 1
    return min(1.0, sorted(ps)[place - 1] * count / place)
