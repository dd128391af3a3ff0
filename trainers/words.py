"""Texts of others as they are printed: on one line, without characters that act on a terminal or that nobody sees."""

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
    wide = f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
    return SHORT.get(letter) or (f"\\x{code:02x}" if code < 0x100 else wide)
