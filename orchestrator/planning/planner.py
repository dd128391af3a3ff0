"""The planner: what runs next, and what becomes of what has run. It knows no Ray and no clock.

A function of the sweeps and the ledger: whoever drives it, with however many workers, killed or not, gets the same
trials and the same results. Order: teachers, then searches with their races and fixed trials, then confirm; a cell
never waits for another one.

What takes time, proposing and pruning, is worked out between two commits, never inside one: whoever is told, and
whoever looks, waits for the ledger no longer than a commit takes. A driver that is killed in between has lost nothing
but that work: it is a function of what has been committed.
"""

import sys
from collections.abc import Callable, Iterable

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.planning.jobs import Job
from orchestrator.planning.queues import PHASES
from orchestrator.planning.recording import Recording
from orchestrator.planning.roster import Roster
from orchestrator.planning.searches import Searches
from orchestrator.planning.settling import Settling
from orchestrator.planning.teaching import Teaching
from orchestrator.worker.attempts import Attempt, Outcome, Report, Signal, Verdict
from search_spaces import Search, Sweep

MAX_LOST_IN_A_ROW = 3
"""So many lost workers without a new epoch between make a trial a FAIL."""

MOST_FORGIVEN = 2
"""So many exceptions of a trial may be put down to its nodes; the next one is its own."""


