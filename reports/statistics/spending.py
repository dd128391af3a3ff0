"""Levels of the looks at one difference that is looked at again and again while seeds are added.

The probability of a false claim is spent over the looks by the family of I. K. Hwang, W. J. Shih and J. S. De Cani,
Stat. Med. 9 (1990), with gamma = -1: a little at first, most at the end. The levels are those of a Brownian motion; a
test of few seeds takes them for its p-value, as C. Jennison and B. W. Turnbull advise for t-tests (Group Sequential
Methods, 2000, section 4.4).
"""

import functools
import math
from typing import Any

GAMMA = -1.0
NODES = 96
"""Of the Gauss-Legendre rule over the values at which a look goes on."""
SMALLEST_LEVEL, LARGEST_BOUND = 1e-14, 40.0


def spent(level: float, fraction: float) -> float:
    """Return how much of the level may be spent when this fraction of the seeds is there, 0 to 1."""
    return level * math.expm1(-GAMMA * fraction) / math.expm1(-GAMMA)


@functools.cache
def nominal_levels(level: float, fractions: tuple[float, ...]) -> tuple[float, ...]:
    """Return the two-sided level of the test at each look, all of which together claim falsely with what is spent.

    Args:
        level: of all looks, above 0; less is spent where the last fraction is below 1.
        fractions: of the largest number of seeds at each look, rising, above 0 to 1.
    """
    import numpy as np
    from scipy.special import ndtr

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    found: list[float] = []
    points, mass = np.zeros(1), np.ones(1)  # where the motion may be that no look has stopped
    before, at = 0.0, 0.0
    for fraction in fractions:
        step, until = math.sqrt(fraction - at), spent(level, fraction)
        bound = _bound(points, mass, step, until - before)
        found.append(max(2 * float(ndtr(-bound / math.sqrt(fraction))), SMALLEST_LEVEL))
        here = bound * nodes
        density = np.exp(-0.5 * ((here[:, None] - points) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        points, mass = here, bound * weights * (density @ mass)
        before, at = until, fraction
    return tuple(found)


def _bound(points: Any, mass: Any, step: float, allowed: float) -> float:
    """Return the value beyond which the motion is with this probability, a step of this deviation later."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def beyond(bound: float) -> float:
        return float(mass @ (ndtr((points - bound) / step) + ndtr((-points - bound) / step)))

    return float(brentq(lambda bound: beyond(bound) - allowed, 0.0, LARGEST_BOUND, xtol=1e-12))
