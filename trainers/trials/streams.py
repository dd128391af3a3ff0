"""Names of random streams, as seeds. No torch in here: planning needs seeds too."""

import hashlib


def stream_seed(*names: object) -> int:
    """Return a 63-bit seed that depends on all the names and on nothing else."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
