"""YAML with line numbers: plain values, and the line of every key and item.

The reading is stricter than PyYAML's where YAML surprises: a key given twice is refused, `1e-4` is a number, `010` and
`1:30` are text, dates are text, tags and merge keys are refused. Aliases work, in bounds.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from search_spaces.files.errors import Problem, shown
from trainers.files.files import NotRegularError, regular_file
from trainers.texts.words import character_name, is_strange_space, is_unseen

Path = tuple[str | int, ...]
"""Keys and positions from the top of a file down to a value."""

MAX_BYTES = 256 * 1024
MOST_BYTES = 2**62
"""No file is refused for the size that it is told to have before it is read: a bound on what is read will do."""
MAX_NODES = 50_000
"""Values in a file once its aliases are written out; a few nested aliases could stand for billions."""
MAX_DIGITS = 18
"""Whole numbers stay within 64 bits."""

BOOLEANS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


class YamlError(Exception):
    """The text cannot be read as YAML at all."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(line, "", message)


@dataclass(slots=True)
class Tree:
    """The values of a file, and where each of them stands."""

    values: Any
    lines: dict[Path, int | None]
    """Line, from 1, of each key or item; None for what `--set` gave."""
    problems: list[Problem] = field(default_factory=list)
    unread: set[Path] = field(default_factory=set)
    """Places of values that could not be read, which has been told: nothing more is said of them."""

    def unreadable(self, path: Path, message: str) -> None:
        """Note that the value at `path` cannot be read, and why."""
        self.add(path, message)
        self.unread.add(path)

    def add(self, path: Path, message: str, at: Path | None = None) -> None:
        """Note that the value at `path` breaks a rule. A path that is not there has the line of what holds it.

        Args:
            at: where the rule comes from, when a line there helps more.
        """
        if path in self.unread:
            return
        line = self.line(path if at is None else at)
        self.problems.append(Problem(line, dotted(path), message, "" if line else "--set"))

    def line(self, path: Path) -> int | None:
        """Return the line of the value, or of the nearest thing around it."""
        return self.lines[self.known(path)]

    def known(self, path: Path) -> Path:
        """Return the longest beginning of `path` that is in the file."""
        while path not in self.lines:
            path = path[:-1]
        return path


