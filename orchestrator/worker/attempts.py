"""What passes between the planner and whoever runs trials: an attempt on its way down, reports and an outcome back."""

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Literal

from trainers.trials.trial import Trial

Ending = Literal["COMPLETE", "DIVERGED", "PRUNED", "INTERRUPTED", "FAIL", "LOST"]


class Signal(Enum):
    """What the planner answers where there is no attempt to hand out."""

    WAIT = "wait"
    """Nothing can start before something that runs has ended."""
    DONE = "done"
    """Nothing runs and nothing will."""


class Verdict(Enum):
    """What the planner says after an epoch."""

    GO_ON = "go on"
    STOP = "stop"


class RankLostError(Exception):
    """A rank's process or its machine died, and with it the attempt."""


class RankFailedError(Exception):
    """The training raised an exception in another rank than the first; the text is its traceback."""


def file_stem(number: int, life: str) -> str:
    """Return how the files of an attempt begin. A number alone would be another attempt's once the ledger that counted
    it is gone."""
    return f"attempt-{number:03d}{'.' if life else ''}{life}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution of a trial."""

    key: str
    number: int
    """From 1; what an older attempt reports later is refused."""
    trial: Trial
    phase: str
    """search, fixed, confirm or teacher."""
    sweep: str
    """The sweep whose resources it runs with."""
    keep_weights: bool
    """Final weights stay after the trial."""
    bank: bool
    """Use the teacher's stored logits."""
    predictions: bool = False
    """What the network answers to the test images stays after the trial."""
    life: str = ""
    """Of the ledger that counts the attempts: see `Ledger.life`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a worker says after an epoch, or when the trial has raised; plain values."""

    number: int
    """Of the epoch; 0 where there is none to tell."""
    values: dict[str, float] = field(default_factory=dict)
    earlier: dict[int, dict[str, float]] = field(default_factory=dict)
    """Epochs that a former attempt trained: with the first report after going on from a checkpoint."""
    ending: Literal["", "COMPLETE", "DIVERGED", "FAIL", "LOST"] = ""
    """Empty while it goes on. LOST: there was no memory for it beside the others of its worker."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Of the whole trial, with the ending."""
    collapsed: str = ""
    """With COMPLETE: why the training is thought to have come to nothing; empty where it is not."""
    reason: str = ""
    """With FAIL and LOST: the traceback."""
    crowd: int = 0
    """With LOST: how many trials the worker trained in step."""
    provenance: dict[str, str] = field(default_factory=dict)
    """Host, device and versions, with the first report."""
    warnings: list[str] = field(default_factory=list)
    """What went wrong since the last report without changing any number."""

    def to_text(self) -> str:
        """Return the report as JSON text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_text(text: str) -> "Report":
        """Return the report that `to_text` wrote."""
        content = json.loads(text)
        content["earlier"] = {int(number): values for number, values in content["earlier"].items()}
        return Report(**content)

    def outcome(self) -> "Outcome":
        """Return how the attempt has ended by this report."""
        assert self.ending != ""
        given = {"metrics": self.metrics, "collapsed": self.collapsed, "reason": self.reason, "crowd": self.crowd}
        return Outcome(ending=self.ending, **given)  # type: ignore[arg-type]  # as they stand here


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended."""

    ending: Ending
    metrics: dict[str, float] = field(default_factory=dict)
    """Of COMPLETE: the metrics at the end."""
    collapsed: str = ""
    """Of COMPLETE: why the training is thought to have come to nothing; empty where it is not."""
    reason: str = ""
    """Of the others: what happened, in words; a traceback where there is one."""
    crowd: int = 0
    """Of LOST: how many trials were too many for one worker; 0 where that was not why."""
    innocent: bool = False
    """Of LOST and FAIL: the trial is not known to have been the cause, so it does not count against it, and goes on."""
