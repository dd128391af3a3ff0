"""Names of files and folders as people write them: `~` and `$VAR` stand for what a shell puts in their place."""

import os
from pathlib import Path


def expanded(text: str) -> Path:
    """Return the path that a text means: `~`, `~user`, `$VAR` and `${VAR}` are replaced where they stand for something,
    and stay as they are where they do not."""
    return Path(os.path.expanduser(os.path.expandvars(text)))  # noqa: PTH111 -- that of Path raises of an unknown user
