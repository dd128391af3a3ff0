"""Which files a module is made of: itself, and what it imports from beside it, found by reading and not by running.

So the digest depends on the files alone, never on what else a process has imported.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

OURS = ("orchestrator", "reports", "search_spaces", "trainers", "run_sweep")
"""Our own packages, whose versions are told apart elsewhere."""


def sources(folder: Path, main: str) -> dict[str, str]:
    """Return the text of a module and of all that it imports from a folder, by the file's place in it.

    Args:
        main: the module's file, seen from the folder, with forward slashes.

    Raises:
        OSError: a file cannot be read.
        SyntaxError: one is no Python; says where.
        UnicodeDecodeError: one is no UTF-8.
    """
    found: dict[str, str] = {}
    waiting = [main]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (folder / name).read_text(encoding="utf-8")
            waiting += _beside(folder, name, ast.parse(found[name], filename=str(folder / name)))
    return found


def _beside(folder: Path, name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the files in the folder that a module may import."""
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield from _files(folder, (), one.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = node.module.split(".") if node.module else []
            for one in node.names:
                yield from _files(folder, base, [*module, one.name])


def _files(folder: Path, base: tuple[str, ...], parts: list[str]) -> Iterator[str]:
    """Yield the file of each module on the way to the last one, as far as they are in the folder."""
    if not base and parts[0] in (*OURS, *sys.stdlib_module_names):
        return
    for count in range(1, len(parts) + 1):
        place = "/".join((*base, *parts[:count]))
        yield from (name for name in (f"{place}.py", f"{place}/__init__.py") if (folder / name).is_file())
