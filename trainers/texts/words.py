"""Texts of others as they are printed: on one line, without characters that act on a terminal or that nobody sees."""

import math
import re
import unicodedata

LINE_CHARACTERS = 500
"""A line that is told to a person is cut here."""
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what controls, joins or turns text, and of what is no character."""
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that show nothing."""
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def is_unseen(letter: str) -> bool:
    """Return whether a character acts on what is around it, or cannot be seen: bidi marks, zero widths, controls."""
    return letter in BLANK or unicodedata.category(letter) in UNSEEN


def is_strange_space(letter: str) -> bool:
    """Return whether a character looks like a space and is none: a no-break space, an em space."""
    return letter != " " and unicodedata.category(letter) == "Zs"


def character_name(letter: str) -> str:
    """Return what a character is called: `no-break space (U+00A0)`."""
    name = {"\t": "tab", "\n": "line break", "\ufeff": "byte order mark"}.get(letter)
    return f"{name or unicodedata.name(letter, 'control character').lower()} (U+{ord(letter):04X})"


def escaped(text: str, keep: str = "") -> str:
    """Return the text with what cannot be seen written as Python writes it: `\\x1b`, `\\u202e`.

    Args:
        keep: characters that stay as they are, such as line breaks.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not (is_unseen(c) or is_strange_space(c)) else _escape(c) for c in text)


def block_of(text: str) -> str:
    """Return a text of several lines as it is printed."""
    return escaped(text, keep="\n")


def line_of(text: str, most: int = LINE_CHARACTERS) -> str:
    """Return the text as one line of at most so many characters."""
    whole = escaped(text if len(text) <= 2 * most else text[: 2 * most])
    return whole if len(whole) <= most and len(text) <= 2 * most else f"{whole[: most - 1]}…"


def _escape(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8
        code -= 0xDC00
    wide = f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
    return SHORT.get(letter) or (f"\\x{code:02x}" if code < 0x100 else wide)


SHOWN_CHARACTERS = 60
"""A longer value is cut in a message."""
WORDS = {None: "null", True: "true", False: "false"}


def shown(value: object) -> str:
    """Return the value as a message shows it, as YAML writes it, cut when it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    text = _yaml(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _yaml(value: object, most: int = 2 * SHOWN_CHARACTERS) -> str:
    if value is None or isinstance(value, bool):
        return WORDS[value]
    if isinstance(value, float):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan" if math.isnan(value) else repr(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(_yaml(one, most // 2) for one in value[:most])}]"
    if isinstance(value, dict):
        return (
            f"{{{', '.join(f'{escaped(str(name)[:most])}: {_yaml(one, most // 2)}' for name, one in value.items())}}}"
        )
    if isinstance(value, str):
        return escaped(repr(value[:most]))
    return escaped(repr(value)[:most])


def is_url(text: str) -> bool:
    """Return whether a text that should name a file or a folder is a URL: as a path it would lose a slash."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None
