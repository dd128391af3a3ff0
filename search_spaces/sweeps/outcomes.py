"""What is said of a search that has nothing to confirm: the same in a run, in its status and in its table."""

from collections import Counter
from collections.abc import Iterable

WORDS = {
    "DIVERGED": ("diverged", "diverged"),
    "PRUNED": ("was pruned", "were pruned"),
    "FAIL": ("failed", "failed"),
    "COMPLETE": ("has no score", "have no score"),
}
"""State of a proposal that cannot be confirmed -> what it did, one and several."""


def nothing_to_confirm(states: Iterable[str]) -> str:
    """Return why a search has no setting to confirm: `failed: all 8 proposals diverged`.

    Args:
        states: of its proposals, which all have ended; a setting that was proposed twice counts once.
    """
    counts = Counter(states)
    total = counts.total()
    if total == 0:
        return "failed: nothing was proposed"
    if len(counts) == 1:
        ((one, several),) = (WORDS[state] for state in counts)
        return f"failed: all {total} proposals {several}" if total > 1 else f"failed: its only proposal {one}"
    parts = [f"{counts[state]} {words[counts[state] > 1]}" for state, words in WORDS.items() if counts[state]]
    return f"failed: of {total} proposals {', '.join(parts)}"
