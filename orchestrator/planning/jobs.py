"""A trial that a run has to see ended, and what the ledger has of it and of its place in a sweep."""

from dataclasses import dataclass, field

from orchestrator.ledger.records import ENDED, MemberRow, TrialRow
from orchestrator.planning.search.search_run import SearchRun
from search_spaces import Member, Sweep
from trainers.trials.trial import Trial, to_json


@dataclass(slots=True)
class Job:
    """A trial that this run has to see ended."""

    key: str
    trial: Trial
    phase: str
    sweep: Sweep
    """That asked for it first in this run."""
    state: str
    reruns_pruned: bool
    """Asked for without a pruner: PRUNED is not a result for it."""
    predictions: bool = False
    """Some sweep of this run keeps what its network answers to the test images."""
    attempt: int = 0
    lost: int = 0
    forgiven: int = 0
    """Exceptions that were put down to a node."""
    epochs: int = 0
    """The last epoch that any attempt of this run reported."""
    epochs_at_start: int = 0
    """`epochs` when the current attempt was handed out."""
    searches: list[SearchRun] = field(default_factory=list)
    """Those with a proposal that waits for it."""
    curve: dict[int, dict[str, float]] = field(default_factory=dict)
    """Values of the epochs that were reported in this run."""

    @property
    def ended(self) -> bool:
        return self.state == "FAIL" or (self.state in ENDED and not (self.state == "PRUNED" and self.reruns_pruned))


def trial_row(sweep: str, member: Member, proposal: int | None = None) -> TrialRow:
    """Return the ledger's record of a trial that `member` asks for."""
    origin = {
        "sweep": sweep,
        "cell": member.cell,
        "entry": member.entry,
        "row": member.row,
        "phase": member.phase,
        "rank": member.rank,
        "proposal": proposal,
    }
    return TrialRow(key=member.key, config_key=member.config_key, spec=to_json(member.trial), origin=origin)


def member_row(member: Member, proposal: int | None = None) -> MemberRow:
    """Return the ledger's record of a member."""
    return MemberRow(
        member.cell, member.entry, member.row, member.phase, member.rank, member.seed, member.key, proposal
    )
