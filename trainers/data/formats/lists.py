"""Annotation files: lines of words that say which pictures there are, and of which class."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainers.data.formats.places import DataFilesError
from trainers.data.formats.scan import Found, and_more
from trainers.files.files import MOST_DATA_BYTES, read_regular


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an annotation file."""

    path: Path
    number: int
    words: tuple[str, ...]

    def refusal(self, rule: str) -> DataFilesError:
        """Return an error that names the line."""
        return DataFilesError(f"{self.path}, line {self.number}: {rule}")

    def whole(self, word: int, low: int, high: int) -> int:
        """Return a word as a whole number.

        Raises:
            DataFilesError: it is none, or not from `low` to `high`.
        """
        text = self.words[word]
        if not (text.isascii() and text.isdecimal() and len(text) < 18 and low <= int(text) <= high):
            raise self.refusal(f"must be a whole number from {low} to {high}, got {text!r}")
        return int(text)


def lines(path: Path, words: int, separator: str | None = None) -> list[Line]:
    """Return the lines of a file that are not empty, each with so many words.

    Raises:
        DataFilesError: the file is missing, is no text or is empty, or a line has more or fewer words.
    """
    try:
        text = read_regular(path, MOST_DATA_BYTES).decode()
    except (OSError, ValueError) as error:
        raise DataFilesError(f"{path} cannot be read: {error}") from error
    found = []
    for number, content in enumerate(text.split("\n"), 1):
        line = Line(path, number, tuple(content.strip().split(separator)))
        if content.strip():
            if len(line.words) != words:
                rule = "be one word" if words == 1 else f"have {words} words"
                raise line.refusal(f"must {rule}, got {content.strip()[:80]!r}")
            found.append(line)
    if not found:
        raise DataFilesError(f"{path} holds nothing")
    return found


def by_word(all_lines: Iterable[Line], word: int = 0) -> dict[str, Line]:
    """Return the lines by one of their words.

    Raises:
        DataFilesError: two lines have the same.
    """
    found: dict[str, Line] = {}
    for line in all_lines:
        key = line.words[word]
        if key in found:
            raise line.refusal(f"{key!r} is given twice, first on line {found[key].number}")
        found[key] = line
    return found


def refuse_differences(listed: Mapping[str, Line], found: Found, folder: Path, source: Path) -> None:
    """Refuse pictures that are in a list or in a folder, and not in both.

    Args:
        listed: lines of `source` by the name of a picture, relative to `folder`.

    Raises:
        DataFilesError: there are some; names the first.
    """
    there = set(found.names)
    missing = [name for name in listed if name not in there]
    if missing:
        raise listed[missing[0]].refusal(f"{folder / missing[0]} is not there{and_more(missing)}")
    unlisted = [name for name in found.names if name not in listed]
    if unlisted:
        raise DataFilesError(f"{folder / unlisted[0]} is not in {source}{and_more(unlisted)}")
