"""Names of entries, pairs and labels: what they may be."""

import re
import unicodedata
from collections import Counter
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictStr, WithJsonSchema

from trainers.texts.words import shown

LABEL_PATTERN = r"[A-Za-z0-9:._/-]+"
LABEL_RULE = "must be of a-z, A-Z, 0-9, ':', '.', '_', '/' and '-'"
MAX_NAME = 80
PAIR_PATTERN = r"^(?!.*->.*->)\s*\S+.*->.*\S.*$"
Word = TypeVar("Word", str, int)


class Pair(NamedTuple):
    """Names of networks as the file has them."""

    teacher: str
    student: str


def check_name(text: str) -> str:
    """Return the text where it can serve as a name in tables, tags and file formats.

    Raises:
        ValueError: it is empty, long, or has control characters or spaces around it.
    """
    if not 1 <= len(text) <= MAX_NAME:
        raise ValueError(f"a name must have 1 to {MAX_NAME} characters, got {len(text)}")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text):
        raise ValueError(f"a name must have no control characters, got {shown(text)}")
    if text != text.strip():
        raise ValueError(f"a name must have no spaces around it, got {shown(text)}")
    return text


def parse_pair(value: object) -> Pair:
    """Return the two names of `teacher -> student`.

    Raises:
        ValueError: it is not two names with one arrow between.
    """
    parts = [part.strip() for part in value.split("->")] if isinstance(value, str) else []
    if len(parts) != 2 or not all(parts):
        raise ValueError(f"must be 'teacher -> student', got {shown(value)}")
    return Pair(check_name(parts[0]), check_name(parts[1]))


def as_list(value: object) -> object:
    """Return one value as a list of it."""
    return [value] if isinstance(value, str) else value


def check_distinct(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return what is listed where there is at least one and none stands twice.

    Raises:
        ValueError: otherwise.
    """
    if not words:
        raise ValueError("must hold at least one, got an empty list")
    twice = next((word for word, count in Counter(words).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"must be distinct, got {shown(twice)} twice")
    return words


DISTINCT = Field(json_schema_extra={"minItems": 1, "uniqueItems": True})
"""What `check_distinct` holds, in words of a JSON schema."""


def check_label(text: str) -> str:
    r"""Return the text where LaTeX takes it in a \label.

    Raises:
        ValueError: it is empty or has other characters.
    """
    if not re.fullmatch(LABEL_PATTERN, text):
        raise ValueError(f"{LABEL_RULE}, got {shown(text)}")
    return text


Name = Annotated[StrictStr, AfterValidator(check_name)]
PairText = Annotated[
    Pair, PlainValidator(parse_pair), WithJsonSchema({"type": "string", "pattern": PAIR_PATTERN, "title": "Pair"})
]
Pairs = Annotated[
    tuple[PairText, ...],
    BeforeValidator(
        as_list,
        json_schema_input_type=PairText
        | Annotated[list[PairText], Field(min_length=1, json_schema_extra={"uniqueItems": True})],
    ),
    Field(min_length=1),
]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_list, json_schema_input_type=str | list[str])]
Label = Annotated[
    StrictStr,
    Field(max_length=MAX_NAME, json_schema_extra={"pattern": f"^{LABEL_PATTERN}$"}),
    AfterValidator(check_label),
]
