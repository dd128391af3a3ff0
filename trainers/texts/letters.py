"""Letters that a stream cannot write: written with others, so that everything is said in whatever encoding.

A file's name is bytes; those that are not UTF-8 are lone surrogates in Python, which no stream, database or JSON of
others takes. They are written as the bytes that they are: `\\xe9`.
"""

import codecs
import contextlib
from collections.abc import Mapping
from typing import IO, Any

HANDLER = "kdsweep-letters"
"""What to do with a letter that cannot be encoded, by Python's name for it."""

ALIKE = {
    **dict.fromkeys("–—−‐‑‒―─━", "-"),
    **dict.fromkeys("│┃", "|"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("\u00a0\u2009\u200a\u202f", " "),
    "…": "...",
    "→": "->",
    "←": "<-",
    "↔": "<->",
    "↑": "^",
    "↓": "v",
    "±": "+/-",
    "×": "x",
    "·": "*",
    "•": "*",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "≈": "~",
    "∞": "inf",
    "²": "^2",
    "³": "^3",
    "†": "+",
    "§": "section ",
    "ⓔ": "(e)",
}
"""Letters that our own texts have, as ASCII."""


def _written(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return ALIKE.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii")


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_written, error.object[error.start : error.end])), error.end


codecs.register_error(HANDLER, _instead)


def fitting(text: str, encoding: str = "utf-8") -> str:
    """Return the text with letters that the encoding has; in UTF-8 only what is no letter is changed."""
    try:
        return text.encode(encoding, HANDLER).decode(encoding)
    except (LookupError, UnicodeError):
        return text.encode("ascii", HANDLER).decode("ascii")


def all_fitting(value: Any) -> Any:
    """Return a value as JSON has it, with every text in it as UTF-8 can hold it."""
    if isinstance(value, str):
        return fitting(value)
    if isinstance(value, Mapping):
        return {all_fitting(key): all_fitting(item) for key, item in value.items()}
    return [all_fitting(item) for item in value] if isinstance(value, list | tuple) else value


def let_write(stream: IO[Any] | None) -> None:
    """Have a stream write everything, with other letters where its encoding lacks some."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        with contextlib.suppress(OSError, ValueError, TypeError):  # closed, or one of somebody else's kind
            reconfigure(errors=HANDLER)
