"""A sweep whose teachers were trained again and came out as others: their students have other keys from then on."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence

from search_spaces.sweeps.members import Member
from search_spaces.sweeps.searches import Search, with_blueprint
from search_spaces.sweeps.sweep import Sweep
from trainers.trials.trial import config_key, trial_key

Later = Mapping[str, Sequence[str]]
"""By id of a teacher: the digests of the weights that came after its first ones, in their order."""


def renewed(sweep: Sweep, later: Later, ended: Collection[str], is_whole: Callable[[Search], bool]) -> Sweep:
    """Return the sweep with the keys that students have under the weights that there are now.

    Args:
        ended: keys of trials that have a result, which they keep.
        is_whole: whether all proposals of a search are decided: it is not searched again, but what confirms it and has
            no result yet learns from the weights of now.
    """
    if not later:
        return sweep
    return dataclasses.replace(
        sweep,
        fixed=tuple(_member(member, later, ended) for member in sweep.fixed),
        searches=tuple(_search(search, later, ended, is_whole) for search in sweep.searches),
        renew=lambda member: _member(member, later, ended),
    )


def _member(member: Member, later: Later, ended: Collection[str]) -> Member:
    """Return the oldest form of a trial that has a result; without one that of the weights of now."""
    teacher = member.trial.teacher
    if teacher is None or teacher.id not in later:
        return member
    newest = member
    for weights in later[teacher.id]:
        if newest.key in ended:
            break
        trial = dataclasses.replace(member.trial, teacher=dataclasses.replace(teacher, weights=weights))
        newest = dataclasses.replace(member, trial=trial, key=trial_key(trial), config_key=config_key(trial))
    return newest


def _search(search: Search, later: Later, ended: Collection[str], is_whole: Callable[[Search], bool]) -> Search:
    teacher = search.blueprint.teacher
    if teacher is None or teacher.id not in later:
        return search
    newest, left = search, list(later[teacher.id])
    while left and not is_whole(newest):
        newest = _under(search, left.pop(0))
    if not left:
        return newest
    return dataclasses.replace(newest, renew=lambda member: _member(member, {teacher.id: left}, ended))


def _under(search: Search, weights: str) -> Search:
    """Return the search among students of a teacher with these weights: a study of its own."""
    assert search.blueprint.teacher is not None
    teacher = dataclasses.replace(search.blueprint.teacher, weights=weights)
    blueprint = dataclasses.replace(search.blueprint, teacher=teacher, shared={})
    return with_blueprint(search, blueprint)
