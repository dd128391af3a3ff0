"""Data sets of somebody's own in a sweep file: what `from:` names, and what else is set of them."""

from pathlib import Path as FilePath

from search_spaces.files.schema import DataSetModel
from search_spaces.files.yaml_lines import Path, Tree
from trainers.data import OPTIONS, Source
from trainers.files.paths import expanded
from trainers.own import DATASETS, Code, OwnCodeError, as_json, code_of, offered, parse, provide
from trainers.own.factories import argument_problems, value_problems
from trainers.own.plugins import taken_twice
from trainers.texts.nearest import unknown_key
from trainers.texts.words import is_url, shown


def own_root(
    tree: Tree, folder: FilePath, name: str, path: Path, model: DataSetModel
) -> tuple[FilePath, Code | None] | None:
    """Return what tells a data set in every process, and the code that makes it, if any; None: told that it is none.

    Args:
        folder: of the sweep file.
        path: of the data set in it.
    """
    given = model.source or offered(DATASETS)[name].value
    place = (*path, "from") if model.source is not None else path
    if is_url(given):
        tree.add(tree.known(place), f"must be on this machine, got {shown(given)}")
        return None
    reference = parse(given)
    size = {} if model.size is None else {"size": str(model.size[0])}
    if model.size is not None and model.size[0] != model.size[1]:
        tree.add((*path, "size"), f"must be one number: images in memory are square, got {shown(model.size)}")
        return None
    if reference is None:
        options = {**size, **{key: str(value) for key, value in model.arguments.items()}}
        wrong = [key for key in options if key not in OPTIONS]
        for key in wrong:
            known = [one for one in DataSetModel.model_fields if one not in ("source", "root", "download")]
            tree.add((*path, key), unknown_key(key, [*known, *OPTIONS[1:]]))
        found = Source((folder / expanded(given)).absolute(), options=_pairs(options))
        return None if wrong else (found.root(), None)
    who = "" if model.source is not None else f"the plug-in {given} cannot be used: "
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in model.arguments.items()}
    try:
        code = code_of(reference, folder, arguments)
        twice = "" if model.source is not None else taken_twice(DATASETS, name)
        problems = [("", twice)] if twice else [*argument_problems(code, model.arguments)]
        problems += value_problems(model.arguments)
    except OwnCodeError as error:
        problems = [("", str(error))]
    for argument, message in problems:
        tree.add((*path, argument) if argument else tree.known(place), f"{who}{message}")
    if problems:
        return None
    provide({code.name: as_json(code)})
    return Source(FilePath(code.file), code.name, _pairs(size)).root(), code


def _pairs(options: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(options.items())
