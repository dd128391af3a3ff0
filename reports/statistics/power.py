"""How many seeds would settle a difference, if it is as large and as noisy as it was measured."""

import functools
from typing import Any

from reports.statistics._batches import SMALLEST

POWER = 0.8
"""Probability with which the paired t-test would find the difference."""
MOST_SEEDS = 1_000
"""More are not looked for."""
LARGEST_EFFECT = 1e3
"""In standard deviations. scipy has no numbers far above, where two or three seeds show the difference anyway."""


def seeds_needed(mean: float, std: float, level: float = 0.05) -> int | None:
    """Return the fewest seeds with which a paired t-test finds the difference with probability `POWER`.

    A guess: mean and spread come from few seeds themselves. None for more than `MOST_SEEDS`.

    Args:
        mean: of the differences by seed.
        std: of the sample.
    """
    if std <= SMALLEST:  # the spread of equal differences is their rounding
        return 2 if abs(mean) > SMALLEST else None
    import numpy as np
    from scipy.stats import nct

    n, critical = _critical(level)
    effect = min(abs(mean) / std, LARGEST_EFFECT)
    if effect * np.sqrt(MOST_SEEDS) < 2:
        return None
    sizes = n[n <= max(10, int(40 / effect**2) + 10)]  # beyond that power is 1, and the distribution hard to compute
    power = nct.sf(critical[: len(sizes)], sizes - 1, effect * np.sqrt(sizes))  # the other tail is next to nothing
    enough = np.flatnonzero(power >= POWER)
    return int(sizes[enough[0]]) if len(enough) else None


@functools.cache
def _critical(level: float) -> tuple[Any, Any]:
    import numpy as np
    from scipy.stats import t

    n = np.arange(2, MOST_SEEDS + 1)
    return n, t.ppf(1 - level / 2, n - 1)
