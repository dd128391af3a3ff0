"""The planner: what runs next, and what becomes of what has run. It knows no Ray and no clock.

A function of the sweeps and the ledger: whoever drives it, with however many workers, killed or not, gets the same
trials and the same results. Order: teachers, then searches with their races and fixed trials, then confirm; a cell
never waits for another one.

What takes time, proposing and pruning, is worked out between two commits, never inside one: whoever is told, and
whoever looks, waits for the ledger no longer than a commit takes. A driver that is killed in between has lost nothing
but that work: it is a function of what has been committed.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import MemberRow, ProposalRow, TrialRow
from orchestrator.planning.jobs import Job, member_row, trial_row
from orchestrator.planning.queues import PHASES, Ready
from orchestrator.planning.search_run import SearchRun
from orchestrator.planning.settling import Column, columns
from orchestrator.planning.teaching import Teaching
from orchestrator.worker.attempts import Attempt, Outcome, Report, Signal, Verdict
from search_spaces import Member, Search, Sweep
from trainers.trials.trial import Trial

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
        self._chance = chance
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._on_search_failed = on_search_failed
        self._adopt = adopt
        self._teaching = Teaching(ledger, has_weights, is_renewed)
        states = ledger.states()
        self._recorded = frozenset(states)
        self._known = dict(states)
        self._jobs: dict[str, Job] = {}
        self._ready = Ready()
        self._blocked: dict[str, list[Job]] = {}
        self._waiting_searches: dict[str, list[SearchRun]] = {}
        self._running: dict[str, Job] = {}
        self._runs: list[SearchRun] = []
        """All searches."""
        self._searches: deque[SearchRun] = deque()
        """Those that may propose, in the order of their turn; whoever has proposed goes to the end."""
        self._columns: list[Column] = []
        """Those whose seeds are added until they are settled."""
        self._unrecorded: list[tuple[str, TrialRow, MemberRow]] = []
        """Members, with their sweeps, that go into the next commit."""
        self._most_together = sys.maxsize
        """Trials that a worker has memory for, as far as is known."""
        self.stopping = False
        self.ended_attempts = 0
        self.reported_epochs = 0
        """Of this run, however they ended but for those that were lost."""
        for sweep in sweeps:
            self._take_up(sweep)
        self._add_seeds(self._columns)
        self._commit()

    # --- what drivers call --------------------------------------------------------------------------------------

    def next(self) -> Attempt | Signal:
        """Hand out the next attempt, recorded as started; or say to wait, or that all is done."""
        if not self.stopping:
            for phase in PHASES:
                if phase == "search":
                    self._propose_next()
                if self._ready.has(phase):
                    return self._start(self._ready.take(phase))
        return Signal.WAIT if self._running else Signal.DONE

    def beside(self, attempt: Attempt, most: int) -> list[Attempt]:
        """Hand out further attempts, at most so many, that see the same batches as this one, to be trained in step with
        it; proposals are made for it."""
        job = self._current(attempt)
        found: list[Attempt] = []
        most = min(most, self._most_together - 1)
        while job is not None and len(found) < most and not self.stopping:
            if job.phase == "search":
                self._propose_next()
            jobs = self._ready.beside(job, most - len(found))
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
            self._commit()
            if stop:
                self._ledger.end_attempt(
                    job.key, job.attempt, "PRUNED", reason=f"stopped by the pruner at epoch {number}"
                )
        if stop:
            del self._running[job.key]
            job.state = "PRUNED"
        job.searches = [search for search in job.searches if search not in settled]
        for search in settled:
            self._conclude(search)
        self._commit()
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
        proposing = any(search.standing() == "open" for search in self._searches)
        return not self._running and not self._ready and not proposing

    def refused(self) -> list[str]:
        """Return why teachers are refused that students wait for, in words."""
        return self._teaching.refused(self._blocked.keys() | self._waiting_searches.keys())

    @property
    def waiting(self) -> int:
        """How many trials could be handed out now."""
        return len(self._ready)

    def running(self) -> list[str]:
        """Return the keys of the trials in flight."""
        return list(self._running)

    def notice(self, attempt: Attempt, text: str) -> None:
        """Record what went wrong with an attempt without changing its numbers."""
        job = self._current(attempt)
        if job is not None:
            self._ledger.add_notice(attempt.key, text)
            self._on_trouble(self._row(job), text)

    def has_worker(self, attempt: Attempt) -> None:
        """Take that an attempt which was handed out is being run; until then it waits for a worker."""
        if self._current(attempt) is not None:
            self._ledger.set_worker(attempt.key, attempt.number)

    def _describe(self, attempt: Attempt, provenance: dict[str, str]) -> None:
        if self._current(attempt) is not None:
            self._ledger.set_provenance(attempt.key, provenance)

    # --- jobs ---------------------------------------------------------------------------------------------------

    def _take_up(self, sweep: Sweep) -> None:
        self._columns += columns(sweep)
        for teacher in sweep.teachers:
            member = teacher.member() or teacher.scored()
            if member is not None and member.key in self._recorded:  # else: accepted before given teachers were scored
                job = self._add_job(sweep, member.key, member.trial, "teacher")
                self._teaching.take_up(teacher, job)
        for member in sweep.fixed:
            self._add_job(sweep, member.key, member.trial, "fixed")
        for search in sweep.searches:
            run = SearchRun(sweep, search, self._ledger, self._chance(search.blueprint.info.name))
            self._runs.append(run)
            self._open(run)

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
        goes_on = job.phase == "confirm" or job.state in ("INTERRUPTED", "PRUNED")  # its teacher was good enough then
        given = job.trial.role == "given"
        trainer = None if given else self._teaching.awaited(job.trial.dataset, job.trial.teacher)
        if trainer is not None and not self._can_teach(trainer, goes_on=goes_on):
            self._blocked.setdefault(trainer.key, []).append(job)
        else:
            self._ready.put(job)

    def _can_teach(self, trainer: Job, *, goes_on: bool) -> bool:
        """Return whether students may start; where a teacher's weights are gone, see to it that it is trained again."""
        was, can = trainer.state, self._teaching.can_teach(trainer, goes_on=goes_on)
        if trainer.state != was:
            self._queue(trainer)
        return can

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
            self._ready.put(job, first=True)
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
            self._commit()

    def _release(self, job: Job) -> None:
        """Let everything that waited for the trial go on."""
        if job.state == "INTERRUPTED":
            return
        if self._teaching.ended(job):
            for blocked in self._blocked.pop(job.key, []):
                self._ready.put(blocked)
            for search in self._waiting_searches.pop(job.key, []):
                self._replay(search)
        waiting, job.searches = job.searches, []
        for search in waiting:
            self._conclude(search)
        self._add_seeds([column for column in self._columns if column.has(job.key)])
        self._commit()

    def _add_seeds(self, to: Sequence[Column]) -> None:
        """Add the seeds that columns ask for by now. The caller commits."""
        for column in to:
            while added := list(column.further(self._ended_row)):
                for members in added:
                    self._record(column.sweep, members, members[0].proposal)
                    for member in members:
                        self._add_job(column.sweep, member.key, member.trial, member.phase)

    def _ended_row(self, key: str) -> TrialRow | None:
        """Return the record of a trial that has ended for this run."""
        return self._row_of(key) if key in self._jobs and self._jobs[key].ended else None

    def _row(self, job: Job) -> TrialRow:
        return self._row_of(job.key)

    def _row_of(self, key: str) -> TrialRow:
        row = self._ledger.trial(key)
        assert row is not None
        return row

    # --- searches -----------------------------------------------------------------------------------------------

    def _open(self, run: SearchRun) -> None:
        trainer = self._teaching.awaited(run.search.blueprint.info.name, run.search.blueprint.teacher)
        goes_on = bool(self._ledger.proposals(run.search.study_id))
        if trainer is not None and not self._teaching.is_good(trainer, goes_on=goes_on):
            self._waiting_searches.setdefault(trainer.key, []).append(run)
            return
        self._replay(run)
        if trainer is not None and run.standing() == "open":
            self._can_teach(trainer, goes_on=goes_on)  # asked before anything starts: its proposals come later

    def _replay(self, run: SearchRun) -> None:
        """Take up a search where the ledger has it; the caller commits."""
        self._searches.append(run)
        while run.stored and run.standing() == "open":
            self._propose(run)
        self._conclude(run)

    def _propose_next(self) -> None:
        """Make a proposal where nothing that was proposed is left to hand out; more where nothing runs meanwhile, and
        none of them needs to be trained."""
        while not self._ready.has("search"):
            run = next((search for search in self._searches if search.standing() == "open"), None)
            if run is None:
                return
            self._searches.remove(run)
            self._searches.append(run)
            self._propose(run)
            self._conclude(run)
            self._commit()
            if self._running:
                return  # a sampler may think for seconds: whoever drives sees to the rest, then asks again

    def _propose(self, run: SearchRun) -> None:
        """Make a proposal; where sampler or method refuse, the search ends. The caller commits."""
        try:
            row, member = run.propose()
        except Exception as error:  # noqa: BLE001 (Optuna raises what it likes; other rows go on)
            run.refusal = f"{type(error).__name__}: {error}"
            self._ledger.add_refusal(run.search.study_id, run.refusal)
        else:
            self._take(run, row, member)

    def _take(self, run: SearchRun, row: ProposalRow, member: Member) -> None:
        """Record a proposal; it is decided by what is known of its trial, or waits for the trial."""
        self._record(run.sweep, [member], proposal=row.number)
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

    def _conclude(self, run: SearchRun) -> None:
        """Confirm what has been searched through, after the race of the best; say of a search that has nothing to
        confirm that it failed. The caller commits."""
        if run.confirmed or not run.finished or self._races(run):
            return
        run.confirmed = True
        self._searches.remove(run)
        best = [] if run.refusal else run.ranking()[: run.search.confirm]
        for rank, row in enumerate(best, start=1):
            members = run.search.confirmed(row.params, rank)
            self._record(run.sweep, members, proposal=row.number)
            for member in members:
                self._add_job(run.sweep, member.key, member.trial, "confirm")
            if rank == 1:
                for column in self._columns_of(run):
                    column.take(members, row.number)
        for column in self._columns_of(run):
            column.searched(run.search.row)
            self._add_seeds([column])
        if not best:
            self._commit()
            self._on_search_failed(run.sweep, run.search)

    def _columns_of(self, run: SearchRun) -> list[Column]:
        return [one for one in self._columns if one.sweep is run.sweep and one.cell == run.search.cell]

    def _races(self, run: SearchRun) -> bool:
        """Have the best settings of a search trained with further seeds; return whether that is to be waited for."""
        while not run.racing() and (members := run.runners()):
            self._record(run.sweep, members)
            for member in members:
                job = self._add_job(run.sweep, member.key, member.trial, "search")
                if job.ended:
                    run.decide(self._row(job))
                elif run not in job.searches:
                    job.searches.append(run)
        return run.racing()

    def _record(self, sweep: Sweep, members: Sequence[Member], proposal: int | None = None) -> None:
        """Record trials in the service of a row: at once where they are new, else with the next commit."""
        new = [member.key for member in members if member.key not in self._known]
        for member in members:
            number = member.proposal if proposal is None else proposal
            record = sweep.name, trial_row(sweep.name, member, number), member_row(member, number)
            self._unrecorded.append(record)
        if new:
            self._commit()
        for key in new:
            self._known[key] = "WAITING"
            if self._adopt(key):
                self._known[key] = self._row_of(key).state

    def _commit(self) -> None:
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
