"""The text of a first sweep file, checked as `plan` checks it, and where it is written."""

import json
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from search_spaces import recipes
from search_spaces.files.schema import NAME_PATTERN
from search_spaces.files.yaml_lines import YamlError, read_tree
from search_spaces.init.proposal import Proposal, recipe_for
from search_spaces.json_schema import FILE as SCHEMA
from search_spaces.sweeps.reading import check_source
from trainers.errors import RequestError
from trainers.files.paths import expanded
from trainers.model_names import timm_name
from trainers.own import parse
from trainers.texts.counting import counted
from trainers.texts.nearest import unknown
from trainers.texts.words import shown

FOLDER = Path(__file__).parents[1]
HEAD = f"# yaml-language-server: $schema={SCHEMA}\n"
"""By which an editor finds the keys: of this installation, for nothing lies beside a new file."""
METHODS = "ce,kd,dkd,gdkd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person wants; what is None is proposed."""

    teacher: str | None = None
    checkpoint: str | None = None
    """File with the teacher's weights; None: it is trained."""
    student: str | None = None
    methods: tuple[str, ...]
    seeds: int


def shipped_names() -> tuple[str, ...]:
    """Return the names of the sweep files that come with the program."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "recipes"))


def shipped_text(name: str) -> str:
    """Return the text of a sweep file that comes with the program; the first of a family stands for it.

    Raises:
        RequestError: there is none of that name.
    """
    names = shipped_names()
    wanted = name.replace("-", "_")
    found = next((one for one in names if one == wanted), None) or next(
        (one for one in reversed(names) if one.startswith(f"{wanted}_")), None
    )
    if found is None:
        raise RequestError(unknown("sweep file", name, names))
    return HEAD + (FOLDER / f"{found}.yaml").read_text(encoding="utf-8")


def write_new(path: Path, text: str) -> None:
    """Write a file that was not there.

    Raises:
        RequestError: it is there, or its folder is not or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RequestError(f"{path} is there already and stays as it is; give another name with --out") from None
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror or error}") from error


def checked_text(proposal: Proposal, choices: Choices, path: Path) -> str:
    """Return the text of a sweep file that keeps every rule, to be written at `path`.

    Raises:
        RequestError: the teacher's weights are not there; in a file that is planned they might be still to come.
        SweepFileError: a network, method or number that was asked for breaks rules.
    """
    if choices.checkpoint is not None and not expanded(choices.checkpoint).is_file():
        raise RequestError(
            f"--checkpoint: {shown(choices.checkpoint)} is no file; give one with the teacher's weights, or leave it "
            "out and the teacher is trained"
        )
    text = _text(proposal, choices, path)
    check_source(path, text, planning=True)
    return text


def _text(proposal: Proposal, choices: Choices, path: Path) -> str:
    teacher, student = (
        _network(one, path) for one in (choices.teacher or proposal.teacher, choices.student or proposal.student)
    )
    own = (
        [f"  {teacher}: {{checkpoint: {_quoted(_from_file(choices.checkpoint, path))}}}"] if choices.checkpoint else []
    )
    name = shlex.quote(path.name)
    lines = [
        HEAD.rstrip(),
        "# Each line under `methods:` is a row of the table: the student, trained by that method. Look, then train:",
        f"#   kdsweep plan {name}",
        f"#   kdsweep run {name}",
        f"name: {_quoted(name_of(path.stem))}",
        *_data(proposal, path),
        f"pairs: {_quoted(f'{teacher} -> {student}')}  # teacher -> student; in a list each is a column",
        "teachers:" if own else f"# teachers: {{{teacher}: {{checkpoint: weights.safetensors}}}}  # else it is trained",
        *own,
        *_recipe(proposal, teacher if choices.checkpoint is None else "", student),
        "methods:",
        *(f"  {one}:{'  # the student alone' if one == 'ce' else ''}" for one in choices.methods),
        "  # gdkd (tuned): {method: gdkd, k: {search: default}}  # searched; needs the next line, too",
        "# search: {trials: 8, parallel: 2, sampler: tpe}",
        f"seeds: {choices.seeds}  # trainings of each row: a mean and its spread",
    ]
    return "\n".join(lines) + "\n"


