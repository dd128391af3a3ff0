"""Between Tune and the planner: who runs which attempt, what Tune's parts ask, and what is told back.

A Ray trial is what one worker does: an attempt, or several that it trains in step. Tune schedules processes and
resources; what runs, what is retried and what is stopped is the planner's word, so Tune's own state can be thrown away
at any moment.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import ray
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from orchestrator.planning.planner import Planner
from orchestrator.ray_tune.nodes.blame import Blame
from orchestrator.worker.attempts import Attempt, Outcome, Report, Signal, Verdict
from orchestrator.worker.pulse import StallWatch, node_of
from orchestrator.worker.worker import Order
from trainers.files.store import Store

if TYPE_CHECKING:
    from ray.tune.experiment import Trial as RayTrial

STOP_GRACE_SECONDS = 4.0
"""After a request to stop, running epochs have this long to end; their trials then go on from their last epoch."""
STALL_LOOK_SECONDS = 1.0
TURN_SECONDS = 1.0
"""After so long Tune's loop goes on to what else there is before the planner is asked for more: proposing is slow."""

STOPPED = Outcome(ending="INTERRUPTED", reason="the run was stopped")

T = TypeVar("T")


class Living(Protocol):
    """A cluster, as far as the bridge knows it."""

    def is_alive(self) -> bool: ...

    def revives_keeper(self) -> bool: ...


