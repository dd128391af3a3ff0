"""Which weights trained teachers have had, by their digests, the first ones first."""

from orchestrator.ledger.ledger import Ledger

TEACHER_WEIGHTS = "teacher-weights"


def weights_of(ledger: Ledger, teacher: str) -> list[str]:
    """Return the digests of all weights that a teacher has had; empty where nobody has looked."""
    return (ledger.remembered(TEACHER_WEIGHTS, teacher) or "").split()


def note_weights(ledger: Ledger, teacher: str, digest: str) -> bool:
    """Take what weights a teacher has now; return whether they are others than before."""
    known = weights_of(ledger, teacher)
    if known and known[-1] == digest:
        return False
    ledger.remember(TEACHER_WEIGHTS, teacher, " ".join([*known, digest]))
    return bool(known)
