"""Who a trial is to a sweep: the cell and row it serves, and its keys."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from trainers.trials.trial import Keys, Trial

Phase = Literal["fixed", "confirm", "search", "teacher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One trial in its place in a sweep. Several members may have one key: the trial is trained once."""

    cell: str
    """Of the form `digits100: tinyresnet -> tinycnn`; of a teacher `digits100: tinyresnet`."""
    entry: str
    """Name of the entry; empty for a teacher."""
    row: str
    """Label of the row; `teacher` for a teacher."""
    phase: Phase
    rank: int | None = None
    """Of a confirmed setting: 1 is the best of its search."""
    proposal: int | None = None
    """Number of a search's proposal, from 0."""
    seed: int
    trial: Trial
    key: str
    config_key: str


def as_it_is(member: Member) -> Member:
    """Return a trial whose teacher is as it was."""
    return member


class Place(NamedTuple):
    """What a trial serves, as `Member` has it."""

    cell: str
    entry: str
    row: str


def further(member: Member, seeds: tuple[int, ...]) -> Iterator[Member]:
    """Yield the trial of a member with other seeds, in the same place."""
    place = Place(member.cell, member.entry, member.row)
    yield from over_seeds(member.trial, seeds, place, phase=member.phase, rank=member.rank, proposal=member.proposal)


def over_seeds(
    trial: Trial,
    seeds: tuple[int, ...],
    place: Place,
    *,
    phase: Phase,
    rank: int | None = None,
    proposal: int | None = None,
    keys: Keys | None = None,
) -> Iterator[Member]:
    """Yield the trial with each of the seeds.

    Args:
        keys: of this trial and of others that differ in hyperparameters alone.
    """
    group, each = (keys or Keys(trial)).of(trial, seeds)
    for seed, key in zip(seeds, each, strict=True):
        seeded = trial if seed == trial.seed else replace(trial, seed=seed)
        yield Member(
            cell=place.cell,
            entry=place.entry,
            row=place.row,
            phase=phase,
            rank=rank,
            proposal=proposal,
            seed=seed,
            trial=seeded,
            key=key,
            config_key=group,
        )
