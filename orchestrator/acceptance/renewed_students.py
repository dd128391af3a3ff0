"""What it is for students that their teacher was trained again and came out as another one."""

from orchestrator.ledger.known_weights import TEACHER_WEIGHTS
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED
from orchestrator.planning.search.search_ends import is_whole
from search_spaces import Sweep, renewed


def under_known_weights(sweep: Sweep, ledger: Ledger) -> Sweep:
    """Return the sweep with the keys that its students have now: those of teachers that came out as others when they
    were trained again hold their weights, but for students that have a result."""
    every = {teacher: _later(value.split()) for teacher, value in ledger.all_remembered(TEACHER_WEIGHTS).items()}
    later = {plan.id: every[plan.id] for plan in sweep.teachers if every.get(plan.id)}
    if not later:
        return sweep
    ended = frozenset(key for key, state in ledger.states().items() if state in ENDED)
    return renewed(sweep, later, ended, lambda search: is_whole(search, ledger))


def _later(digests: list[str]) -> list[str]:
    """Return what stands for the weights after the first ones in keys: nothing, where the first ones came back."""
    first, *later = digests
    return ["" if digest == first else digest for digest in later]
