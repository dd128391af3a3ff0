"""All trainings of a sweep, those that cost the same together. Equal trials are one training, as they are in a run."""

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.sweeps.members import Member
from search_spaces.sweeps.searches import Search
from search_spaces.sweeps.sweep import Sweep
from trainers.trials.trial import Trial


@dataclass(frozen=True, slots=True)
class Training:
    """Trainings that differ in the seed, or in what a search proposes."""

    trial: Trial
    """One of them."""
    count: int
    seeds: tuple[int, ...]
    """By which they draw their views."""
    kept: bool = True
    """Their weights are kept."""


def trainings(sweep: Sweep, *, least: bool = False) -> list[Training]:
    """Return the trainings of a sweep, at most: no search is cut short, and nothing is settled before the last look.

    Args:
        least: none is added to the seeds that every row has.
    """
    more = () if least else sweep.most_seeds[len(sweep.seeds) :]
    return [*_teachers(sweep), *_fixed(sweep, more), *_searched(sweep, more)]


def distinct_searches(sweep: Sweep) -> list[Search]:
    """Return the searches of which no two share a study."""
    return list({search.study_id: search for search in sweep.searches}.values())


def _teachers(sweep: Sweep) -> Iterator[Training]:
    for plan in {plan.id: plan for plan in sweep.teachers}.values():
        if plan.trial is not None:
            yield Training(plan.trial, 1, (plan.trial.seed,))


def _fixed(sweep: Sweep, more: tuple[int, ...]) -> Iterator[Training]:
    by_seed: dict[str, dict[int, Member]] = {}
    for member in sweep.fixed:
        by_seed.setdefault(member.config_key, {})[member.seed] = member
    for members in by_seed.values():
        yield Training(next(iter(members.values())).trial, len(members) + len(more), (*members, *more))


def _searched(sweep: Sweep, more: tuple[int, ...]) -> Iterator[Training]:
    for search in distinct_searches(sweep):
        lowest = {d.name: d.starts[0] for d in search.dimensions}
        yield Training(search.proposal(lowest, 0).trial, search.trials, (search.training_seed,), kept=False)
        if search.race_sizes:
            seeds = tuple(search.seed_at(place) for place in range(1, search.race))
            yield Training(search.proposal(lowest, 0, 1).trial, sum(search.race_sizes), seeds, kept=False)
        confirmed = search.confirmed(lowest, 1)
        count = search.confirm * len(confirmed) + len(more)  # those of the chosen setting alone
        yield Training(confirmed[0].trial, count, (*(member.seed for member in confirmed), *more))
