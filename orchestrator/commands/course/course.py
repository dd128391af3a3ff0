"""The course of a run that holds the home: taken up, driven, told, concluded, reported."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.commands.course.ends import Ends
from orchestrator.commands.course.setting_out import RunPlan
from orchestrator.display import Screen, Watch
from orchestrator.home.home import DriverLock
from orchestrator.ledger.database import LedgerWriteError
from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.sweep_run.cards import Cards
from orchestrator.sweep_run.drive import ClusterLostError, Orders, Workforce, drive, look_at_cluster
from orchestrator.sweep_run.ends.collapses import collapse_warnings
from orchestrator.sweep_run.ends.conclusion import conclude
from orchestrator.sweep_run.ends.reporting import write_reports
from orchestrator.sweep_run.signals import StopSignals
from orchestrator.sweep_run.tellers import TELLING_DELAY_SECONDS, drain, start_tellers
from search_spaces import Sweep
from trainers.files.store import Store
from trainers.texts.counting import counted

STOPPING = "stopping: running epochs are ended and kept; once more to stop at once"
EXIT_COMPLETE, EXIT_FAILED, EXIT_REFUSED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    sweeps: tuple[str, ...]
    exit_code: int
    """0: all ended; 1: a FAIL, a DIVERGED among reported trials, or results untold; 2: students did not start, because
    their teacher is refused, or it was stopped without the progress that it needed; 129, 130 or 143: stopped."""
    trained: int
    """Attempts that ended in this run, INTERRUPTED ones among them."""
    problems: tuple[str, ...] = ()
    reports: tuple[Path, ...] = field(default=())
    warnings: tuple[str, ...] = ()
    """Of results that are there but worth little: trainings that collapsed. They change no exit code."""
    untold: bool = False
    """Something is still to be told; `sync` does it."""
    stopped: bool = False
    """Before everything had ended: the same request goes on."""
    stuck: bool = False
    """Ray stands still in this process, which is ended by `os._exit`, or by Ray's core within a minute."""


