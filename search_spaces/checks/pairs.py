"""Whether the networks of a file take its images, and whether methods that compare features can compare them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search_spaces.checks.facts import sized
from search_spaces.files.draft import Draft
from search_spaces.files.entries import Entry, chosen_values
from trainers.model_names import PREFIX
from trainers.trials.trial import Value

CE_WEIGHT = "ce_weight"
SMALLEST_PIXELS = 16
"""Height of images from which all of our own networks work; a test holds it."""

Arguments = dict[str, dict[str, dict[str, Value]]]
"""By data set and network."""


Lenses = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By data set and teacher."""


def check_fit(
    draft: Draft, models: Mapping[str, Mapping[str, str]], entries: Sequence[Entry], lenses: Lenses
) -> Arguments:
    """Return the arguments with which networks take the images, where they need some; networks that cannot, and pairs
    that a method cannot work with, are problems.

    Args:
        models: timm's names by data set and network.
        lenses: how teachers see, where not as students do.
    """
    found = _arguments(draft, models, lenses)
    if any(entry.method.features for entry in entries):
        _check_pairs(draft, models, found, entries, lenses)
    return {name: {n: a for n, a in of.items() if a} for name, of in found.items()}


def _teachers_size(lenses: Lenses, dataset: str, teacher: str) -> int:
    return int(lenses.get(dataset, {}).get(teacher, {}).get("size", 0))


def _arguments(draft: Draft, models: Mapping[str, Mapping[str, str]], lenses: Lenses) -> Arguments:
    found: Arguments = {}
    for name, info in draft.infos().items():
        found[name] = {}
        for path, pair in draft.pairs.items():
            seen = {(pair.teacher, _teachers_size(lenses, name, pair.teacher)), (pair.student, 0)}
            for plain, size in sorted((plain, size) for plain, size in seen if plain in models[name]):
                given: dict[str, Any] = {"classes": info.classes, "channels": info.channels}
                given |= {"size": size or info.size, "width": size or info.width}
                try:
                    found[name][sized(plain, size)] = _argument(models[name][plain], **given)
                except ValueError as error:
                    draft.tree.add(path, str(error))
    return found


def _argument(name: str, **given: Any) -> dict[str, Value]:
    """Return the arguments with which a network takes images. Our own small ones pool globally and need none: to know
    that, two seconds of imports are spared."""
    if name.startswith(PREFIX) and given["size"] >= SMALLEST_PIXELS:
        return {}
    from trainers.models.fitting import arguments  # imports timm and torch

    return dict(arguments(name, **given))


def _check_pairs(
    draft: Draft,
    models: Mapping[str, Mapping[str, str]],
    found: Arguments,
    entries: Sequence[Entry],
    lenses: Lenses,
) -> None:
    """Add a problem at an entry for every reason why its method cannot compare a pair."""
    from trainers.methods import try_out
    from trainers.models.taps import TapError, shape_of

    for name, info in draft.infos().items():
        for pair in draft.pairs.values():
            size = _teachers_size(lenses, name, pair.teacher)
            seen = ((pair.student, 0), (pair.teacher, size))
            if info.task == "segmentation" or any(sized(*one) not in found[name] for one in seen):
                continue  # told already
            try:
                ours, theirs = (
                    shape_of(
                        models[name][plain],
                        found[name][sized(plain, size)],
                        info.classes,
                        info.channels,
                        size or info.size,
                    )
                    for plain, size in seen
                )
            except TapError as error:
                _tell(draft, entries, str(error))
                continue
            tried: set[tuple[str, str]] = set()
            for entry, part, values in _feature_parts(entries):
                try:
                    part.fits(values, ours, theirs)
                    if (entry.name, part.name) not in tried:
                        tried.add((entry.name, part.name))
                        try_out(part, values, info.classes, (ours, theirs))
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
                for chosen in chosen_values(entry):
                    values = {**entry.method.defaults(), **chosen}
                    own = {**of_part(part, values), CE_WEIGHT: values[CE_WEIGHT]} if entry.method.parts else values
                    yield entry, part, own
