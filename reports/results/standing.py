"""How far a sweep is: what has ended, what is missing. Nothing is said of one that has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.results.states import ENDED, REASONS

if TYPE_CHECKING:
    from reports.results.results import Results


@dataclass(frozen=True, slots=True)
class Standing:
    """How many trials of a sweep are in which state, each counted once."""

    counts: dict[str, int]
    """State -> trials, in the order in which they are told."""

    @property
    def total(self) -> int:
        """All that are known; a search adds its trials as it proposes them."""
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        """Those that have ended, however."""
        return sum(self.counts.get(state, 0) for state in ENDED)

    @property
    def missing(self) -> dict[str, int]:
        """What keeps the others, in the words of the table -> how many."""
        return {REASONS.get(state, state.lower()): n for state, n in self.counts.items() if state not in ENDED}


def standing(results: "Results") -> Standing:
    """Return how far a sweep is, or several as one."""
    states = results.trials.drop_duplicates("trial_key")["state"].value_counts()
    order = [*ENDED, *(state for state in REASONS if state not in ENDED)]
    order += sorted(set(states.index) - set(order))
    return Standing({state: int(states[state]) for state in order if state in states.index})


def notes(results: "Results") -> Iterator[str]:
    """Yield what is missing, in a sentence; nothing where all that is known has ended."""
    found = standing(results)
    if found.missing:
        rest = ", ".join(f"{count} {reason}" for reason, count in found.missing.items())
        yield f"Not finished; trials that have ended: {found.ended} of the {found.total} known so far ({rest})."
