"""Whether the networks of a file take its images, and whether methods that compare features can compare them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search_spaces.checks.facts import sized
from search_spaces.checks.names import given_arguments, place_of
from search_spaces.files.draft import Draft
from search_spaces.files.entries import Entry, chosen_values
from search_spaces.files.names import Pair
from trainers.data import DataInfo
from trainers.methods import try_out
from trainers.model_names import PREFIX
from trainers.trials.trial import Value

SMALLEST_PIXELS = 16
"""Height of images from which all of our own networks work; a test holds it."""


def check_fit(draft: Draft) -> None:
    """Find the arguments with which networks take the images; networks that cannot, and pairs that a method cannot work
    with, are problems."""
    for name, info in draft.infos().items():
        draft.arguments[name] = {}
        for path, pair in draft.pairs.items():
            seen = {(pair.teacher, draft.teachers_size(name, pair.teacher)), (pair.student, 0)}
            for plain, size in sorted((plain, size) for plain, size in seen if plain in draft.models[name]):
                given: dict[str, Any] = {"classes": info.classes, "channels": info.channels}
                given |= {"size": size or info.size, "width": size or info.width}
                if plain in draft.own:
                    given["given"] = tuple(given_arguments(draft, plain).items())
                try:
                    draft.arguments[name][sized(plain, size)] = _argument(draft.models[name][plain], **given)
                except ValueError as error:
                    draft.tree.add(place_of(draft, plain, path), str(error))
    if any(entry.method.features for entry in draft.entries):
        _check_pairs(draft)


def _argument(name: str, **given: Any) -> dict[str, Value]:
    """Return the arguments with which a network takes images. Our own small ones pool globally and need none: to know
    that, two seconds of imports are spared."""
    if name.startswith(PREFIX) and given["size"] >= SMALLEST_PIXELS:
        return {}
    from trainers.models.fitting import arguments  # imports timm and torch

    return dict(arguments(name, **given))


def _check_pairs(draft: Draft) -> None:
    """Add a problem at an entry for every reason why its method cannot compare a pair."""
    for info in draft.infos().values():
        for pair in draft.pairs.values():
            seen = ((pair.student, 0), (pair.teacher, draft.teachers_size(info.name, pair.teacher)))
            told = any(sized(*one) not in draft.arguments[info.name] for one in seen)
            if info.task != "segmentation" and not told:
                _check_pair(draft, info, pair, seen)


def _check_pair(draft: Draft, info: DataInfo, pair: Pair, seen: Sequence[tuple[str, int]]) -> None:
    """Look at one pair on one data set.

    Args:
        seen: student and teacher, each with the height in pixels of what it sees; 0: as the data set has it.
    """
    from trainers.models.taps import TapError, shape_of

    names, found = draft.models[info.name], draft.arguments[info.name]
    try:
        ours, theirs = (
            shape_of(names[plain], found[sized(plain, size)], info.classes, info.channels, size or info.size)
            for plain, size in seen
        )
    except TapError as error:
        for entry in draft.entries:
            if entry.method.features:
                draft.tree.add(("methods", entry.name), str(error))
        return
    tried: set[tuple[str, str]] = set()
    for entry, part, values in _feature_parts(draft.entries):
        try:
            part.fits(values, ours, theirs)
            if (entry.name, part.name) not in tried:
                tried.add((entry.name, part.name))
                try_out(part, values, info.classes, (ours, theirs), in_parts=draft.ranks > 1)
        except ValueError as error:
            draft.tree.add(("methods", entry.name), f"{pair.teacher} -> {pair.student}: {error}")


def _feature_parts(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Any, Mapping[str, Value]]]:
    """Yield every method that compares features, with each of the settings that the entry may give it."""
    for entry in entries:
        for part in entry.method.methods:
            if part.features:
                for chosen in chosen_values(entry):
                    yield entry, part, entry.method.own_values(part, {**entry.method.defaults(), **chosen})
