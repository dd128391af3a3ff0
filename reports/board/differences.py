"""Ours less theirs as tables print it: the difference of the two means that are shown, over all seeds of each."""

from collections.abc import Mapping, Sequence

from reports.board.score import Score
from reports.statistics.spread import Stat, summarise

BySeed = Mapping[int, float]

APART_NOTE = "Where two rows have other seeds: difference of the means (seeds of each), without a spread."


def difference(ours: BySeed, theirs: BySeed) -> Stat:
    """Return the difference of two rows that have scores.

    With the spread of the differences by seed where both have the same seeds, the mean of which it is.
    """
    if ours.keys() == theirs.keys():
        stat = summarise({seed: ours[seed] - theirs[seed] for seed in ours})
        assert stat is not None  # there are seeds
        return stat
    mine, other = summarise(ours), summarise(theirs)
    assert mine is not None
    assert other is not None
    gap = mine.mean - other.mean
    return Stat((), gap, None, gap, gap, f"{mine.n}/{other.n}")


def differences(pairs: Sequence[tuple[BySeed, BySeed]]) -> list[Stat | None]:
    """Return ours less theirs of each pair of rows; None where one of the two is empty."""
    return [difference(ours, theirs) if ours and theirs else None for ours, theirs in pairs]


def why_none(ours: Score, theirs: Score, name: str) -> str:
    """Return why there is no difference; empty where there is one.

    Args:
        name: of the other row.
    """
    if not ours.by_seed:
        return ours.missing
    return "" if theirs.by_seed else f"{name}: {theirs.missing}"


def notes(stats: Sequence[Stat | None]) -> list[str]:
    """Return what a reader of these differences must know besides, in sentences."""
    return [APART_NOTE] if any(stat is not None and stat.apart for stat in stats) else []