def dotted(path: Path) -> str:
    """Return the path as people write it: `methods.kd.grid[2]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_text(path: FilePath, kind: str = "a sweep file") -> str:
    """Return the text of a file that people write.

    Args:
        kind: what it is, for messages.

    Raises:
        YamlError: there is no such file, or it is not a small UTF-8 text file.
    """
    try:
        with regular_file(path, MOST_BYTES) as file:
            content = file.read(MAX_BYTES + 1)
    except NotRegularError as error:
        raise YamlError(None, f"is {error.kind}, not {kind}") from None
    except FileNotFoundError:
        link = " behind this link" if path.is_symlink() else ""
        raise YamlError(None, f"no such file{link}") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise YamlError(None, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_BYTES:
        raise YamlError(None, f"must be at most {MAX_BYTES // 1024} KiB long to be {kind}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError(line, f"must be UTF-8 text, got the byte 0x{content[error.start]:02x}") from None


def read_tree(text: str) -> Tree:
    """Return the values of a YAML text; broken rules that leave it readable are among its problems.

    Raises:
        YamlError: it is not YAML, more than one document, nested too deeply, or too much.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
        tree = Tree(None, {(): _line(node) if node is not None else 1})
        tree.values = None if node is None else _Reading(tree).value(node, (), ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context
        raise YamlError(None if mark is None else mark.line + 1, f"is not YAML: {reason}{_hint(text, mark)}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"is not YAML: {error.reason}") from None
    except RecursionError:
        raise YamlError(None, "is nested too deeply") from None
    return tree


def _hint(text: str, mark: "yaml.Mark | None") -> str:
    """Return what may be behind a line that is no YAML: a space that is none, on it or on the line before."""
    lines = text.splitlines()[max(0, mark.line - 1) : mark.line + 1] if mark is not None else []
    found = next((name for line in lines if (name := _strange_in(line.strip("\t ")))), "")
    return f" (there is a {found} near here)" if found else ""


class _Loader(yaml.SafeLoader):
    """Builds nodes only; decides which plain words are numbers, booleans and null."""


_NULL, _BOOL, _INT, _FLOAT, _STR = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))
_CONTAINERS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_WORDS = "|".join(f"{w}|{w.capitalize()}|{w.upper()}" for w in BOOLEANS)
_PATTERNS = {
    _NULL: r"~|null|Null|NULL|",
    _BOOL: _WORDS,
    _INT: r"[-+]?(0|[1-9](_?[0-9])*)",
    _FLOAT: r"[-+]?(([0-9](_?[0-9])*)?\.[0-9]+|[0-9](_?[0-9])*\.)([eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in _PATTERNS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})\\Z"), None)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Reading:
    """Turns nodes into values, noting lines and problems."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.nodes = 0

    def value(self, node: yaml.Node, path: Path, above: tuple[int, ...]) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise YamlError(_line(node), f"must hold at most {MAX_NODES} values, aliases written out")
        if id(node) in above:
            raise YamlError(_line(node), "holds an alias that contains itself")
        above = (*above, id(node))
        if isinstance(node, yaml.MappingNode) and node.tag in _CONTAINERS:
            return self.mapping(node, path, above)
        if isinstance(node, yaml.SequenceNode) and node.tag in _CONTAINERS:
            return [self.item(child, (*path, i), above) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and (node.tag == _STR or node.tag in _PATTERNS):
            return self.scalar(node, path)
        self.tree.unreadable(path, f"the YAML tag {shown(node.tag)} is not supported")
        return None

    def item(self, node: yaml.Node, path: Path, above: tuple[int, ...]) -> Any:
        self.tree.lines[path] = _line(node)
        return self.value(node, path, above)

    def mapping(self, node: yaml.MappingNode, path: Path, above: tuple[int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode) or _lone_surrogate(key.value):
                self.tree.problems.append(Problem(_line(key), dotted(path), "a key must be text"))
                continue
            name = _meant(str(key.value))
            inner = (*path, name)
            if name in values:
                message = f"given twice, first on line {self.tree.lines[inner]}"
                self.tree.problems.append(Problem(_line(key), dotted(inner), message))
                continue
            self.tree.lines[inner] = _line(key)
            if name != key.value:
                self.tree.add(inner, f"the key has a {_strange_in(str(key.value))} in it; write it without")
            values[name] = self.value(child, inner, above)
        return values

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = str(node.value)
        if _lone_surrogate(text):  # an escape such as \ud800 in quotes: no file or database takes it
            self.tree.unreadable(path, f"must be Unicode text, got {shown(text)}")
            return None
        if node.tag == _STR:
            return text
        if not re.fullmatch(_PATTERNS[node.tag], text):  # an explicit tag on another word: !!int abc
            self.tree.unreadable(path, f"{shown(text)} is not a YAML {node.tag.rpartition(':')[2]}")
            return None
        digits = sum(map(str.isdigit, text))
        if node.tag == _INT and digits > MAX_DIGITS:
            self.tree.unreadable(path, f"must have at most {MAX_DIGITS} digits, got {digits}")
            return None
        return _plain(node.tag, text)


def _meant(key: str) -> str:
    """Return the key without what cannot be seen in it, and without spaces of other kinds around it."""
    if key.isascii() and key.isprintable():
        return key
    plain = "".join(letter for letter in key if not is_unseen(letter))
    return plain.strip("".join({letter for letter in plain if is_strange_space(letter)}) + " ")


def _strange_in(text: str) -> str:
    """Return the name of the first character that looks like a space, or like nothing; empty: there is none."""
    return next((character_name(c) for c in text if is_unseen(c) or is_strange_space(c)), "")


def _lone_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _plain(tag: str, text: str) -> Any:
    if tag == _NULL:
        return None
    if tag == _BOOL:
        return BOOLEANS[text.lower()]
    digits = text.replace("_", "").lower()
    if tag == _INT:
        return int(digits)
    return float(digits.replace(".inf", "inf").replace(".nan", "nan"))
