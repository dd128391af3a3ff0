"""Wilcoxon's signed-rank test, exact in the presence of ties. F. Wilcoxon, Biometrics Bulletin 1 (1945)."""

from reports.statistics._batches import SMALLEST, Sample
from reports.statistics.sign_flips import sign_flip


def signed_ranks(differences: Sample) -> float | None:
    """Return the two-sided p-value of the hypothesis that differences lie around 0; None for none.

    Equal sizes share their rank, and differences of 0 are left out. All ways to sign the ranks are counted, for as many
    as `sign_flip` does; n differences cannot give less than 2 / 2^n.
    """
    from scipy.stats import rankdata

    apart = [value for value in differences if abs(value) > SMALLEST]
    if not apart:
        return 1.0 if differences else None
    ranks = rankdata([round(abs(value) / SMALLEST) for value in apart])
    test = sign_flip([float(rank) if value > 0 else -float(rank) for rank, value in zip(ranks, apart, strict=True)])
    return None if test is None else test.p