class Planner:
    """Decides what runs. One thread calls it.

    Args:
        sweeps: accepted sweeps, with their fixed members and teachers already in the ledger.
        ledger: the truth.
        chance: accuracy in percent of guessing, by data set.
        has_weights: whether those of a teacher that has been trained can be had; where not, it is trained again. Asked
            where students wait for it.
        is_renewed: whether the weights of a teacher that has just been trained are others than they were: its students
            are not started, for they need other keys.
        adopt: takes a trial's result over from elsewhere into the ledger, if it is known there.
        on_end: called with a trial's record when its end has been committed.
        on_search_failed: called with a search that has no setting to confirm, when that is recorded.
        on_trouble: called with a trial's record and what went wrong on its way: a lost worker, a notice.
    """

    def __init__(
        self,
        sweeps: Iterable[Sweep],
        ledger: Ledger,
        *,
        chance: Callable[[str], float],
        has_weights: Callable[[str], bool] = lambda key: True,
        is_renewed: Callable[[str], bool] = lambda key: False,
        adopt: Callable[[str], bool] = lambda key: False,
        on_end: Callable[[TrialRow], None] = lambda row: None,
        on_trouble: Callable[[TrialRow, str], None] = lambda row, text: None,
        on_search_failed: Callable[[Sweep, Search], None] = lambda sweep, search: None,
    ) -> None:
        self._ledger = ledger
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._recording = Recording(ledger, adopt)
        self._teaching = Teaching(ledger, has_weights, is_renewed)
        self._roster = Roster(self._recording, self._teaching)
        self._settling = Settling(self._recording, self._roster)
        self._searches = Searches(
            ledger,
            self._recording,
            self._teaching,
            self._roster,
            self._settling,
            chance=chance,
            on_failed=on_search_failed,
        )
        self._running: dict[str, Job] = {}
        self._most_together = sys.maxsize
        """Trials that a worker has memory for, as far as is known."""
        self.stopping = False
        self.ended_attempts = 0
        self.reported_epochs = 0
        """Of this run, however they ended but for those that were lost."""
        for sweep in sweeps:
            self._take_up(sweep)
        self._settling.begin()
        self._recording.commit()

    def _take_up(self, sweep: Sweep) -> None:
        self._settling.take_up(sweep)
        for teacher in sweep.teachers:
            member = teacher.member() or teacher.scored()
            if member is not None and self._recording.has(member.key):  # else: accepted before given ones were scored
                self._teaching.take_up(teacher, self._roster.add(sweep, member.key, member.trial, "teacher"))
        for member in sweep.fixed:
            self._roster.add(sweep, member.key, member.trial, "fixed")
        for search in sweep.searches:
            self._searches.take_up(sweep, search)

    def next(self) -> Attempt | Signal:
        """Hand out the next attempt, recorded as started; or say to wait, or that all is done."""
        if not self.stopping:
            for phase in PHASES:
                if phase == "search":
                    self._searches.propose_next(running=bool(self._running))
                if self._roster.ready.has(phase):
                    return self._start(self._roster.ready.take(phase))
        return Signal.WAIT if self._running else Signal.DONE

    def beside(self, attempt: Attempt, most: int) -> list[Attempt]:
        """Hand out further attempts, at most so many, that see the same batches as this one, to be trained in step with
        it; proposals are made for it."""
        job = self._current(attempt)
        found: list[Attempt] = []
        most = min(most, self._most_together - 1)
        while job is not None and len(found) < most and not self.stopping:
            if job.phase == "search":
                self._searches.propose_next(running=bool(self._running))
            jobs = self._roster.ready.beside(job, most - len(found))
            found += map(self._start, jobs)
            if not jobs:
                break
        return found

    def reported(self, attempt: Attempt, report: Report) -> Verdict:
        """Take what a worker says after an epoch, those of a former attempt first, and the end of the trial with the
        last; say whether the attempt goes on."""
        if report.provenance:
            self._describe(attempt, report.provenance)
        for warning in report.warnings:
            self.notice(attempt, warning)
        epochs = [*sorted(report.earlier.items()), *([(report.number, report.values)] if report.number else [])]
        verdicts = [self.epoch(attempt, number, values) for number, values in epochs]
        self.reported_epochs += bool(report.number)
        if report.ending == "":
            return Verdict.STOP if Verdict.STOP in verdicts else Verdict.GO_ON
        self.ended(attempt, report.outcome())
        return Verdict.STOP

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
        for search in job.searches:
            search.reached(job.key, number, values)
        settled = [search for search in job.searches if search.settled(job.key)]
        stop = len(settled) == len(job.searches)
        with self._ledger.transaction():
            self._recording.commit()
            if stop:
                self._ledger.end_attempt(
                    job.key, job.attempt, "PRUNED", reason=f"stopped by the pruner at epoch {number}"
                )
        if stop:
            del self._running[job.key]
            job.state = "PRUNED"
        job.searches = [search for search in job.searches if search not in settled]
        for search in settled:
            self._searches.conclude(search)
        self._recording.commit()
        return stop

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        """Take the end of an attempt; what an attempt that is not the trial's current one says is refused."""
        job = self._current(attempt)
        if job is None:
            return
        job.forgiven += outcome.ending == "FAIL" and outcome.innocent
        if outcome.ending == "LOST" or (outcome.innocent and job.forgiven <= MOST_FORGIVEN):
            self._lost(job, outcome)
            return
        with self._ledger.transaction():
            self._ledger.end_attempt(
                attempt.key,
                attempt.number,
                outcome.ending,
                metrics=outcome.metrics,
                reason=outcome.reason,
                collapsed=outcome.collapsed,
            )
            self._decide(job, outcome.ending)
        job.state = outcome.ending
        del self._running[attempt.key]
        self.ended_attempts += 1
        self._on_end(self._row(job))
        self._release(job)

    def tick(self) -> None:
        """Let time pass: drivers call it several times a second, so that what has been reported is seen by others."""
        self._ledger.flush()

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
        """Nothing is left to hand out, to propose or to wait for."""
        return not self._running and not self._roster.ready and not self._searches.open

    def refused(self) -> list[str]:
        """Return why teachers are refused that students wait for, in words."""
        return self._teaching.refused({*self._roster.awaited(), *self._searches.awaited()})

    @property
    def waiting(self) -> int:
        """How many trials could be handed out now."""
        return len(self._roster.ready)

    def running(self) -> list[str]:
        """Return the keys of the trials in flight."""
        return list(self._running)

    def notice(self, attempt: Attempt, text: str) -> None:
        """Record what went wrong with an attempt without changing its numbers."""
        job = self._current(attempt)
        if job is not None:
            self._ledger.add_notice(attempt.key, text)
            self._on_trouble(self._row(job), text)

    def has_worker(self, attempt: Attempt, worker: int = 1) -> None:
        """Take that an attempt which was handed out is being run; until then it waits for a worker.

        Args:
            worker: the number of it, the same for attempts that it trains in step.
        """
        if self._current(attempt) is not None:
            self._ledger.set_worker(attempt.key, attempt.number, worker)

    def _describe(self, attempt: Attempt, provenance: dict[str, str]) -> None:
        if self._current(attempt) is not None:
            self._ledger.set_provenance(attempt.key, provenance)

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
            predictions=job.predictions,
            life=self._ledger.life,
        )

    def _current(self, attempt: Attempt) -> Job | None:
        job = self._running.get(attempt.key)
        return job if job is not None and job.attempt == attempt.number else None

    def _lost(self, job: Job, outcome: Outcome) -> None:
        before = 0 if job.epochs > job.epochs_at_start else job.lost
        job.lost = before + (not outcome.innocent and not outcome.crowd)
        if outcome.crowd:  # it goes on among fewer
            self._most_together = min(self._most_together, max(1, outcome.crowd // 2))
        final = job.lost >= MAX_LOST_IN_A_ROW
        job.state = "FAIL" if final else "INTERRUPTED"
        reason = outcome.reason or "the worker was lost"
        if final:
            reason = f"{MAX_LOST_IN_A_ROW} workers in a row were lost without a new epoch; the last: {reason}"
        with self._ledger.transaction():
            self._ledger.end_attempt(job.key, job.attempt, outcome.ending, reason=reason, trial_state=job.state)
            self._decide(job, job.state)
        del self._running[job.key]
        if not final:
            self._roster.ready.put(job, first=True)
            told = f"a worker was lost, the trial goes on: {reason}" if outcome.ending == "LOST" else reason
            if outcome.crowd:
                told = f"no memory for it beside {outcome.crowd - 1} others, it goes on among fewer: {reason}"
            self._on_trouble(self._row(job), told)
        else:
            self._on_end(self._row(job))
            self._release(job)

    def _decide(self, job: Job, state: str) -> None:
        """Record what the end of a trial is for the searches that wait for it."""
        if state != "INTERRUPTED":
            row = self._row(job)
            for search in job.searches:
                search.decide(row)
            self._recording.commit()

    def _release(self, job: Job) -> None:
        """Let everything that waited for the trial go on."""
        if job.state == "INTERRUPTED":
            return
        if self._teaching.ended(job):
            self._roster.taught(job.key)
            self._searches.taught(job.key)
        waiting, job.searches = job.searches, []
        for search in waiting:
            self._searches.conclude(search)
        self._settling.ended(job.key)
        self._recording.commit()

    def _row(self, job: Job) -> TrialRow:
        return self._recording.row(job.key)
