"""Which parts of a report hold measured times and memory: no two runs have the same ones."""

import re

TITLE = "Training cost"


def without_measured(text: str) -> str:
    """Return a table file, Markdown, LaTeX or CSV, without the table of costs and the seconds that searches took."""
    parts = re.split(r"(?m)^(?=## |\\begin\{table)", text)
    return re.sub(r"\b[\d.]+ (s|min|h)\b", "some time", "".join(part for part in parts if TITLE not in part))
