"""Whether the networks of a file take its images, and whether methods that compare features can compare them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search_spaces.draft import Draft
from search_spaces.entries import Entry, chosen_values
from trainers.trial import Value

Arguments = dict[str, dict[str, dict[str, Value]]]
"""By data set and network."""


def check_fit(draft: Draft, models: Mapping[str, Mapping[str, str]], entries: Sequence[Entry]) -> Arguments:
    """Return the arguments with which networks take the images, where they need some; networks that cannot, and pairs
    that a method cannot work with, are problems.

    Args:
        models: timm's names by data set and network.
    """
    found = _arguments(draft, models)
    if any(entry.method.features for entry in entries):
        _check_pairs(draft, models, found, entries)
    return {name: {n: a for n, a in of.items() if a} for name, of in found.items()}


def _arguments(draft: Draft, models: Mapping[str, Mapping[str, str]]) -> Arguments:
    from trainers.models.fitting import arguments  # imports timm and torch

    found: Arguments = {}
    for name, info in draft.infos().items():
        found[name] = {}
        for path, pair in draft.pairs.items():
            for plain in (plain for plain in dict.fromkeys(pair) if plain in models[name]):
                given: dict[str, Any] = {"classes": info.classes, "channels": info.channels, "size": info.size}
                try:
                    found[name][plain] = dict(arguments(models[name][plain], **given))
                except ValueError as error:
                    draft.tree.add(path, str(error))
    return found


def _check_pairs(
    draft: Draft, models: Mapping[str, Mapping[str, str]], found: Arguments, entries: Sequence[Entry]
) -> None:
    """Add a problem at an entry for every reason why its method cannot compare a pair."""
    from trainers.taps import TapError, shape_of

    for name, info in draft.infos().items():
        for pair in draft.pairs.values():
            if not set(pair) <= set(found[name]):
                continue  # told already
            try:
                ours, theirs = (
                    shape_of(models[name][plain], found[name][plain], info.classes, info.channels, info.size)
                    for plain in (pair.student, pair.teacher)
                )
            except TapError as error:
                _tell(draft, entries, str(error))
                continue
            for entry, part, values in _feature_parts(entries):
                try:
                    part.fits(values, ours, theirs)
                except ValueError as error:
                    draft.tree.add(("methods", entry.name), f"{pair.teacher} -> {pair.student}: {error}")


def _tell(draft: Draft, entries: Sequence[Entry], reason: str) -> None:
    for entry in entries:
        if entry.method.features:
            draft.tree.add(("methods", entry.name), reason)


def _feature_parts(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Any, Mapping[str, Value]]]:
    """Yield every method that compares features, with each of the settings that the entry may give it."""
    from trainers.methods import of_part  # imports torch

    for entry in entries:
        for part in entry.method.parts or (entry.method,):
            if part.features:
                for values in chosen_values(entry):
                    yield entry, part, of_part(part, values) if entry.method.parts else values
