"""Counts in words."""


def counted(count: float, one: str, several: str = "") -> str:
    """Return a count with its noun: `1 trial`, `2 trials`, `0 trials`.

    Args:
        one: the noun of one, or several words of which the last changes.
        several: the noun of more, where it is not that of one with an s.
    """
    return f"{_number(count)} {one if count == 1 else several or f'{one}s'}"


def _number(count: float) -> str:
    return str(count) if isinstance(count, int) else f"{count:g}"
