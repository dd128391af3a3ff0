"""What weights are, by their content: known without torch, which takes seconds to import."""

import hashlib
import json
from pathlib import Path


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of the tensors in a file, with names, types and shapes; its metadata does not count.

    Raises:
        OSError, ValueError: the file is missing or not whole.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError(f"{path} holds no tensors, or is not whole")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
