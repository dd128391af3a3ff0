"""What a run records of its trials: at once where they are new, else in the next commit, with what searches decide."""

from collections.abc import Callable, Sequence

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import MemberRow, TrialRow
from orchestrator.planning.jobs import member_row, trial_row
from orchestrator.planning.search.search_run import SearchRun
from search_spaces import Member, Sweep


class Recording:
    """The way into the ledger for trials and proposals.

    Args:
        adopt: takes a trial's result over from elsewhere into the ledger, if it is known there.
    """

    def __init__(self, ledger: Ledger, adopt: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._adopt = adopt
        self._states = dict(ledger.states())
        """Of all trials when the run began, and of those that it has recorded since when it did."""
        self._accepted = frozenset(self._states)
        self._unrecorded: list[tuple[str, TrialRow, MemberRow]] = []
        """Members, with their sweeps, that go into the next commit."""
        self._runs: list[SearchRun] = []

    def take_up(self, run: SearchRun) -> None:
        """Have what a search decides written with each commit."""
        self._runs.append(run)

    def has(self, key: str) -> bool:
        """Return whether a trial was recorded before the run began."""
        return key in self._accepted

    def state(self, key: str) -> str:
        """Return a trial's state as this run has found it."""
        return self._states.get(key, "WAITING")

    def row(self, key: str) -> TrialRow:
        """Return the ledger's record of a trial that it has."""
        row = self._ledger.trial(key)
        assert row is not None
        return row

    def record(self, sweep: Sweep, members: Sequence[Member], proposal: int | None = None) -> None:
        """Record trials in the service of a row: at once where they are new, else with the next commit."""
        new = [member.key for member in members if member.key not in self._states]
        for member in members:
            number = member.proposal if proposal is None else proposal
            record = sweep.name, trial_row(sweep.name, member, number), member_row(member, number)
            self._unrecorded.append(record)
        if new:
            self.commit()
        for key in new:
            self._states[key] = "WAITING"
            if self._adopt(key):
                self._states[key] = self.row(key).state

    def commit(self) -> None:
        """Write what has been proposed and decided since, in one commit."""
        changed = [run for run in self._runs if run.unsaved]
        if not changed and not self._unrecorded:
            return
        with self._ledger.transaction():
            self._ledger.add_trials([trial for _, trial, _ in self._unrecorded])
            for sweep in dict.fromkeys(sweep for sweep, _, _ in self._unrecorded):
                self._ledger.add_members(sweep, [member for of, _, member in self._unrecorded if of == sweep])
            for run in changed:
                run.save()
        self._unrecorded = []
        for run in changed:
            run.saved()