class Course:
    """A run under way."""

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        ledger: Ledger,
        home: Path,
        uri: str,
        storage: str | None,
        screen: Screen,
        lock: DriverLock,
        cards: Cards,
    ) -> None:
        self._ledger = ledger
        self._home = home
        self._uri = uri
        self._storage = storage
        self._screen = screen
        self._lock = lock
        self._store = Store(home)
        self._ends = Ends(ledger, self._store, screen)
        self._plan = RunPlan(sweeps, ledger, home, uri, storage, screen, self._store, self._ends)
        self._epochs = 0
        """That workers have reported, those that had been trained before and were lost among them."""
        self._share = functools.cache(lambda: cards.share(self._plan.sweeps, ledger, self._is_stopped))
        self._stop: StopSignals | None = None
        self._stuck = False
        self._said: set[str] = set()
        self._refused = False
        """A teacher is worth nothing, and its students were not started."""

    def go(self, workforce: Workforce, *, answers: bool, new: bool, need_progress: bool = False) -> RunResult:
        """Take up what there is, train, tell, report.

        Args:
            new: a sweep is; nothing of it is recorded where a cluster at an address cannot work for it.
            need_progress: a stop before any epoch has ended is told as a request that cannot be met.
        """
        stop = StopSignals(lambda: self._screen.say(STOPPING))
        names = tuple(sweep.name for sweep in self._plan.sweeps)
        folders: list[Path] = []
        self._stop = stop
        with stop:
            if new and workforce.address is not None:
                look_at_cluster(self._orders(), self._home, stop, workforce, self._say_ahead)
            driven, problems, untold = self._train(stop, workforce, answers=answers)
            if not stop.number:
                folders, unreported = write_reports(names, self._home, self._uri, self._ledger, self._screen.say)
                problems += unreported
        warnings = [line for sweep in self._plan.sweeps for line in collapse_warnings(sweep.name, self._ledger)]
        for line in warnings:
            self._screen.say(line)
        code = EXIT_FAILED if problems or untold else EXIT_COMPLETE
        code = EXIT_REFUSED if self._refused else code
        code = 128 + stop.number if stop.number else code
        if stop.number and need_progress and not self._epochs:
            code = EXIT_REFUSED
            problems.append("no epoch has ended in this run: another of its length would get no further; give it more")
        return RunResult(
            names,
            code,
            self._ends.count,
            (*problems, *untold),
            tuple(folders),
            tuple(warnings),
            untold=bool(untold),
            stopped=bool(stop.number) or not driven,
            stuck=self._stuck,
        )

    def _train(self, stop: StopSignals, workforce: Workforce, *, answers: bool) -> tuple[bool, list[str], list[str]]:
        """Train and tell; return whether it came to its end, what is wrong, and who could not be told everything, in
        words."""
        problems: list[str] = []
        driven = False
        planner = self._plan.take_up(answers=answers)
        with Watch(self._screen, self._ledger.path, self._plan.sweeps) as watch:
            stop.asks(planner.stop)
            delay = 0.0 if planner.idle else TELLING_DELAY_SECONDS
            tellers = start_tellers(self._home, self._uri, self._storage, delay, self._plan.sweeps)
            try:
                self._drive(planner, stop, workforce, watch)
                while self._plan.are_others() and not stop.number:
                    planner = self._plan.take_up(answers=answers)
                    stop.asks(planner.stop)
                    self._drive(planner, stop, workforce, watch)
                driven = True
            except (LedgerWriteError, ClusterLostError) as error:
                problems.append(f"stopped: {error}")
                self._stuck = isinstance(error, ClusterLostError) and error.stuck
            finally:  # whatever happened, its record comes first
                watch.stopped = bool(stop.number) or not driven
                problems += self._record_end(planner, stopped=watch.stopped)
                untold = drain(tellers, stop)
                for note in (note for teller in tellers for note in teller.notes):
                    self._screen.say(note)
        return driven, problems, untold

    def _drive(self, planner: Planner, stop: StopSignals, workforce: Workforce, watch: Watch) -> None:
        if planner.idle:
            if not planner.refused():
                self._screen.say("nothing to train: every trial has ended before")
            return

        def on_slots(slots: int) -> None:
            watch.slots = slots
            self._lock.tell(slots)
            if slots:
                self._screen.say(f"{self._at_a_time(slots)} at a time")

        try:
            drive(planner, self._orders(), self._store, stop, workforce, on_slots=on_slots, say=self._say)
        finally:
            self._epochs += planner.reported_epochs

    def _at_a_time(self, slots: int) -> str:
        together = max(sweep.resources.together for sweep in self._plan.sweeps)
        if together == 1:
            return counted(slots, "trial")
        return f"{counted(slots, 'worker')}, up to {together} trials{' each' if slots > 1 else ''}"

    def _is_stopped(self) -> bool:
        return self._stop is not None and self._stop.number != 0

    def _orders(self) -> Orders:
        return Orders(self._plan.sweeps, self._home, self._share)

    def _say_ahead(self, line: str) -> None:
        self._said.add(line)
        self._screen.say(line)

    def _say(self, line: str) -> None:
        """Say what there is to say while trials run, but for what was said when the cluster was looked at."""
        if line in self._said:
            self._said.remove(line)
        else:
            self._screen.say(line)

    def _record_end(self, planner: Planner, *, stopped: bool) -> list[str]:
        """Record everything that still runs as INTERRUPTED and how the sweeps stand; return what is wrong."""
        try:
            planner.interrupt()
            refusals = planner.refused()
            self._refused = bool(refusals)
            return [*refusals, *conclude(self._plan.sweeps, self._ledger, stopped=stopped)]
        except LedgerWriteError as error:
            return [] if stopped else [str(error)]  # the next run finds them RUNNING and knows what that means
