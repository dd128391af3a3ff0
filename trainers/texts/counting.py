"""Counts in words."""

SIZES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"))


def counted(count: float, one: str, several: str = "") -> str:
    """Return a count with its noun: `1 trial`, `2 trials`, `0 trials`.

    Args:
        one: the noun of one, or several words of which the last changes.
        several: the noun of more, where it is not that of one with an s.
    """
    number = str(count) if isinstance(count, int) else f"{count:g}"
    return f"{number} {one if count == 1 else several or f'{one}s'}"


def size_text(count: int) -> str:
    """Return a number of bytes: `1.2 GB`."""
    factor, unit = next((size for size in SIZES if count >= size[0]), (1000, "kB"))
    return f"{count / factor:.1f} {unit}"
