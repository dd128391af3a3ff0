"""The planner: what runs next, and what becomes of what has run. It knows no Ray and no clock.

A function of the sweeps and the ledger: whoever drives it, with however many workers, killed or not, gets the same
trials and the same results. Order: teachers, then searches and fixed trials, then confirm; a cell never waits for
another one.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from orchestrator.attempts import Attempt, Outcome, Signal, Verdict
from orchestrator.ledger import Ledger
from orchestrator.records import ENDED, MemberRow, TrialRow
from orchestrator.search_run import SearchRun
from search_spaces import Member, Sweep
from trainers.trial import Trial, to_json

PHASES = ("teacher", "search", "fixed", "confirm")
"""In the order of their turn."""

MAX_LOST_IN_A_ROW = 3
"""So many lost workers without a new epoch between make a trial a FAIL."""


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
    attempt: int = 0
    lost: int = 0
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


class Planner:
    """Decides what runs. One thread calls it.

    Args:
        sweeps: accepted sweeps, with their fixed members and teachers already in the ledger.
        ledger: the truth.
        chance: accuracy in percent of guessing, by data set.
        lacking: keys of teachers whose weights are gone; they are trained again.
        adopt: takes a trial's result over from elsewhere into the ledger, if it is known there.
        on_end: called with a trial's record when its end has been committed.
        on_trouble: called with a trial's record and what went wrong on its way: a lost worker, a notice.
    """

    def __init__(
        self,
        sweeps: Iterable[Sweep],
        ledger: Ledger,
        *,
        chance: Callable[[str], float],
        lacking: frozenset[str] = frozenset(),
        adopt: Callable[[str], bool] = lambda key: False,
        on_end: Callable[[TrialRow], None] = lambda row: None,
        on_trouble: Callable[[TrialRow, str], None] = lambda row, text: None,
    ) -> None:
        self._ledger = ledger
        self._chance = chance
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._adopt = adopt
        self._known = {key: state for key, state in ledger.states().items() if key not in lacking}
        self._jobs: dict[str, Job] = {}
        self._ready: dict[str, deque[Job]] = {phase: deque() for phase in PHASES}
        self._blocked: dict[str, list[Job]] = {}
        self._waiting_searches: dict[str, list[SearchRun]] = {}
        self._running: dict[str, Job] = {}
        self._advancing: list[SearchRun] = []
        self.stopping = False
        self.ended_attempts = 0
        """Of this run, however they ended but for those that were lost."""
        for sweep in sweeps:
            self._take_up(sweep)

    # --- what drivers call --------------------------------------------------------------------------------------

    def next(self) -> Attempt | Signal:
        """Hand out the next attempt, recorded as started; or say to wait, or that all is done."""
        if not self.stopping:
            for phase in PHASES:
                if self._ready[phase]:
                    return self._start(self._ready[phase].popleft())
        return Signal.WAIT if self._running else Signal.DONE

    def epoch(self, attempt: Attempt, number: int, values: dict[str, float]) -> Verdict:
        """Take the values of an epoch; say whether the attempt goes on. A decision to prune is recorded first."""
        job = self._current(attempt)
        if job is None:
            return Verdict.STOP
        job.epochs = max(job.epochs, number)
        job.curve[number] = values
        self._ledger.add_epoch(attempt.key, number, attempt.number, values)
        if any(search.is_rung(number) for search in job.searches) and self._pruned(job, number, values):
            self._on_end(self._row(job))
            return Verdict.STOP
        return Verdict.STOP if self.stopping else Verdict.GO_ON

    def _pruned(self, job: Job, number: int, values: dict[str, float]) -> bool:
        """Show the rung to all searches that wait for the trial; end it in the same commit when none waits any more."""
        with self._ledger.transaction():
            for search in job.searches:
                search.reached(job.key, number, values)
            settled = [search for search in job.searches if search.settled(job.key)]
            stop = len(settled) == len(job.searches)
            if stop:
                self._ledger.end_attempt(
                    job.key, job.attempt, "PRUNED", reason=f"stopped by the pruner at epoch {number}"
                )
        if stop:
            del self._running[job.key]
            job.state = "PRUNED"
        job.searches = [search for search in job.searches if search not in settled]
        for search in settled:
            self._advance(search)
        return stop

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        """Take the end of an attempt; what an attempt that is not the trial's current one says is refused."""
        job = self._current(attempt)
        if job is None:
            return
        if outcome.ending == "LOST":
            self._lost(job, outcome)
            return
        before, job.state = job.state, outcome.ending
        try:
            with self._ledger.transaction():
                self._ledger.end_attempt(
                    attempt.key,
                    attempt.number,
                    outcome.ending,
                    metrics=outcome.metrics,
                    reason=outcome.reason,
                    collapsed=outcome.collapsed,
                )
                self._settle(job)
        except BaseException:
            job.state = before  # nothing is committed: the attempt is still in flight, and can be reported as lost
            raise
        del self._running[attempt.key]
        self.ended_attempts += 1
        self._on_end(self._row(job))

    def stop(self) -> None:
        """Hand out nothing more, and let running attempts end after their epoch."""
        self.stopping = True

    def interrupt(self) -> None:
        """Record everything that still runs as INTERRUPTED: its workers are gone or going."""
        for job in list(self._running.values()):
            self._ledger.end_attempt(job.key, job.attempt, "INTERRUPTED", reason="the run was stopped")
        self._running.clear()
        self._ledger.interrupt_running()

    @property
    def idle(self) -> bool:
        """Nothing is left to hand out or to wait for."""
        return not self._running and not any(self._ready.values())

    def running(self) -> list[str]:
        """Return the keys of the trials in flight."""
        return list(self._running)

    def notice(self, attempt: Attempt, text: str) -> None:
        """Record what went wrong with an attempt without changing its numbers."""
        job = self._current(attempt)
        if job is not None:
            self._ledger.add_notice(attempt.key, text)
            self._on_trouble(self._row(job), text)

    def describe(self, attempt: Attempt, provenance: dict[str, str]) -> None:
        """Take where and with what an attempt runs."""
        if self._current(attempt) is not None:
            self._ledger.set_provenance(attempt.key, provenance)

    # --- jobs ---------------------------------------------------------------------------------------------------

    def _take_up(self, sweep: Sweep) -> None:
        for teacher in sweep.teachers:
            if teacher.trial is not None:
                self._add_job(sweep, teacher.id, teacher.trial, "teacher")
        for member in sweep.fixed:
            self._add_job(sweep, member.key, member.trial, "fixed")
        for search in sweep.searches:
            self._open(SearchRun(sweep, search, self._ledger, self._chance(search.blueprint.info.name)))

    def _add_job(self, sweep: Sweep, key: str, trial: Trial, phase: str, *, reruns_pruned: bool = True) -> Job:
        job = self._jobs.get(key)
        if job is None:
            job = Job(key, trial, phase, sweep, self._known.get(key, "WAITING"), reruns_pruned)
            job.state = "WAITING" if job.state == "FAIL" else job.state
            self._jobs[key] = job
            if not job.ended:
                self._queue(job)
        elif reruns_pruned and not job.reruns_pruned:
            job.reruns_pruned = True
            if job.state == "PRUNED":
                self._queue(job)
        return job

    def _queue(self, job: Job) -> None:
        teacher = job.trial.teacher
        trainer = self._jobs.get(teacher.id) if teacher is not None else None
        if trainer is not None and trainer.state != "COMPLETE":
            self._blocked.setdefault(trainer.key, []).append(job)
        else:
            self._ready[job.phase].append(job)

    def _start(self, job: Job) -> Attempt:
        job.attempt = self._ledger.start_attempt(job.key)
        job.state, job.epochs_at_start = "RUNNING", job.epochs
        self._running[job.key] = job
        return Attempt(
            key=job.key,
            number=job.attempt,
            trial=job.trial,
            phase=job.phase,
            keep_weights=job.phase != "search",
            sweep=job.sweep.name,
            bank=job.sweep.bank,
            life=self._ledger.life,
        )

    def _current(self, attempt: Attempt) -> Job | None:
        job = self._running.get(attempt.key)
        return job if job is not None and job.attempt == attempt.number else None

    def _lost(self, job: Job, outcome: Outcome) -> None:
        before = 0 if job.epochs > job.epochs_at_start else job.lost
        job.lost = before + (not outcome.innocent)
        final = job.lost >= MAX_LOST_IN_A_ROW
        job.state = "FAIL" if final else "INTERRUPTED"
        reason = outcome.reason or "the worker was lost"
        if final:
            reason = f"{MAX_LOST_IN_A_ROW} workers in a row were lost without a new epoch; the last: {reason}"
        with self._ledger.transaction():
            self._ledger.end_attempt(job.key, job.attempt, "LOST", reason=reason, trial_state=job.state)
            if final:
                self._settle(job)
        del self._running[job.key]
        if not final:
            self._ready[job.phase].appendleft(job)
            self._on_trouble(self._row(job), f"a worker was lost, the trial goes on: {reason}")
        else:
            self._on_end(self._row(job))

    def _settle(self, job: Job) -> None:
        """Let everything that waited for the trial go on."""
        if job.state == "INTERRUPTED":
            return
        row = self._row(job)
        if job.state == "COMPLETE":
            for blocked in self._blocked.pop(job.key, []):
                self._ready[blocked.phase].append(blocked)
            for search in self._waiting_searches.pop(job.key, []):
                self._advance(search)
        waiting, job.searches = job.searches, []
        for search in waiting:
            search.decide(row)
            self._advance(search)

    def _row(self, job: Job) -> TrialRow:
        row = self._ledger.trial(job.key)
        assert row is not None
        return row

    # --- searches -----------------------------------------------------------------------------------------------

    def _open(self, run: SearchRun) -> None:
        trainer = self._jobs.get(_teacher_id(run))
        if trainer is not None and trainer.state != "COMPLETE":
            self._waiting_searches.setdefault(trainer.key, []).append(run)
        else:
            self._advance(run)

    def _advance(self, run: SearchRun) -> None:
        """Make every proposal that can be made; confirm what has been searched through."""
        if run in self._advancing:
            return  # a proposal that is decided at once leads back here; the loop below goes on by itself
        self._advancing.append(run)
        while run.standing() == "open":
            self._propose(run)
        self._advancing.remove(run)
        if run.finished and not run.confirmed:
            run.confirmed = True
            self._confirm(run)

    def _propose(self, run: SearchRun) -> None:
        """Make a proposal; it is decided by what is known of its trial, or waits for the trial."""
        row, member = run.propose()
        self._record(run.sweep, member, proposal=row.number)
        if row.state is None:
            for epoch, values in sorted(self._curve(member.key).items()):
                run.reached(member.key, epoch, values)
        if run.settled(member.key):
            return
        job = self._add_job(run.sweep, member.key, member.trial, "search", reruns_pruned=False)
        if job.ended and job.state != "PRUNED":
            run.decide(self._row(job))
            return
        if run not in job.searches:
            job.searches.append(run)
        if job.state == "PRUNED":  # by others: this search's pruner would have let it go on
            job.reruns_pruned = True
            self._queue(job)

    def _curve(self, key: str) -> dict[int, dict[str, float]]:
        """Return the values of all epochs that the trial has been through."""
        known = {number: values for number, _, values in self._ledger.epochs(key)}
        return known | (self._jobs[key].curve if key in self._jobs else {})

    def _confirm(self, run: SearchRun) -> None:
        for rank, row in enumerate(run.ranking()[: run.search.confirm], start=1):
            for member in run.search.confirmed(row.params, rank):
                self._record(run.sweep, member, proposal=row.number)
                self._add_job(run.sweep, member.key, member.trial, "confirm")

    def _record(self, sweep: Sweep, member: Member, proposal: int) -> None:
        with self._ledger.transaction():
            self._ledger.add_trials([trial_row(sweep.name, member, proposal)])
            self._ledger.add_members(sweep.name, [member_row(member, proposal)])
        if member.key not in self._known and self._adopt(member.key):
            self._known[member.key] = self._ledger.trial(member.key).state  # type: ignore[union-attr]


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


def _teacher_id(run: SearchRun) -> str:
    teacher = run.search.blueprint.teacher
    return "" if teacher is None else teacher.id
