"""Which parts of a report hold measured times and memory: no two runs have the same ones."""

import re

TITLE = "Training cost"


def without_measured(text: str) -> str:
    """Return a table file, Markdown, LaTeX or CSV, without the table of costs."""
    return "".join(part for part in re.split(r"(?m)^(?=## |\\begin\{table)", text) if TITLE not in part)
