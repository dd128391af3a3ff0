"""Whether a report may be written over the one that is there: not where the tracking store has lost what it was of."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.home.home import lock_holder
from orchestrator.ledger.ledger import Ledger
from reports.errors import ReportError, UnknownSweepError

if TYPE_CHECKING:
    from reports import Results

TOLD_BY = "the next `run` of it, or `sync`, tells the store again"


def why_nothing(name: str, home: Path, error: "ReportError") -> str:
    """Return why the store holds nothing of a sweep to report, in words: of one that the home knows, more than the
    store's own error says."""
    if not (home / "ledger.db").exists():
        return str(error)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        known = name in ledger.sweep_names()
    if known and lock_holder(home) is not None:
        return (
            f"{name} has begun, and has nothing to report yet ({error}); again in a moment: `status {name}` says more"
        )
    if known and isinstance(error, UnknownSweepError):
        return f"{error}, but {home} does: {TOLD_BY}; a store that is elsewhere is named by MLFLOW_TRACKING_URI"
    return str(error)


def why_kept(results: "Results", folder: Path, home: Path) -> str:
    """Return why the report in the folder is left as it is, in words; empty where the new one may be written.

    It may not where trials that have a score in the report that is there have none in the store, nor where the store
    has no score at all of a sweep that has some in the home's ledger, unless a run is under way, which tells them.
    """
    from reports.results.stored import lost_scores, scored

    lost = lost_scores(results, folder)
    if lost:
        trials = "1 trial that has a score" if lost == 1 else f"{lost} trials that have a score"
        return (
            f"{results.name}: the report in {folder} is left as it is: {trials} in it "
            f"{'has' if lost == 1 else 'have'} none in the tracking store; {TOLD_BY}; another is written with --out"
        )
    sweeps = [str(name) for name in results.resolved.get("sweeps") or [results.name]]
    if scored(results.trials) or lock_holder(home) is not None or not (home / "ledger.db").exists():
        return ""
    return _untold(results.name, sweeps, home)


def _untold(name: str, sweeps: list[str], home: Path) -> str:
    marks = ", ".join("?" for _ in sweeps)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        ((ended,),) = ledger.rows(
            "SELECT count(DISTINCT t.key) FROM member m JOIN trial t USING (key) "
            f"WHERE m.sweep IN ({marks}) AND m.phase != 'search' AND t.state = 'COMPLETE'",
            *sweeps,
        )
    if not ended:
        return ""
    return (
        f"{name}: no report is written: the tracking store has no score of any trial, though {ended} have ended in "
        f"{home}; is it the right store? {TOLD_BY}"
    )
