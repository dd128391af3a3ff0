"""Somebody's own factory: where it stands, the files that it is made of, their digest, and the object itself.

What stands in a file beside a sweep travels as text with the orders of its trials and is recorded with the sweep, so a
trial is made of what was there when the sweep was accepted. What stands in a module that Python finds must be installed
wherever trials run, and is held to its digest there.
"""

import functools
import hashlib
import importlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from trainers.errors import RequestError
from trainers.files.paths import expanded
from trainers.own.importing import draws_apart, module_of
from trainers.own.reference import Reference
from trainers.own.sources import sources
from trainers.texts.nearest import hint
from trainers.texts.words import line_of

MOST_BYTES = 1_000_000
"""Of a file and what it imports from beside it: all of it travels with every order."""
TOKEN_LETTERS = 16


class OwnCodeError(RequestError, ValueError):
    """A factory cannot be found, loaded or called; says where and why in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A factory that is no part of this project."""

    attribute: str
    place: str
    """As the sweep file has it."""
    digest: str
    """SHA-256 over the module, the packages that it stands in, and all that it imports from beside it; where packages
    are installed, over what it imports from its own top-level package."""
    file: str
    """Where the module lies, or lay when the sweep was accepted."""
    module: str = ""
    """Dotted name of a module that Python finds; empty: it is made from `texts`."""
    texts: Mapping[str, str]
    """By file, seen from the folder of `file`; empty where Python finds the module."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """That it is called with, where they stand with it: a data set's; a network's stand with the network."""

    @property
    def token(self) -> str:
        """What stands for it in the names of networks and data sets."""
        if not self.arguments:
            return self.digest[:TOKEN_LETTERS]
        whole = json.dumps([self.digest, self.arguments], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:TOKEN_LETTERS]

    @property
    def name(self) -> str:
        """By which a process that was given it knows it."""
        return f"{self.attribute}_{self.token}"

    def __str__(self) -> str:
        return f"{self.place}:{self.attribute}"

    def load(self) -> Any:
        """Return the class or function.

        Raises:
            OwnCodeError: the module cannot be loaded, has no such name, or is another one than it was.
        """
        try:
            with redirect_stdout(sys.stderr):  # stdout is for what was asked for, such as JSON
                loaded = self._module()
        except OwnCodeError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a module does what it likes while it is imported)
            raise OwnCodeError(f"{self} cannot be loaded: {told(error, self.file)}") from None
        known = [name for name in vars(loaded) if not name.startswith("_")]
        if not hasattr(loaded, self.attribute):
            near = hint(self.attribute, known) or f" (it has {', '.join(sorted(known)[:8])})"
            raise OwnCodeError(f"{self.place} has no {self.attribute!r}{near}")
        found = getattr(loaded, self.attribute)
        if not callable(found):
            raise OwnCodeError(f"{self} must be a class or a function, got a {type(found).__name__}")
        return found

    def _module(self) -> ModuleType:
        if not self.module:
            return module_of(self.digest[:TOKEN_LETTERS], self.texts, Path(self.file).name, Path(self.file).parent)
        with draws_apart(self.digest):
            if _importable(self.module)[1] != self.digest:
                raise OwnCodeError(
                    f"{self} is another one here ({_importable(self.module)[0]}) than where the sweep was accepted: "
                    "have the same version everywhere, or keep it in a file beside the sweep, which travels"
                )
            return importlib.import_module(self.module)


def told(error: BaseException, file: str) -> str:
    """Return what was raised in words, with the line of somebody's own file where it went wrong."""
    if isinstance(error, SyntaxError) and error.filename:
        return line_of(f"{Path(error.filename).name}, line {error.lineno}: {error.msg}")
    folder = Path(file).parent
    own = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(folder)]
    place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}: " if own else ""
    return line_of(f"{place}{type(error).__name__}: {error}".rstrip(": "))


def code_of(reference: Reference, folder: Path, arguments: Mapping[str, Any] | None = None) -> Code:
    """Return what a reference names; its module is read, not run.

    Args:
        folder: from which files are seen.
        arguments: that stand with it.

    Raises:
        OwnCodeError: there is no such file or module, or it is no Python.
    """
    place, attribute, given = reference.place, reference.attribute, dict(arguments or {})
    try:
        if not reference.is_file:
            file, digest = _importable(place)
            return Code(
                attribute=attribute, place=place, digest=digest, file=file, module=place, texts={}, arguments=given
            )
        path = (folder / expanded(place)).absolute()
        texts = sources(path.parent, path.name)
    except FileNotFoundError as error:
        raise OwnCodeError(f"no such file: {str(error.filename)!r}{_others(Path(error.filename))}") from None
    except ModuleNotFoundError as error:
        beside = folder / f"{place.replace('.', '/')}.py"
        near = f"; did you mean './{place.replace('.', '/')}.py:{attribute}'?" if beside.is_file() else ""
        raise OwnCodeError(f"Python finds no module {error.name!r}{near}") from None
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise OwnCodeError(f"{place} cannot be read: {told(error, place)}") from None
    if (size := sum(len(text.encode()) for text in texts.values())) > MOST_BYTES:
        rule = f"at most {MOST_BYTES // 1000:,} kB, got {size // 1000:,} kB in {len(texts)} files"
        raise OwnCodeError(f"{place} and what it imports from beside it may have {rule}; make a package of it")
    digest = _digest({"" if name == path.name else name: text for name, text in texts.items()})
    return Code(attribute=attribute, place=place, digest=digest, file=str(path), texts=texts, arguments=given)


def _others(path: Path) -> str:
    """Return the name in a folder that was most likely meant, for the end of a message."""
    return hint(path.name, [one.name for one in path.parent.glob("*.py")]) if path.parent.is_dir() else ""


@functools.cache
def _importable(module: str) -> tuple[str, str]:
    """Return the file of a module that Python finds, and its digest."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a package above it does what it likes)
        raise OwnCodeError(f"{module} cannot be found: {told(error, module)}") from None
    if spec is None:
        raise ModuleNotFoundError(f"no module {module!r}", name=module)
    if spec.origin is None or not spec.origin.endswith(".py"):
        raise OwnCodeError(f"{module} is not made of a Python file, so nothing tells one version from another")
    file = Path(spec.origin)
    above = module.count(".") + (file.name == "__init__.py")
    root = file.parents[above]
    installed = next(root.glob("*.dist-info"), None) is not None  # so others lie there, too: each has its own version
    top = module.partition(".")[0] if installed else ""
    return str(file), _digest(sources(root, file.relative_to(root).as_posix(), top))


def _digest(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode()).hexdigest()


_provided: dict[str, Code] = {}
"""By token: what this process can make networks and data sets of."""


def provide(codes: Mapping[str, Mapping[str, Any]]) -> None:
    """Let this process make what comes from these, as `provided` has given them; nothing of it is run yet."""
    for values in codes.values():
        code = Code(**{**values, "arguments": dict(values.get("arguments", {}))})
        _provided[code.name] = code


def provided(name: str) -> Code:
    """Return what a name stands for: `Net_` and the token.

    Raises:
        OwnCodeError: this process was not given it.
    """
    if name not in _provided:
        raise OwnCodeError(f"the code of {name.rpartition('_')[0]!r} is not here: it comes with a sweep that names it")
    return _provided[name]


def as_json(code: Code) -> dict[str, Any]:
    """Return it as plain JSON values."""
    return asdict(code)
