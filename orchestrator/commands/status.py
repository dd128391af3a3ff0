"""How the sweeps of a home stand, from another process than the one that drives them. Writes nothing."""

import contextlib
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.acceptance.renewed_students import under_known_weights
from orchestrator.display import View
from orchestrator.display.progress import SweepProgress, busy_workers, left_seconds, sweep_progress
from orchestrator.display.words import duration, picture
from orchestrator.home.home import Holder, lock_holder
from orchestrator.ledger.ledger import Ledger
from search_spaces import SweepFileError, restore
from trainers.errors import RequestError
from trainers.texts.folding import folded
from trainers.texts.words import line_of

GONE = "its driver is gone; `run` goes on with it"


class UnknownSweepError(RequestError):
    """The home holds no sweep of that name, or no sweep at all."""


class UnreadableSweepError(RequestError):
    """A sweep of the home cannot be looked into here, as one whose plug-in is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStatus:
    """A sweep, and who works on it."""

    progress: SweepProgress
    driver: Holder | None
    """Who drives it now; None where nobody does."""
    left_seconds: float | None
    """None where nobody drives it, or it cannot be told yet."""
    elapsed_seconds: float = 0.0
    """That its driver had been at work when it last wrote; 0 where nobody drives it."""
    busy_workers: int = 0
    """That train something."""

    @property
    def state(self) -> str:
        """COMPLETE, FAIL, RUNNING or INTERRUPTED: what nobody drives does not run."""
        recorded = self.progress.state
        return "INTERRUPTED" if recorded == "RUNNING" and self.driver is None else recorded

    def to_json(self) -> dict[str, Any]:
        """Return the status as plain JSON values."""
        driver = None if self.driver is None else asdict(self.driver)
        return self.progress.to_json() | {"state": self.state, "driver": driver, "left_seconds": self.left_seconds}

    def to_text(self, width: int = 80, height: int = 1000) -> str:
        """Return the status for people, in lines of at most `width` columns."""
        slots = self.driver.slots if self.driver is not None else 0
        view = View(
            sweeps=[self.progress],
            slots=slots,
            busy=self.busy_workers,
            elapsed_seconds=self.elapsed_seconds,
            left_seconds=self.left_seconds,
            stopped=self.driver is None,
        )
        lines = picture(view, width, height)
        if self.driver is None:
            lines[-1] = GONE if self.progress.state == "RUNNING" else f"nobody works on it; {self.state}"
            if self.progress.work_seconds and self.progress.counts.open:
                lines[-1] += f"; about {duration(self.progress.work_seconds)} of training are left"
        else:
            lines.append(f"driven by {self.driver}")
        lines += self.progress.warnings
        lines += [f"still to be told to {target}: {count}" for target, count in self.progress.untold.items()]
        return folded("\n".join(lines), width)


@dataclass(frozen=True, slots=True)
class UnreadableSweep:
    """A sweep of the home that cannot be looked into here, as one whose plug-in is gone."""

    name: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return the sweep as plain JSON values."""
        return {"name": self.name, "state": "UNREADABLE", "why": self.why}


def status(name: str, home: Path | str) -> SweepStatus:
    """Return how a sweep stands.

    Raises:
        UnknownSweepError: the home has no such sweep; names the nearest one.
        UnreadableSweepError: it cannot be looked into here.
        LedgerError: the ledger is damaged.
    """
    home = Path(home)
    with _opened(home) as ledger:
        names = _names(ledger)
        if name not in names:
            raise UnknownSweepError(
                f"no sweep '{name}' in {home}{_meant(name, names)} (all: {', '.join(names) or 'none'})"
            )
        found = _status_or_why(name, ledger, lock_holder(home))
    if isinstance(found, UnreadableSweep):
        raise UnreadableSweepError(f"sweep '{name}' cannot be looked into here: {found.why}; its report can be made")
    return found


def _meant(name: str, names: list[str]) -> str:
    """Return the question after the sweep that may have been meant: one with such a name, or whose file was given."""
    near = difflib.get_close_matches(name, names, n=1)
    if not near and name.endswith((".yaml", ".yml")):
        near = difflib.get_close_matches(Path(name).stem.replace("_", "-"), names, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def sweeps(home: Path | str) -> list[SweepStatus | UnreadableSweep]:
    """Return how all sweeps of a home stand, the one accepted last at the end; one that cannot be read keeps none of
    the others back.

    Raises:
        UnknownSweepError: there is no home.
        LedgerError: the ledger is damaged.
    """
    home = Path(home)
    with _opened(home) as ledger:
        holder = lock_holder(home)
        return [_status_or_why(name, ledger, holder) for name in _names(ledger)]


@contextlib.contextmanager
def _opened(home: Path) -> Iterator[Ledger]:
    if not (home / "ledger.db").exists():
        raise UnknownSweepError(f"no sweep has been run in {home}; give another with --home")
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        yield ledger


def _names(ledger: Ledger) -> list[str]:
    return ledger.sweep_names()


def _status_or_why(name: str, ledger: Ledger, holder: Holder | None) -> SweepStatus | UnreadableSweep:
    try:
        return _status(name, ledger, holder)
    except SweepFileError as error:
        return UnreadableSweep(name, "; ".join(problem.message for problem in error.problems))


def _status(name: str, ledger: Ledger, holder: Holder | None) -> SweepStatus:
    row = ledger.sweep(name)
    assert row is not None
    progress = sweep_progress(under_known_weights(restore(row.resolved), ledger), ledger)
    driver = holder if holder is not None and name in holder.sweeps else None
    if driver is None:
        return SweepStatus(progress=progress, driver=None, left_seconds=None)
    elapsed = ledger.run_elapsed()
    left = left_seconds(progress.work_seconds, ledger, slots=driver.slots, elapsed_seconds=elapsed)
    return SweepStatus(
        progress=progress,
        driver=driver,
        left_seconds=left,
        elapsed_seconds=elapsed,
        busy_workers=busy_workers(ledger),
    )


def list_text(statuses: Sequence[SweepStatus | UnreadableSweep]) -> str:
    """Return a line for each sweep, for people."""
    lines = [f"{'sweep':<32} {'state':<12} {'done':>6} {'of':>6} {'failed':>7}"]
    for item in statuses:
        if isinstance(item, UnreadableSweep):
            lines.append(line_of(f"{item.name:<32} {'UNREADABLE':<12} {item.why}"))
            continue
        counts = item.progress.counts
        lines.append(f"{item.progress.name:<32} {item.state:<12} {counts.done:>6} {counts.total:>6} {counts.failed:>7}")
    return "\n".join(lines)
