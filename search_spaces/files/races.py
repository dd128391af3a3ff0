"""The races of searches: how many settings go on to each further seed, and which seeds those are."""

import math

SEARCH_SEEDS = 1_000_000
"""Seeds of searches start here; reported seeds lie below. Each place of a race has so many, one for each search."""
SHARE = 4
"""With the second seed one of so many proposals is trained, with the third and fourth one of twice as many, and so
on."""
FEWEST = 2
"""Settings that race: of one there is nothing to choose."""


def race_sizes(trials: int, race: int) -> tuple[int, ...]:
    """Return how many settings of a search are trained with each seed after the first, at most: of 24 proposals the
    best 6, 3, 3, 2 and 2.

    Args:
        trials: proposals of the search.
        race: seeds of the finalists.
    """
    shares = (SHARE * math.ceil(seed / 2) for seed in range(2, race + 1))
    return tuple(max(FEWEST, math.ceil(trials / share)) for share in shares) if trials >= FEWEST else ()


def seed_at(place: int, seed: int) -> int:
    """Return the seed of a search's trainings at a place of its race; 0 is that of all proposals.

    Args:
        seed: of the search.
    """
    return SEARCH_SEEDS * (place + 1) + seed


def proposal_text(proposal: object, seed: int) -> str:
    """Return what people call a training of a search: `proposal 7`, and in its race `proposal 7, search seed 2`."""
    place = seed // SEARCH_SEEDS
    return f"proposal {proposal}, search seed {place}" if place > 1 else f"proposal {proposal}"
