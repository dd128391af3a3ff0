"""YAML 1.2 with line numbers: plain values, and the line of every key and item.

Stricter than YAML where it surprises: a key given twice is refused, keys and dates are text, tags and merge keys are
refused; laxer in that on, off, yes and no are booleans, as people write them. Aliases work, in bounds.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

from search_spaces.files.errors import Problem
from trainers.files.files import NotRegularError, regular_file
from trainers.texts.words import character_name, is_strange_space, is_unseen, shown

Path = tuple[str | int, ...]
"""Keys and positions from the top of a file down to a value."""

MAX_BYTES = 256 * 1024
MOST_BYTES = 2**62
"""No file is refused for the size that it is told to have before it is read: a bound on what is read will do."""
MAX_NODES = 50_000
"""Values in a file once its aliases are written out; a few nested aliases could stand for billions."""
MAX_DIGITS = 18
"""Whole numbers stay within 64 bits."""


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
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Words
    yaml.composer.warn_double_anchors = False
    try:
        node = _composed(yaml, text)
        tree = Tree(None, {(): 1 if node is None else _line(node)})
        tree.values = None if node is None else _Reading(tree, yaml.constructor).value(node, (), ())
    except RecursionError:
        raise YamlError(None, "is nested too deeply") from None
    return tree


def _composed(yaml: YAML, text: str) -> Node | None:
    """Return the nodes of a text; nothing is constructed that a tag may name."""
    try:
        node: Node | None = yaml.compose(text)
        return node
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        reason = re.sub(r"\('(.*?)',\)", r"'\1'", error.problem or error.context)  # words that ruamel has in tuples
        raise YamlError(line, f"is not YAML: {reason}{_hint(text, line)}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"is not YAML: {error.reason}") from None
    except AssertionError as error:  # a version of YAML that ruamel does not know
        raise YamlError(None, f"is not YAML: {error}") from None


def _hint(text: str, line: int | None) -> str:
    """Return what may be behind a line that is no YAML: a space that is none, on it or on the line before."""
    lines = text.splitlines()[max(0, line - 2) : line] if line is not None else []
    found = next((name for line in lines if (name := _strange_in(line.strip("\t ")))), "")
    return f" (there is a {found} near here)" if found else ""


SWITCHES = ("on", "On", "ON", "off", "Off", "OFF", "yes", "Yes", "YES", "no", "No", "NO")
"""Words for true and false beside those of YAML 1.2."""


class _Words(VersionedResolver):
    """Which plain words are numbers, booleans and nothing: those of YAML 1.2, whatever a file says of its version."""

    processing_version = (1, 2)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        assert self.versioned_resolver  # YAML's own words come first
        for kind, pattern, first in (
            ("bool", "|".join(SWITCHES), "oOyYnN"),
            ("float", r"[-+]?\.[0-9_]+[eE][0-9]+", "-+."),
        ):
            self.add_version_implicit_resolver((1, 2), _TAG + kind, re.compile(f"(?:{pattern})\\Z"), list(first))


_TAG = "tag:yaml.org,2002:"
_TEXT = {_TAG + kind for kind in ("str", "timestamp", "merge", "value")}


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


class _Reading:
    """Turns nodes into values, noting lines and problems."""

    def __init__(self, tree: Tree, constructor: Any) -> None:
        self.tree = tree
        self.nodes = 0
        self.plain = {_TAG + kind: getattr(constructor, f"construct_yaml_{kind}") for kind in _PLAIN}

    def value(self, node: Node, path: Path, above: tuple[int, ...]) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise YamlError(_line(node), f"must hold at most {MAX_NODES} values, aliases written out")
        if id(node) in above:
            raise YamlError(_line(node), "holds an alias that contains itself")
        above = (*above, id(node))
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self.mapping(node, path, above)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.item(child, (*path, i), above) for i, child in enumerate(node.value)]
        if isinstance(node, ScalarNode) and (node.tag in _TEXT or node.tag in self.plain):
            return self.scalar(node, path)
        self.tree.unreadable(path, f"the YAML tag {shown(node.tag)} is not supported")
        return None

    def item(self, node: Node, path: Path, above: tuple[int, ...]) -> Any:
        self.tree.lines[path] = _line(node)
        return self.value(node, path, above)

    def mapping(self, node: MappingNode, path: Path, above: tuple[int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode) or _lone_surrogate(key.value):
                self.tree.problems.append(Problem(_line(key), dotted(path), "a key must be text"))
                continue
            name = _meant(key.value)
            inner = (*path, name)
            if name in values:
                message = f"given twice, first on line {self.tree.lines[inner]}"
                self.tree.problems.append(Problem(_line(key), dotted(inner), message))
                continue
            self.tree.lines[inner] = _line(key)
            if name != key.value:
                self.tree.add(inner, f"the key has a {_strange_in(key.value)} in it; write it without")
            values[name] = self.value(child, inner, above)
        return values

    def scalar(self, node: ScalarNode, path: Path) -> Any:
        text, tag = node.value, str(node.tag)
        kind = tag.removeprefix(_TAG)
        if _lone_surrogate(text):  # an escape such as \ud800 in quotes: no file or database takes it
            self.tree.unreadable(path, f"must be Unicode text, got {shown(text)}")
        elif tag in _TEXT:
            return text
        elif kind == "int" and (digits := sum(map(str.isalnum, text))) > MAX_DIGITS:
            self.tree.unreadable(path, f"must have at most {MAX_DIGITS} digits, got {digits}")
        else:
            try:
                return self.plain[tag](node)
            except (ValueError, KeyError, IndexError):  # an explicit tag on another word: !!int abc
                self.tree.unreadable(path, f"{shown(text)} is not a YAML {kind}")
        return None


_PLAIN = ("null", "bool", "int", "float")


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
