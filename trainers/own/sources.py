"""Which files a module is made of: itself, and what it imports from beside it, found by reading and not by running.

So the digest depends on the files alone, never on what else a process has imported.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

OURS = ("orchestrator", "reports", "search_spaces", "trainers", "run_sweep")
"""Our own packages, whose versions are told apart elsewhere."""
ELSEWHERE = {*OURS, *sys.stdlib_module_names}
"""What a whole name that begins so means, whatever lies beside a module."""


def sources(folder: Path, main: str, top: str = "") -> dict[str, str]:
    """Return the text of a module and of all that it imports from a folder, by the file's place in it.

    Args:
        main: the module's file, seen from the folder, with forward slashes; the packages that it stands in, below the
            folder, are imported with it.
        top: of modules imported by their whole names, follow only those in this package; empty: all in the folder.

    Raises:
        OSError: a file cannot be read.
        SyntaxError: one is no Python; says where.
        UnicodeDecodeError: one is no UTF-8.
    """
    found: dict[str, str] = {}
    inits = (str(above / "__init__.py") for above in PurePosixPath(main).parents if above.name)
    waiting = [main, *(name for name in inits if (folder / name).is_file())]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (folder / name).read_text(encoding="utf-8-sig")
            waiting += _beside(folder, name, top, ast.parse(found[name], filename=str(folder / name)))
    return found


def _beside(folder: Path, name: str, top: str, tree: ast.Module) -> Iterator[str]:
    """Yield the files in the folder that a module may import."""
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield from _named(folder, top, one.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            for one in node.names:
                parts = [*module, one.name]
                if node.level:
                    yield from _files(folder, package[: len(package) - node.level + 1], parts)
                else:
                    yield from _named(folder, top, parts)


def _named(folder: Path, top: str, parts: list[str]) -> Iterator[str]:
    """Yield the files of what is imported by its whole name."""
    if parts[0] not in ELSEWHERE and top in ("", parts[0]):
        yield from _files(folder, (), parts)


def _files(folder: Path, base: tuple[str, ...], parts: list[str]) -> Iterator[str]:
    """Yield the file of each module on the way to the last one, as far as they are in the folder."""
    for count in range(1, len(parts) + 1):
        place = "/".join((*base, *parts[:count]))
        yield from (name for name in (f"{place}.py", f"{place}/__init__.py") if (folder / name).is_file())
