"""Whether the weights of given teachers are those of their networks, and how they lie in their files."""

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from search_spaces.checks.facts import sized
from search_spaces.checks.networks import NOT_FETCHED
from search_spaces.files.draft import Draft
from trainers.data import DataInfo


def check_weights_files(draft: Draft, checkpoints: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return how weights lie in the files that are given, by data set and teacher, where it should be told; files that
    are no weights of their networks are problems.

    Args:
        checkpoints: SHA-256 of the files; what is not among them cannot be read, which is told already.
    """
    found: dict[str, dict[str, str]] = {}
    networks: dict[str, tuple[str, str]] = {}
    for dataset, info in draft.infos().items():
        for name, file in _given(draft):
            digest, model = checkpoints.get(name, NOT_FETCHED), draft.models.get(dataset, {}).get(name)
            if digest == NOT_FETCHED or model is None:
                continue
            place = ("teachers", name, "checkpoint")
            first, known = networks.setdefault(digest, (name, model))
            if known != model:
                draft.tree.add(place, f"is the file of {first!r}, too, which is another network; keep each in its own")
                continue
            seen = sized(name, draft.teachers_size(dataset, name))
            try:
                note = _note(file, model, info, draft.arguments.get(dataset, {}).get(seen, {}))
            except (OSError, ValueError) as error:
                draft.tree.add(place, str(error))
                continue
            if note:
                found.setdefault(dataset, {})[name] = note
    return found


def _given(draft: Draft) -> Iterator[tuple[str, FilePath]]:
    taught = {pair.teacher for pair in draft.pairs.values()}
    for name, teacher in draft.teachers.items():
        if teacher.checkpoint is not None and name in taught:
            yield name, draft.folder / teacher.checkpoint


def _note(file: FilePath, model: str, info: DataInfo, arguments: Mapping[str, object]) -> str:
    from trainers.teachers.weight_files import check_weights  # imports torch

    return check_weights(file, model, classes=info.classes, channels=info.channels, arguments=arguments).note
