"""Ours less theirs as tables print it: by the rule that the tests go by, so that both have the same number.

Seed by seed where two or more seeds are common, else between the means (see `reports.statistics.contrast`).
"""

from collections.abc import Mapping, Sequence

from reports.board.score import Score
from reports.statistics import Contrast, contrasts
from reports.statistics.spread import Stat, summarise

BySeed = Mapping[int, float]

APART_NOTE = "Where fewer than two seeds are common: difference of the means (seeds of each)."


def difference_of(contrast: Contrast) -> Stat:
    """Return the difference that was tested."""
    alone = contrast.n_ours == contrast.n_theirs == len(contrast.seeds)  # one and the same seed: by seed, too
    if contrast.is_paired or alone:
        stat = summarise(dict(zip(contrast.seeds, contrast.differences, strict=True)))
        assert stat is not None  # there are common seeds
        return stat
    common = "one common seed" if contrast.seeds else "no common seed"
    apart = f"{contrast.n_ours}/{contrast.n_theirs}, {common}"
    return Stat((), contrast.mean, None, contrast.mean, contrast.mean, apart)


def differences(pairs: Sequence[tuple[BySeed, BySeed]]) -> list[Stat | None]:
    """Return ours less theirs of each pair of rows; None where one of the two is empty."""
    places = [place for place, pair in enumerate(pairs) if all(pair)]
    found = dict(zip(places, contrasts([pairs[place] for place in places]), strict=True))
    return [difference_of(found[place]) if place in found else None for place in range(len(pairs))]


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
