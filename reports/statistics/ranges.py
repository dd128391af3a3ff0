"""Tail probabilities of the largest of several differences: Tukey's studentized range and Dunnett's two-sided maximum.

Both are a double integral, over a standard normal variable z and over s, the estimated standard deviation in units of
the true one. Gauss–Legendre rules of fixed size make them functions of their arguments alone, with nothing random, and
fast enough for tables of many rows. J. W. Tukey, The problem of multiple comparisons (1953); C. W. Dunnett, J. Am.
Stat. Assoc. 50 (1955), whose correlations are products: corr(i, j) = λi·λj, λi² = ni / (n0 + ni).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

Z_NODES = 160
S_NODES = 96
Z_LIMIT = 8.5
"""Beyond it the normal density adds less than rounding does."""
S_TAIL = 1e-11
"""Probability that is left out at either end of s."""
LARGEST = 1e4
"""Critical values are looked for up to here."""


def tukey_tail(q: Sequence[float], rows: int, df: float) -> list[float]:
    """Return P(Q > q) of the studentized range of `rows` independent means, for each of `q`.

    Args:
        q: differences in standard errors of one mean; not negative.
        rows: 2 or more.
        df: degrees of freedom of the estimated variance; greater than 0.
    """
    import numpy as np
    from scipy.special import ndtr

    z, density = _normal_rule()
    s, weight = _s_rule(df)
    upper = ndtr(z)  # [Z]
    tails = []
    for each in q:
        inside = (upper - ndtr(z - each * s[:, None])).clip(0.0) ** (rows - 1)  # [S, Z]
        tails.append(1.0 - float(weight @ (inside @ (density * rows))))
    return [float(np.clip(tail, 0.0, 1.0)) for tail in tails]


def dunnett_tail(t: Sequence[float], sizes: Sequence[int], control: int, df: float) -> list[float]:
    """Return P(max |T| > t) of the differences of several means to one control, for each of `t`.

    Args:
        t: differences in their own standard errors; not negative.
        sizes: seeds of each row beside the control; its numbers are positive.
        control: seeds of the control.
        df: degrees of freedom of the estimated variance; greater than 0.
    """
    import numpy as np
    from scipy.special import ndtr

    z, density = _normal_rule()
    s, weight = _s_rule(df)
    tails = []
    for each in t:
        inside = np.ones((len(s), len(z)))
        for size in sorted(set(sizes)):
            share = size / (control + size)
            middle, half, scale = np.sqrt(share) * z, each * s[:, None], np.sqrt(1.0 - share)
            inside *= (ndtr((middle + half) / scale) - ndtr((middle - half) / scale)) ** sizes.count(size)
        tails.append(1.0 - float(weight @ (inside @ density)))
    return [float(np.clip(tail, 0.0, 1.0)) for tail in tails]


@functools.lru_cache(maxsize=4096)
def tukey_critical(level: float, rows: int, df: float) -> float:
    """Return the q that the studentized range exceeds with probability `level`."""
    return _critical(lambda q: tukey_tail([q], rows, df)[0], level)


@functools.lru_cache(maxsize=4096)
def dunnett_critical(level: float, sizes: tuple[int, ...], control: int, df: float) -> float:
    """Return the t that the largest of the differences to a control exceeds with probability `level`."""
    return _critical(lambda t: dunnett_tail([t], sizes, control, df)[0], level)


def _critical(tail: Callable[[float], float], level: float) -> float:
    from scipy.optimize import brentq

    high = 1.0
    while tail(high) > level and high < LARGEST:
        high *= 2
    return float(brentq(lambda value: tail(value) - level, 0.0, high, xtol=1e-9))


@functools.cache
def _nodes(count: int) -> tuple[Any, Any]:
    """Return places and weights of Gauss and Legendre's rule; finding them takes longer than using them."""
    import numpy as np

    return np.polynomial.legendre.leggauss(count)


@functools.cache
def _normal_rule() -> tuple[Any, Any]:
    """Return places z and weights that integrate over the standard normal density."""
    import numpy as np

    x, w = _nodes(Z_NODES)
    z = Z_LIMIT * x
    density = Z_LIMIT * w * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return z, density / density.sum()


@functools.lru_cache(maxsize=256)
def _s_rule(df: float) -> tuple[Any, Any]:
    """Return places s and weights that integrate over the density of s, where df·s² is chi-square distributed."""
    import numpy as np
    from scipy.special import gammainccinv, gammaincinv

    low, high = np.sqrt(2 * gammaincinv(df / 2, S_TAIL) / df), np.sqrt(2 * gammainccinv(df / 2, S_TAIL) / df)
    x, w = _nodes(S_NODES)
    s = (low + high) / 2 + (high - low) / 2 * x
    log_density = (df - 1) * np.log(s) - df * s * s / 2  # but for a constant
    weight = w * np.exp(log_density - log_density.max())
    return s, weight / weight.sum()
