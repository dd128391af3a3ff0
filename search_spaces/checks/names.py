"""What the networks of a file are: timm's name of each on each data set, and the factories of those of your own."""

from typing import Any

from search_spaces.files.draft import Draft
from search_spaces.files.yaml_lines import Path
from trainers.model_names import OWN
from trainers.own import NETWORKS, Code, OwnCodeError, as_json, code_of, offered, parse, provide
from trainers.own.factories import value_problems
from trainers.own.plugins import taken_twice
from trainers.texts.nearest import hint
from trainers.texts.words import shown

SMALL, LARGE = 32, 224
"""In pixels: a name that is right at one of these is some network's. timm, which takes seconds, is asked at the second
alone."""


def networks(draft: Draft) -> dict[str, dict[str, str]]:
    """Return timm's name of each network on each data set; one that does not exist there is a problem, told once where
    it exists nowhere."""
    found: dict[str, dict[str, str]] = {name: {} for name in draft.infos()}
    _check_section(draft)
    written = draft.tree.values.get("networks")
    told = set(written) - set(draft.networks) if isinstance(written, dict) else set()
    for path, pair in draft.pairs.items():
        for plain in dict.fromkeys(pair):
            if plain in told:
                continue
            if _is_own(draft, plain):
                code = _own(draft, plain, path)
                if code is None:
                    told.add(plain)
                for name in found if code is not None else ():
                    found[name][plain] = f"{OWN}{code.name}"  # type: ignore[union-attr]  # it is there
                continue
            _, missing = _timm_name(plain, SMALL)
            if missing and _timm_name(plain, LARGE)[1]:
                draft.tree.add(path, f"{missing}{_near_own(draft, plain)}")
                continue
            for name, info in draft.infos().items():
                full, problem = _timm_name(plain, info.size)
                if problem:
                    draft.tree.add(path, f"{problem} on {name}")
                else:
                    found[name][plain] = full
    return found


def place_of(draft: Draft, plain: str, path: Path) -> Path:
    """Return where a file says what a network is: under `networks`, else in its pair."""
    return ("networks", plain) if plain in draft.networks else path


def given_arguments(draft: Draft, plain: str) -> dict[str, Any]:
    """Return the arguments that a file has for a network of somebody's own; lists are tuples, as in keys."""
    model = draft.networks.get(plain)
    return {} if model is None else {n: tuple(v) if isinstance(v, list) else v for n, v in model.arguments.items()}


def _check_section(draft: Draft) -> None:
    named = sorted({network for pair in draft.pairs.values() for network in pair})
    for name in draft.networks:
        if named and name not in named:
            draft.tree.add(("networks", name), f"is in no pair{hint(name, named)}")
        elif not _timm_name(name, SMALL)[1]:
            draft.tree.add(("networks", name), f"{name!r} names a network of ours; call yours otherwise")


def _is_own(draft: Draft, plain: str) -> bool:
    return plain in draft.networks or parse(plain) is not None or (plain in offered(NETWORKS) and _is_free(plain))


def _is_free(plain: str) -> bool:
    return bool(_timm_name(plain, SMALL)[1])


def _own(draft: Draft, plain: str, path: Path) -> Code | None:
    """Return what makes a network, once it can be called as the file says; None where it cannot, which is told."""
    if plain in draft.own:
        return draft.own[plain]
    from trainers.models.own import argument_problems  # imports torch

    model, entry = draft.networks.get(plain), offered(NETWORKS).get(plain)
    at: Path = path if model is None else ("networks", plain, "from")
    given = model.source if model is not None else entry.value if entry is not None and parse(plain) is None else plain
    who = f"the plug-in {given} cannot be used: " if given != plain and model is None else ""
    reference = parse(given)
    if reference is None:
        message = f"must be FILE.py:NAME or MODULE:NAME, a class or function that makes a network, got {shown(given)}"
        if given in offered(NETWORKS):
            message += f", which is a plug-in: give {offered(NETWORKS)[given].value}"
        draft.tree.add(draft.tree.known(at), message)
        return None
    try:
        code = code_of(reference, draft.folder)
        twice = taken_twice(NETWORKS, plain) if who else ""
        problems = [("", twice)] if twice else [*argument_problems(code, given_arguments(draft, plain))]
        problems += value_problems({} if model is None else model.arguments)
    except OwnCodeError as error:
        problems = [("", str(error))]
    for argument, message in problems:
        draft.tree.add(("networks", plain, argument) if argument else draft.tree.known(at), f"{who}{message}")
    if problems:
        return None
    draft.own[plain] = code
    provide({code.name: as_json(code)})
    return code


def _near_own(draft: Draft, plain: str) -> str:
    return hint(plain, [*draft.networks, *offered(NETWORKS)])


def _timm_name(plain: str, size: int) -> tuple[str, str]:
    """Return timm's name of a network on images of a size, or what is wrong with it."""
    from trainers.model_names import timm_name

    try:
        return timm_name(plain, size), ""
    except ValueError as error:
        return "", str(error)
