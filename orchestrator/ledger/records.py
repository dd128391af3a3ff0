"""What the ledger holds, as plain records."""

from dataclasses import dataclass, field
from typing import Any, Literal

from search_spaces import proposal_text

State = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "DIVERGED", "FAIL", "INTERRUPTED"]

FINAL_TEST_SCORES = ("final_top1", "final_miou")
FINAL_VALIDATION_SCORES = ("final_val_top1", "final_val_miou")
"""Metrics at the end that decide, in percent: of classes of images, of classes of pixels."""
FINAL_SCORES = (*FINAL_TEST_SCORES, *FINAL_VALIDATION_SCORES)
VALIDATION_SCORES = ("val_top1", "val_miou")
"""Likewise of an epoch in a search."""
ENDED = frozenset({"COMPLETE", "PRUNED", "DIVERGED"})
"""Results: a trial in one of these states is not trained again. FAIL is tried again by the next run."""


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A sweep as last accepted."""

    name: str
    source: str
    resolved: dict[str, Any]
    state: str


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A trial in the service of a row of a sweep."""

    cell: str
    entry: str
    row: str
    phase: str
    rank: int | None
    seed: int
    key: str
    proposal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """A trial and what became of it."""

    key: str
    config_key: str
    spec: dict[str, Any]
    """The trial as JSON (trainers.trials.trial.to_json)."""
    state: str = "WAITING"
    origin: dict[str, Any] = field(default_factory=dict)
    """Who asked for it first: sweep, entry, cell, row, phase, rank, proposal. For people's eyes."""
    metrics: dict[str, float] = field(default_factory=dict)
    """At the end: accuracies in percent, seconds, teacher passes, bytes."""
    reason: str = ""
    collapsed: str = ""
    """Of COMPLETE: why the training is thought to have come to nothing; empty where it is not."""
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    provenance: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Cell, row, and proposal or seed: what people call the trial."""
        origin = self.origin
        seed = self.spec["seed"]
        which = proposal_text(origin["proposal"], seed) if origin["phase"] == "search" else f"seed {seed}"
        return f"{origin['cell']}  {origin['row']}  {which}"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One execution of a trial."""

    key: str
    number: int
    state: str
    started_at: float
    ended_at: float | None
    reason: str
    seconds: float | None = None
    """How long it took, by a clock that nobody can set; None while it runs, or where its driver was killed."""


@dataclass(slots=True, kw_only=True)
class ProposalRow:
    """A proposal of a search and its outcome."""

    number: int
    params: dict[str, Any]
    key: str
    state: str | None = None
    """None while it is not decided."""
    value: float | None = None
    """Validation accuracy in percent that the sampler is told."""
    rungs: dict[int, float] = field(default_factory=dict)
    """Rung (from 1) -> validation accuracy there."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What a pruner keeps with the trial."""
