"""Long lines for a terminal: broken where there is a space, so that no word, path or URL is cut in two."""

import re

INDENT = 2
"""Columns that what goes on is indented by."""
ARGUMENT = re.compile(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+")
"""A word of a shell's line, with its quotes."""


def folded(text: str, width: int) -> str:
    """Return the text in lines of at most `width` columns; a word that is longer stands alone, whole. Lines that fit
    stay as they are."""
    return "\n".join(_folded(line, width) for line in text.split("\n"))


def folded_command(line: str, width: int) -> str:
    """Return `label: command` so that a shell takes the command as it is printed: on lines of its own where there is no
    room beside the label, and on several, each but the last with a backslash, where one is too short."""
    if len(line) <= width:
        return line
    label, _, command = line.partition(": ")
    lines: list[str] = []
    for word in ARGUMENT.findall(command):
        if lines and len(lines[-1]) + 1 + len(word) + len(" \\") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{' ' * (INDENT if not lines else 2 * INDENT)}{word}")
    return "\n".join([f"{label}:", *(f"{one} \\" for one in lines[:-1]), lines[-1]])


def _folded(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    start = len(line) - len(line.lstrip(" "))
    indent = " " * (start + INDENT)
    lines, rest = [], line
    while len(rest) > width:
        end = rest.rfind(" ", len(indent), width + 1)
        end = end if rest[:end].strip() else -1
        if end < 0:  # a word without end
            end = rest.find(" ", width)
            if end < 0:
                break
        lines.append(rest[:end].rstrip(" "))
        rest = indent + rest[end:].lstrip(" ")
    return "\n".join([*lines, rest] if rest.strip() else lines)
