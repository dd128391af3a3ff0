"""Names of files."""

import hashlib
import re


def slug(text: str) -> str:
    """Return the text as a part of a file name; with a digest where something was lost, so that no two meet."""
    plain = re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-.")[:80]
    readable = re.sub(r": | -> ", "-", text)
    return plain if plain == readable else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
