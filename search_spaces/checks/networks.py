"""Rules for the networks of a file: known names, how teachers see, weights that are there, what students start from."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from search_spaces.checks import facts
from search_spaces.checks.facts import sized
from search_spaces.checks.recipes import recipe_values
from search_spaces.files.draft import Draft
from search_spaces.files.schema import TeacherModel
from search_spaces.files.yaml_lines import Path
from trainers.data import DataInfo
from trainers.data.view_sets import view_set
from trainers.files.paths import expanded
from trainers.texts.counting import counted
from trainers.texts.nearest import hint
from trainers.texts.words import is_url, shown

if TYPE_CHECKING:
    from trainers.models.pretrained import MadeFor

NOT_FETCHED = "not fetched"
"""Stands for the digest of weights that are not here, in a file that is read to plan."""
SMALL_PIXELS = 64
"""On images up to this height networks see what the data set says, whatever their published weights were made for."""


def check_teachers(draft: Draft) -> dict[str, str]:
    """Check the teachers' section but for their recipes; return the SHA-256 of each weights file."""
    of_pairs = sorted({pair.teacher for pair in draft.pairs.values()})
    digests: dict[str, str] = {}
    for name, model in draft.teachers.items():
        path: Path = ("teachers", name)
        given = [key for key in ("checkpoint", "pretrained", "recipe") if getattr(model, key)]
        if of_pairs and name not in of_pairs:
            draft.tree.add(path, f"is no pair's teacher{hint(name, of_pairs)}")
        if len(given) > 1:
            draft.tree.add((*path, given[1]), f"give one of checkpoint, pretrained and recipe, got {', '.join(given)}")
        _check_lens(draft, path, model)
        if model.pretrained and len(given) == 1:
            digests |= _pretrained(draft, name, (*path, "pretrained"))
        if model.checkpoint is not None and is_url(model.checkpoint):
            message = f"must be a file on this machine, got {shown(model.checkpoint)}; fetch it first"
            draft.tree.add((*path, "checkpoint"), message)
        elif model.checkpoint is not None:
            file = draft.folder / expanded(model.checkpoint)
            try:
                digests[name] = facts.file_digest(file)
            except ValueError as error:
                if draft.planning and not file.exists():
                    draft.assumed.append(f"teachers.{name}: {error}")
                    digests[name] = NOT_FETCHED
                else:
                    draft.tree.add((*path, "checkpoint"), str(error))
    return digests


def _check_lens(draft: Draft, path: Path, model: TeacherModel) -> None:
    pixels = [info.name for info in draft.infos().values() if info.task == "segmentation"]
    if not model.is_given:
        for key in ("size", "mean", "std"):
            if getattr(model, key) is not None:
                message = "needs checkpoint or pretrained: a teacher that is trained here sees what students see"
                draft.tree.add((*path, key), message)
        for name in pixels if model.variant == "strong" else ():
            message = f"strong is for classes of images, {name} has classes of pixels; give checkpoint:"
            draft.tree.add((*path, "variant"), message)
        return
    for name in pixels if model.size is not None else ():
        draft.tree.add((*path, "size"), f"is for classes of images, {name} has classes of pixels")
    if (model.mean is None) != (model.std is None):
        given, other = ("mean", "std") if model.std is None else ("std", "mean")
        draft.tree.add((*path, given), f"needs {other} beside it")
    elif model.mean is not None and model.std is not None:
        for info in draft.infos().values():
            for key in ("mean", "std"):
                if len(getattr(model, key)) != info.channels:
                    message = (
                        f"must have {counted(info.channels, 'number')} for {info.name}, got {len(getattr(model, key))}"
                    )
                    draft.tree.add((*path, key), message)


def _pretrained(draft: Draft, name: str, path: Path) -> dict[str, str]:
    """Return the SHA-256 of the published weights of a network, which are fetched where they are not there yet."""
    from trainers.models.pretrained import fetch_pretrained, tagged

    found: dict[str, str] = {}
    for info in draft.infos().values():
        full, size = draft.models[info.name].get(name), draft.teachers_size(info.name, name) or info.size
        if full is not None:  # else told at its pair
            weights = tagged(full, draft.teacher(name).pretrained)
            kind = {"classes": info.classes, "channels": info.channels, "size": size}
            digest = _published_digest(draft, path, f"teachers.{name}", fetch_pretrained, weights, **kind)
            found |= {facts.on_dataset(info.name, name): digest} if digest else {}
    return found


