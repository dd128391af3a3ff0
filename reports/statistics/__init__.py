"""Whether differences between rows are more than noise: tests, intervals, and what more seeds would settle.

Plain numbers in, frozen dataclasses out; knows no sweep and no table. scipy is imported by the first call.
"""

from reports.statistics._batches import SMALLEST
from reports.statistics.contrasts import Contrast, contrast, contrasts
from reports.statistics.holm import holm
from reports.statistics.settling import MOST_SEEDS, POWER, seeds_to_settle
from reports.statistics.sign_flips import EXACT_UP_TO, SignFlip, fewest, sign_flip, sign_flips
from reports.statistics.signed_ranks import signed_ranks
from reports.statistics.t_tests import TTest, paired, paired_many, welch

__all__ = [
    "EXACT_UP_TO",
    "MOST_SEEDS",
    "POWER",
    "SMALLEST",
    "Contrast",
    "SignFlip",
    "TTest",
    "contrast",
    "contrasts",
    "fewest",
    "holm",
    "paired",
    "paired_many",
    "seeds_to_settle",
    "sign_flip",
    "sign_flips",
    "signed_ranks",
    "welch",
]