def _network(name: str, path: Path) -> str:
    """Return a network as the file names it: one in a file of somebody's own by its place seen from there."""
    reference = parse(name)
    if reference is None or not reference.is_file:
        return name
    place = _from_file(reference.place, path)
    return f"{place if '/' in place else f'./{place}'}:{reference.attribute}"


def _data(proposal: Proposal, path: Path) -> list[str]:
    info, name = proposal.info, proposal.dataset
    count = f"{info.fit + info.validation:,} + {info.test:,} images of {counted(info.classes, 'class', 'classes')}"
    if proposal.root is None and proposal.size is None:
        return [f"dataset: {name}  # {count}"]
    lines = ["datasets:", f"  {name}:  # {count}"]
    if proposal.root is not None:
        lines.append(f"    root: {_quoted(_from_file(proposal.root, path))}")
    if proposal.size is not None:
        lines.append(f"    size: {proposal.size}  # pixels; {_why_size(proposal)}")
    return lines


def _why_size(proposal: Proposal) -> str:
    median = f"half of the pictures have a shorter side above {proposal.side}"
    larger = proposal.size is not None and proposal.side is not None and proposal.side >= 2 * proposal.size
    if larger and not proposal.gpu:
        return f"{median}, but there is no GPU here: 224 and larger networks there"
    return median


def _recipe(proposal: Proposal, *trained: str) -> list[str]:
    """Return the lines of the recipe, with why it was chosen.

    Args:
        trained: networks that are trained here, as the file has them; empty ones are passed over.
    """
    recipe, epochs, batch_size = proposal.recipe, proposal.epochs, proposal.batch_size
    size, pictures = proposal.size or proposal.info.size, proposal.info.fit + proposal.info.validation
    if recipe == "finetune" and not all(_is_published(one, size) for one in trained if one):
        recipe, epochs, batch_size = recipe_for(pictures, size, published=False)
    given = {"base": recipe, "epochs": epochs, "batch_size": batch_size}
    lines = [f"  {name}: {value}" for name, value in given.items() if value is not None]
    why = _why_recipe(recipe, pictures)
    if len(lines) == 1:
        return [f"recipe: {recipe}  # {why}"]
    if batch_size not in (None, recipes.get(recipe).batch_size):
        lines.append(
            f"  scale_learning_rate: true  # the base's belongs to a batch of {recipes.get(recipe).batch_size}"
        )
    return [f"recipe:  # {why}", *lines]


def _why_recipe(recipe: str, pictures: int) -> str:
    told = {
        "small": f"{pictures:,} training pictures are few: many epochs of small batches",
        "finetune": f"{pictures:,} training pictures: from weights published for ImageNet, which the first run fetches",
        "quick": f"for {pictures:,} training pictures; more epochs score higher",
    }
    return told.get(recipe, "the data set's own")


def _is_published(network: str, size: int) -> bool:
    """Return whether weights are published that a network can start from, of three channels."""
    from trainers.models.pretrained import made_for

    try:
        known = made_for(timm_name(network, size))
    except ValueError:  # told where the file is checked
        return False
    return known is not None and known.channels == 3


def _from_file(given: str, path: Path) -> str:
    """Return a path as it stands in a file at `path`: one that begins nowhere is seen from the file's folder."""
    if expanded(given).is_absolute():
        return given
    return os.path.relpath(given, path.parent)


def _quoted(text: str) -> str:
    """Return a text as YAML, as it is where it is read back as the same: `2024`, `on` and `~` are not."""
    try:
        tree = read_tree(f"block: {text}\nflow: {{text: {text}}}\n")
        plain = tree.values == {"block": text, "flow": {"text": text}} and not tree.problems
    except YamlError:
        plain = False
    return text if plain else json.dumps(text, ensure_ascii=False)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a list with commas between, each once."""
    return tuple(dict.fromkeys(word for one in text.split(",") if (word := one.strip())))


def name_of(text: str) -> str:
    """Return a text as the name of a sweep."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:64]
    return name if re.match(NAME_PATTERN, name) else "sweep"