class Bridge:
    """What searcher, scheduler and stopper share. Whatever goes wrong in here ends the run, not Tune's loop: Tune would
    lose the error, and with it the reason.

    Args:
        most_in_flight: Ray trials at a time.
        together: how many attempts a worker may train in step, if the first is this one.
        stall_seconds: of an attempt: without a step for so long its worker is taken for lost.
        for_workers: what workers are told beside their order.
        blame: whose fault failures are; None where there is one node. It asks Ray, so never while the planner is asked.
        clock: monotonic, in seconds.

    Attributes:
        error: what has gone wrong; the run ends.
        cluster_lost: the cluster has died; another one can go on.
    """

    def __init__(
        self,
        planner: Planner,
        order_for: Callable[[Attempt], Order],
        store: Store,
        cluster: Living,
        *,
        most_in_flight: Callable[[], int],
        together: Callable[[Attempt], int] = lambda attempt: 1,
        stall_seconds: Callable[[Attempt], float],
        for_workers: Mapping[str, str] | None = None,
        blame: Blame | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.planner = planner
        self.error: Exception | None = None
        self.cluster_lost = False
        self._order_for = order_for
        self._store = store
        self._cluster = cluster
        self._most_in_flight = most_in_flight
        self._together = together
        self._stall_seconds = stall_seconds
        self._for_workers = for_workers or {}
        self._blame = blame
        self._clock = clock
        self._attempts: dict[str, dict[str, Attempt]] = {}
        """By Ray trial: those whose end is not known, by their keys."""
        self._trials: dict[str, RayTrial] = {}
        self._reasons: dict[str, str] = {}
        """What is known of workers that were lost, by Ray trial."""
        self._with_worker: set[str] = set()
        """Ray trials that the planner knows to have a worker."""
        self._workers = 0
        """So many have been given a number as workers, each for one Ray trial."""
        self._raising: set[str] = set()
        """Ray trials that raise once all their attempts have ended: one has failed, and with it maybe the process."""
        self._stalls = StallWatch(clock)
        self._looked = 0.0
        self._turn = 0.0
        """When the present turn of Tune's loop began."""
        self._deadline: float | None = None
        self._at_planner = threading.RLock()
        """Held while the planner is asked, never while Ray is."""
        self._is_cut_off = False

    def _safely(self, action: Callable[[], T], otherwise: T) -> T:
        try:
            with self._at_planner:
                return action() if self.error is None and not self._is_cut_off else otherwise
        except Exception as error:  # noqa: BLE001 (raised again when Tune's loop has ended)
            self.error = error
            return otherwise

    # --- what Tune's parts ask ----------------------------------------------------------------------------------

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the order for the next attempt, None where there is none now, FINISHED where there will be none."""
        return self._safely(lambda: self._suggest(trial_id), None)

    def _suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if self._attempts and len(self._attempts) >= self._most_in_flight():
            return None  # one may wait where no node has room: it is what an autoscaler sees
        if self._attempts and self._clock() - self._turn >= TURN_SECONDS:
            self._turn = self._clock()
            return None
        step = self.planner.next()
        if isinstance(step, Attempt):
            attempts = [step, *self.planner.beside(step, self._together(step) - 1)]
            self._attempts[trial_id] = {attempt.key: attempt for attempt in attempts}
            return {"orders": [self._order_for(attempt).to_text() for attempt in attempts], **self._for_workers}
        return Searcher.FINISHED if step is Signal.DONE else None

    @property
    def in_flight(self) -> int:
        """Ray trials that have not ended."""
        return len(self._attempts)

    def added(self, trial: "RayTrial") -> None:
        """Take note of a Ray trial, by which its worker is found."""
        self._trials[trial.trial_id] = trial

    def reported(self, trial_id: str, texts: Sequence[tuple[str, str]]) -> str:
        """Take the reports of a worker's attempts, by their keys; return whether the Ray trial goes on."""
        reports = [(key, Report.from_text(text)) for key, text in texts]
        again = self._all_judged(trial_id, reports)
        stop = self._safely(lambda: self._reported(trial_id, reports, again), None)
        if stop is None:
            return str(TrialScheduler.STOP)
        worker = self._worker(trial_id)
        if stop and worker is not None:
            worker.drop.remote(stop)  # before it is asked for the next epoch: calls keep their order
        return str(TrialScheduler.CONTINUE)

    def _all_judged(self, trial_id: str, reports: Sequence[tuple[str, Report]]) -> dict[str, str]:
        """Return of each attempt why it is tried again, in words: what several of a worker meet with is met once."""
        found: dict[str, str] = {}
        known: dict[str, str] = {}
        for key, report in reports:
            met = report.reason.strip().rpartition("\n")[2] if report.ending == "FAIL" else ""
            if not met or met not in known:
                known[met] = self._judged(trial_id, key, report)
            found[key] = known[met]
        return found

    def _judged(self, trial_id: str, key: str, report: Report) -> str:
        """Let a report count for or against its node; return why a trial that has raised is tried again, in words."""
        attempt = self._attempts.get(trial_id, {}).get(key)
        if attempt is None or self._blame is None:
            return ""
        node = self._node_of(attempt)
        if report.ending == "FAIL":
            with contextlib.suppress(ray.exceptions.RayError):
                return self._blame.failed(node, report.reason)
        self._blame.got_on(node)
        return ""

    def last_reported(self, trial_id: str, texts: Sequence[tuple[str, str]]) -> None:
        """Take the reports after which Tune stops the trial; those are known that do not say how an attempt ended."""
        self.reported(trial_id, [(key, text) for key, text in texts if Report.from_text(text).ending != ""])

    def _reported(
        self, trial_id: str, reports: Sequence[tuple[str, Report]], again: Mapping[str, str]
    ) -> list[str] | None:
        """Return the keys of attempts that are to stop while others go on; None where all of the Ray trial's are."""
        attempts = self._attempts.get(trial_id, {})
        stop = []
        for key, report in reports:
            attempt = attempts.get(key)
            if attempt is None:
                continue
            if report.ending == "FAIL":
                self._raising.add(trial_id)
                outcome = report.outcome()
                why = again[key]
                self.planner.ended(
                    attempt, replace(outcome, reason=f"{outcome.reason}\n{why}", innocent=True) if why else outcome
                )
            elif self.planner.reported(attempt, report) is Verdict.STOP and report.ending == "":
                stop.append(key)
                continue
            if report.ending != "":
                self._forget(attempts.pop(key))
        if len(stop) == len(attempts) and trial_id not in self._raising:
            return None  # Tune says how those end
        for key in stop:
            self.planner.ended(attempts[key], STOPPED)
            self._forget(attempts.pop(key))
        return stop  # one that failed raises next: Tune then drops the process, in whatever state it is

    def _node_of(self, attempt: Attempt) -> str:
        return node_of(self._store.checkpoints(attempt.key), attempt.number, attempt.life)

    def lost(self, trial_id: str, reason: str) -> None:
        """Take what Ray says of a worker that is lost; what is known already says more."""
        lines = [line.strip() for line in reason.splitlines() if line.strip()]
        if lines:  # a traceback of Ray's own, and after its last line's first sentences advice for everybody
            self._reasons.setdefault(trial_id, lines[-1].partition(" Some common causes include")[0])

    def completed(self, trial_id: str, error: bool) -> None:
        """Take the end of a Ray trial; for attempts whose end the planner has already, this changes nothing."""
        reason = self._reasons.pop(trial_id, "the worker's process or its machine died")
        innocent = error and self._lost_with_node(trial_id, reason)
        lost = Outcome(ending="LOST", reason=reason, innocent=innocent)
        self._safely(lambda: self._completed(trial_id, error, lost), None)

    def _lost_with_node(self, trial_id: str, reason: str) -> bool:
        """Let a worker that was lost count against its node; return whether the node was lost, too."""
        attempt = next(iter(self._attempts.get(trial_id, {}).values()), None)
        if attempt is None or self._blame is None or self.cluster_lost:
            return False
        with contextlib.suppress(ray.exceptions.RayError):
            return self._blame.lost(self._node_of(attempt), reason)
        return False

    def _completed(self, trial_id: str, error: bool, lost: Outcome) -> None:
        attempts = self._attempts.pop(trial_id, {})
        self._trials.pop(trial_id, None)
        self._with_worker.discard(trial_id)
        self._raising.discard(trial_id)
        outcome = lost if error else STOPPED
        if self.cluster_lost:
            outcome = Outcome(ending="LOST", reason="the Ray cluster died", innocent=True)
        for attempt in attempts.values():
            self._forget(attempt)
            self.planner.ended(attempt, outcome)

    def _forget(self, attempt: Attempt) -> None:
        self._stalls.forget(self._store.checkpoints(attempt.key), attempt.number, attempt.life)

    # --- while it runs ------------------------------------------------------------------------------------------

    def is_over(self) -> bool:
        """Return whether Tune is to end now; asked several times a second. Ends workers that are stuck."""
        self._turn = self._clock()
        try:
            alive = self._cluster.is_alive()
        except Exception as error:  # noqa: BLE001 (raised again when Tune's loop has ended)
            self.error, alive = self.error or error, False
        nothing: tuple[bool, list[str]] = (True, [])
        over, stuck = self._safely(lambda: self._look(alive=alive), nothing)
        if stuck and not over and self._keeper_stood_still():
            self._stalls.begin_again()
            for trial_id in stuck:
                self._reasons.pop(trial_id, None)
            return self.error is not None
        for trial_id in stuck:
            self._kill_worker(trial_id)
        return over

    def _keeper_stood_still(self) -> bool:
        """Return whether it was the keeper that stood still, and with it whoever told it of steps."""
        try:
            return self._cluster.revives_keeper()
        except Exception as error:  # noqa: BLE001 (raised again when Tune's loop has ended)
            self.error = self.error or error
            return True

    def _look(self, *, alive: bool) -> tuple[bool, list[str]]:
        """Return whether Tune is to end now, and the Ray trials whose workers are to be ended."""
        self.planner.tick()
        if not alive:
            self.cluster_lost = True
            return True, []
        if not self.planner.stopping:
            return False, list(self._stalled())
        if self._deadline is None:
            self._deadline = self._clock() + STOP_GRACE_SECONDS
        if self.planner.running() and self._clock() < self._deadline:
            return False, []
        return True, list(self._attempts)

    def _stalled(self) -> Iterator[str]:
        """Yield Ray trials whose workers make no steps; take note of those that have a worker."""
        if self._clock() - self._looked < STALL_LOOK_SECONDS:
            return
        self._looked = self._clock()
        for trial_id, attempts in self._attempts.items():
            if trial_id in self._reasons or self._worker(trial_id) is None:
                continue  # it is being ended already, or waits for a worker
            if trial_id not in self._with_worker:
                self._with_worker.add(trial_id)
                self._workers += 1
                for attempt in attempts.values():
                    self.planner.has_worker(attempt, self._workers)
            stalled = [self._stalled_after(attempt) for attempt in attempts.values()]
            if stalled and all(stalled):  # while one makes steps, the worker lives
                self._reasons[trial_id] = f"the worker made no step for {stalled[0]:g} s and was ended"
                yield trial_id

    def _stalled_after(self, attempt: Attempt) -> float:
        """Return for how many seconds an attempt has made no step, where that is too long; else 0."""
        limit = self._stall_seconds(attempt)
        folder = self._store.checkpoints(attempt.key)
        return limit if self._stalls.is_stalled(folder, attempt.number, limit, attempt.life) else 0.0

    def _worker(self, trial_id: str) -> Any:
        """Return the actor that runs the trial, or makes ready to; None where it has none."""
        trial = self._trials.get(trial_id)
        return trial.temporary_state.ray_actor if trial is not None else None

    def _kill_worker(self, trial_id: str) -> None:
        actor = self._worker(trial_id)
        if actor is not None:
            ray.kill(actor)

    def give_up(self) -> None:
        """Record attempts of which Tune has not told the end as lost with the cluster."""
        for trial_id in list(self._attempts):
            self.completed(trial_id, error=True)

    def cut_off(self) -> None:
        """Take the cluster for lost while Tune, in a thread of its own, waits for it in vain: whatever that thread may
        still ask comes to nothing."""
        with self._at_planner:
            self.cluster_lost = True
            self.give_up()
            self._is_cut_off = True

    def let_go(self) -> None:
        """Drop what refers to Ray's workers."""
        self._trials.clear()