def _published_digest(
    draft: Draft, path: Path, who: str, fetch: Callable[..., FilePath], name: str, **kind: int
) -> str | None:
    """Return the SHA-256 of published weights; None where there are none, which joins the tree's problems."""
    try:
        return facts.file_digest(fetch(name, **kind, fetch=not draft.planning))
    except FileNotFoundError as error:
        draft.assumed.append(f"{who}: {error}")
        return NOT_FETCHED
    except ValueError as error:
        draft.tree.add(path, str(error))
        return None


def lenses(draft: Draft) -> dict[str, dict[str, dict[str, Any]]]:
    """Return how given teachers see, by data set and name, where it is not as students do."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for dataset, info in draft.infos().items():
        for name, model in draft.teachers.items():
            seen = _lens(model, draft.models[dataset].get(name), info)
            if seen:
                found.setdefault(dataset, {})[name] = seen
    return found


def _lens(model: TeacherModel, full: str | None, info: DataInfo) -> dict[str, Any]:
    """Return size, mean and std of what a teacher sees, where they are not the data set's."""
    from trainers.data import PICTURE_MEAN, PICTURE_STD

    published = _made_for(model, full) if info.size > SMALL_PIXELS else None
    size, mean, std = model.size, model.mean, model.std
    if size is None and published is not None and info.task == "classification":
        size = published.size
    if mean is None and published is not None:
        mean, std = published.mean, published.std
    seen: dict[str, Any] = {}
    if model.is_given and size is not None and (size, size) != (info.size, info.width):
        seen["size"] = size
    usual = view_set(info.view_set).kind != "shift" and (mean, std) == (PICTURE_MEAN, PICTURE_STD)
    if mean is not None and std is not None and not usual:
        seen |= {"mean": list(mean), "std": list(std)}
    return seen


def _made_for(model: TeacherModel, full: str | None) -> "MadeFor | None":
    """Return what the published weights are for that a teacher takes, if any."""
    if not model.pretrained or full is None:
        return None
    from trainers.models.pretrained import made_for, tagged

    try:
        return made_for(tagged(full, model.pretrained))
    except ValueError:  # no such tag: told with the weights
        return None


def initials(draft: Draft) -> dict[str, dict[str, str]]:
    """Return the SHA-256 of what networks start from, by data set and network; those not there are fetched."""
    found: dict[str, dict[str, str]] = {}
    for dataset, info in draft.infos().items():
        for path, pair in draft.pairs.items():
            for plain, teaches in ((pair.teacher, True), (pair.student, False)):
                if plain not in draft.models.get(dataset, {}) or plain in found.get(dataset, {}):
                    continue
                if teaches and draft.teacher(plain).is_given:
                    continue
                if recipe_values(draft, info, plain, of_teacher=teaches).get("start") == "published":
                    from trainers.models.start import fetch_start  # imports timm and torch

                    full, kind = draft.models[dataset][plain], {"channels": info.channels, "size": info.size}
                    digest = _published_digest(draft, path, full, fetch_start, full, **kind)
                    found.setdefault(dataset, {})[plain] = digest or NOT_FETCHED
    return found


def check_tasks(draft: Draft) -> None:
    """Tell every network that answers another question than a data set asks."""
    from trainers.model_names import is_segmentation

    for dataset, info in draft.infos().items():
        for path, pair in draft.pairs.items():
            for plain in dict.fromkeys(pair):
                if is_segmentation(plain) != (info.task == "segmentation"):
                    asked = "a class for every pixel" if info.task == "segmentation" else "one class for an image"
                    answered = "pixels" if is_segmentation(plain) else "images"
                    message = f"{plain!r} names classes of {answered}, {dataset} asks for {asked}"
                    draft.tree.add(path, message)


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
            yield name, draft.folder / expanded(teacher.checkpoint)


def _note(file: FilePath, model: str, info: DataInfo, arguments: Mapping[str, object]) -> str:
    from trainers.teachers.weight_files import check_weights  # imports torch

    return check_weights(file, model, classes=info.classes, channels=info.channels, arguments=arguments).note
