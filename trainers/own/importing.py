"""Modules from texts: a file beside a sweep, and what it imports from there, as they were when the sweep was accepted.

They are found by their texts alone, so they are the same in every process, wherever it runs and whatever has become of
the files.
"""

import builtins
import hashlib
import importlib
import random
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from trainers.own.sources import ELSEWHERE

PREFIX = "kdsweep_own_"
DOT = "-"
"""For a dot in a file's name, as in net.v2.py, before which would stand a package; no statement imports such a name."""
_LOCK = threading.RLock()


class Texts(MetaPathFinder, InspectLoader):
    """Finds modules among texts: by their names while it is asked to, and always below a package of its own.

    Args:
        name: of that package.
        token: seeds what modules draw while they are loaded.
        texts: by file, with forward slashes.
        folder: where the files lie or lay, for `__file__` and tracebacks.
    """

    def __init__(self, name: str, token: str, texts: Mapping[str, str], folder: Path) -> None:
        self._name = name
        self._token = token
        self._texts = texts
        self._folder = folder
        self._files = {file.removesuffix(".py").replace(".", DOT): file for file in texts}
        self._tops = {file.partition("/")[0].removesuffix(".py") for file in texts} - ELSEWHERE
        self._open = False
        self._loaded: dict[str, ModuleType] = {}
        self._builtins = {**vars(builtins), "__import__": self._import}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return how a module is loaded; None for one that is not among the texts."""
        inner = self._inner(fullname)
        file = None if inner is None else self._file(inner)
        if inner is None or (file is None and not any(text.startswith(f"{inner}/") for text in self._texts)):
            return None
        spec = ModuleSpec(fullname, self, origin=str(self._folder / (file or inner)))
        spec.has_location = file is not None
        if file is None or file.endswith("/__init__.py"):
            spec.submodule_search_locations = []
        return spec

    def _inner(self, fullname: str) -> str | None:
        """Return a module's place among the texts; None where it is asked for from elsewhere."""
        if fullname.startswith(f"{self._name}."):
            return fullname.removeprefix(f"{self._name}.").replace(".", "/")
        parent = sys.modules.get(fullname.rpartition(".")[0])
        named = self._open and fullname.partition(".")[0] in self._tops
        ours = named and (parent is None or getattr(parent.__spec__, "loader", None) is self)
        return fullname.replace(".", "/") if ours else None

    def _file(self, inner: str) -> str | None:
        return self._files.get(f"{inner}/__init__") or self._files.get(inner)

    def get_source(self, fullname: str) -> str:
        """Return a module's text; nothing for a folder that is none."""
        file = self._file((self._inner(fullname) or fullname.removeprefix(f"{self._name}.")).replace(".", "/"))
        return "" if file is None else self._texts[file]

    def get_code(self, fullname: str) -> CodeType:
        """Return what is run, with the file's own name in tracebacks."""
        file = self._file((self._inner(fullname) or fullname).replace(".", "/"))
        return compile(self.get_source(fullname), str(self._folder / (file or fullname)), "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Run a module; what its functions import when they are called is found as what stands at its top is."""
        module.__dict__["__builtins__"] = self._builtins
        with draws_apart(f"{self._token} {module.__name__.removeprefix(self._name)}"):
            super().exec_module(module)

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 (as Python calls it)
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as `builtins.__import__` does, by name among the texts first."""
        whole = str((globals or {}).get("__package__")) if level else name
        if whole.partition(".")[0] not in self._tops:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        with self.found_by_name():
            return builtins.__import__(name, globals, locals, fromlist or (), level)

    @contextmanager
    def found_by_name(self) -> Iterator[None]:
        """Let modules find each other as if their folder were the first that Python looks in. Others of their names are
        put aside meanwhile, and each of theirs is loaded once."""
        with _LOCK:
            if self._open:
                yield
                return
            aside = _taken(self._tops)
            sys.modules.update(self._loaded)
            self._open = True
            sys.meta_path.insert(0, self)
            try:
                yield
            finally:
                sys.meta_path.remove(self)
                self._open = False
                self._loaded = _taken(self._tops)
                sys.modules.update(aside)


def _taken(tops: set[str]) -> dict[str, ModuleType]:
    """Take modules, and those below them, out of those that are loaded."""
    names = [name for name in sys.modules if name.partition(".")[0] in tops]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def draws_apart(seed: str) -> Iterator[None]:
    """Let what is loaded draw random numbers that depend on the seed alone, and put the generators back after: a module
    is loaded once in a process, wherever that happens to be."""
    import numpy as np  # both here: who names no code of their own loads neither
    import torch

    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") >> 1
    python, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number)
        random.seed(number)
        np.random.seed(number % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)


def module_of(token: str, texts: Mapping[str, str], main: str, folder: Path) -> ModuleType:
    """Return the module that a file is, loaded once in a process, for each folder that it lies in.

    Args:
        token: what tells it from all others.
        main: its file, at the top of the folder.

    Raises:
        Exception: whatever the code does.
    """
    name = f"{PREFIX}{token}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    inner = f"{name}.{main.removesuffix('.py').replace('.', DOT)}"
    with _LOCK:
        if inner in sys.modules:
            return sys.modules[inner]
        finder = Texts(name, token, texts, folder)
        package = ModuleType(name)
        package.__path__ = []
        sys.modules[name] = package
        sys.meta_path.append(finder)
        try:
            with finder.found_by_name():
                return importlib.import_module(inner)
        except BaseException:
            sys.meta_path.remove(finder)
            sys.modules.pop(name)
            raise
