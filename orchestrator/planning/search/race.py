"""The race of a search's best settings over further seeds: which of them are trained next, and how they rank.

A function of outcomes: whoever asks, whenever, with however many workers, gets the same race.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.ledger.records import ProposalRow

Outcome = float | Literal["open", "out"]
"""Of a training in a race: its validation score in percent; open: it has not ended; out: it has ended without one."""


@dataclass(frozen=True, slots=True)
class Racer:
    """A setting, and what it scored with each seed."""

    proposal: ProposalRow
    """The first that came to the setting."""
    scores: tuple[float, ...]
    """On validation images, in percent, by the order of the seeds: the first is the proposal's own."""
    out: bool = False
    """It diverged or failed with the seed after those."""

    @property
    def mean(self) -> float:
        """Of the scores."""
        return math.fsum(self.scores) / len(self.scores)


@dataclass(frozen=True, slots=True)
class Race:
    """A race as it stands."""

    racers: tuple[Racer, ...]
    """Best first: most seeds, then the highest mean, then the lowest number; those that are out come last."""
    asked: tuple[tuple[ProposalRow, int], ...] = ()
    """Settings, each with the place of a seed (1 is the first after the proposals' own), that are to be trained before
    it can go on; empty where it is over."""


def race(ranking: Sequence[ProposalRow], sizes: Sequence[int], outcome: Callable[[ProposalRow, int], Outcome]) -> Race:
    """Return how a race stands.

    Args:
        ranking: the settings that may win, each once, all with a score.
        sizes: how many are trained with each of the further seeds, the best of those that have all seeds before it.
        outcome: of a setting's training with the seed at a place, from 1.
    """
    racers = [Racer(row, (row.value,)) for row in ranking if row.value is not None]
    for place, size in enumerate(sizes, start=1):
        racers.sort(key=_order)
        runners = [racer for racer in racers if len(racer.scores) == place and not racer.out][:size]
        if len(runners) <= 1:
            break  # no other can overtake it: those with fewer seeds come behind
        found = {racer.proposal.number: outcome(racer.proposal, place) for racer in runners}
        asked = tuple((racer.proposal, place) for racer in runners if found[racer.proposal.number] == "open")
        if asked:
            return Race(tuple(racers), asked)
        racers = [_after(racer, found.get(racer.proposal.number)) for racer in racers]
    return Race(tuple(sorted(racers, key=_order)))


def _after(racer: Racer, found: Outcome | None) -> Racer:
    if found is None:
        return racer
    return replace(racer, scores=(*racer.scores, found)) if isinstance(found, float) else replace(racer, out=True)


def _order(racer: Racer) -> tuple[bool, int, float, int]:
    return racer.out, -len(racer.scores), -racer.mean, racer.proposal.number
