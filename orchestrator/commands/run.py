"""`run`: from sweep files to ended trials, told results and a written report."""

import contextlib
import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.acceptance.accept import Adoption, accept, adopt, expand_all, import_checkpoints
from orchestrator.acceptance.changed_data import PICTURES, changed_pictures, remember_pictures
from orchestrator.acceptance.left_behind import told_at_acceptance
from orchestrator.acceptance.picture_checks import check_pictures
from orchestrator.acceptance.renewed_students import under_known_weights
from orchestrator.display import Nothing, Screen, Watch
from orchestrator.home.chatter import let_speak
from orchestrator.home.home import DriverLock, check_writable, driver_lock
from orchestrator.ledger.database import LedgerWriteError
from orchestrator.ledger.known_code import note_code
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.mlflow_store import MlflowTarget, TrackingError, check_answers, tracking_uri
from orchestrator.optuna_studies.mirror import check_storage, storage_url
from orchestrator.planning.planner import Planner
from orchestrator.planning.search_ends import search_standing
from orchestrator.ray_tune.address import check_address, cluster_address
from orchestrator.ray_tune.processes import address_in_job
from orchestrator.sweep_run.beginning import what_there_is
from orchestrator.sweep_run.cards import Cards
from orchestrator.sweep_run.collapses import collapse_warnings
from orchestrator.sweep_run.conclusion import conclude
from orchestrator.sweep_run.drive import (
    ClusterLostError,
    Orders,
    Workforce,
    check_alone,
    drive,
    look_at_cluster,
)
from orchestrator.sweep_run.endings import ending_line, last_line
from orchestrator.sweep_run.reporting import write_reports
from orchestrator.sweep_run.signals import StopSignals
from orchestrator.sweep_run.stores import answers_or_waits, known_store
from orchestrator.sweep_run.teacher_weights import TeacherWeights, TeacherWeightsError
from orchestrator.sweep_run.tellers import TELLING_DELAY_SECONDS, drain, retarget, start_tellers
from search_spaces import Search, Sweep, SweepFile, notes, read
from trainers.files.files import remove
from trainers.files.store import Store
from trainers.texts.counting import counted

FINAL = frozenset({"COMPLETE", "DIVERGED"})
"""Nothing goes on from here: checkpoints are removed."""
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


def run(
    files: Sequence[str | Path],
    *,
    home: Path | str,
    overrides: Sequence[str] = (),
    address: str | None = None,
    workers: int | None = None,
    wait_seconds: float | None = None,
    allow_mixed: bool = False,
    lock_seconds: float = 0.0,
    need_progress: bool = False,
    storage: str | None = None,
    verbose: bool = False,
    screen: Screen | None = None,
) -> RunResult:
    """Run sweep files until every trial they ask for has ended; what has ended before is not trained again.

    Args:
        home: the folder that holds everything.
        overrides: `key=value` for values of the files.
        address: of a Ray cluster; None takes that of RAY_ADDRESS, or of the Slurm job this is in, and starts one here
            where there is none; "local" always does.
        workers: trials at once; 0 runs them in this process; None takes what the machine or the cluster has.
        wait_seconds: so long may a cluster at an address have no room for a trial; None: ten minutes where nodes may
            come by themselves.
        allow_mixed: let nodes with another version of torch work, too.
        lock_seconds: so long may another driver still work in the home.
        need_progress: a run that is stopped before any epoch has ended is refused: another one of its length would get
            no further.
        storage: URL of the persistent Optuna storage; None takes the database in the home.
        verbose: let Ray, Optuna and MLflow speak.
        screen: shows how it goes; None shows nothing.

    Raises:
        SweepFileError: a file asks for something that cannot be; nothing has been started or made.
        HomeError: the home cannot be written, or another driver works in it.
        TeacherFileError: a teacher's checkpoint cannot be used; nothing has been started or made.
        TeacherWeightsError: students wait for a teacher whose weights are not here, and the tracking store, which may
            have them, does not answer; nothing has been started.
        TrackingError, StorageError: the tracking store or the Optuna storage of a new sweep does not answer; nothing
            has been started or made.
        LedgerError: the ledger is damaged; nothing has been started.
        RanksError: trials are of several ranks, and `workers` is 0; nothing has been started or made.
        ClusterError: the Ray cluster does not answer, or no node of it can work for this home, or has room for a trial.
            Where a sweep is new, none is recorded.
    """
    home, screen = Path(home), screen or Nothing()
    if verbose:
        let_speak()
    address = None if workers == 0 else _cluster(address, screen)
    read_files = [read(str(file), overrides) for file in files]
    check_writable(home)
    uri = tracking_uri(home)
    on_the_way = wait_seconds if all(file.model.resources.gpus for file in read_files) else 0.0
    cards = Cards(address, home, on_the_way, screen.say)
    sweeps, new = _expanded(read_files, home, cards.capability)
    if workers == 0:
        check_alone(sweeps)
    _look_at_pictures(sweeps, home, screen)
    for line in dict.fromkeys(line for sweep in sweeps for line in notes(sweep)):
        screen.say(f"note: {line}")
    if address is not None and new:
        check_address(address)
    answers = known_store(home, uri) or answers_or_waits(lambda: check_answers(uri), screen.say, needed=bool(new))
    if storage is not None or (home / "optuna.db").exists():
        answers_or_waits(lambda: check_storage(storage_url(home, storage), uri), screen.say, needed=bool(new))
    with (
        driver_lock(home, [sweep.name for sweep in sweeps], wait_seconds=lock_seconds, say=screen.say) as lock,
        contextlib.closing(Ledger(home / "ledger.db", check=True)) as ledger,
    ):
        workforce = Workforce(
            address=address, workers=workers, wait_seconds=wait_seconds, mixed=allow_mixed, verbose=verbose
        )
        whole = _Run(sweeps, ledger, home, uri, storage, screen, lock, cards)
        return whole.go(workforce, answers=answers, new=bool(new), need_progress=need_progress)


def _cluster(given: str | None, screen: Screen) -> str | None:
    """Return the address of the Ray cluster to work on; None for one of our own. Inside a cluster no second one is
    started unasked."""
    given = given or os.environ.get("RAY_ADDRESS")
    if not given and (found := address_in_job()) is not None:
        screen.say(f"the Ray cluster of this Slurm job, at {found}, is used; --address local starts another one")
        return found
    return cluster_address(given)


def _expanded(
    files: Sequence[SweepFile], home: Path, capability: Callable[[], tuple[int, int] | None]
) -> tuple[list[Sweep], list[str]]:
    """Return the sweeps of the files, and the names of those that this home has never accepted."""
    if not (home / "ledger.db").exists():
        sweeps = expand_all(files, None, capability)
        return sweeps, [sweep.name for sweep in sweeps]
    with contextlib.closing(Ledger(home / "ledger.db")) as known:
        sweeps = expand_all(files, known, capability)
        return sweeps, [sweep.name for sweep in sweeps if known.sweep(sweep.name) is None]


def _look_at_pictures(sweeps: Sequence[Sweep], home: Path, screen: Screen) -> None:
    """Look at pictures that no sweep was accepted with here, or that were changed since, which is said.

    Raises:
        PicturesError: some are broken.
    """
    known: set[str] = set()
    if (home / "ledger.db").exists():
        with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
            known = set(ledger.all_remembered(PICTURES))
            for digest, line in changed_pictures(sweeps, ledger):
                known.discard(digest)
                screen.say(f"note: {line}")
    check_pictures(sweeps, known=known.__contains__, say=screen.say)


class _Run:
    """A run that holds the home."""

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
        self._sweeps = [under_known_weights(sweep, ledger) for sweep in sweeps]
        self._ledger = ledger
        self._home = home
        self._uri = uri
        self._storage = storage
        self._screen = screen
        self._lock = lock
        self._store = Store(home)
        self._weights: TeacherWeights | None = None
        self._ended = 0
        self._epochs = 0
        """That workers have reported, those that had been trained before and were lost among them."""
        self._share = functools.cache(lambda: cards.share(self._sweeps, ledger, self._is_stopped))
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
        names = tuple(sweep.name for sweep in self._sweeps)
        folders: list[Path] = []
        self._stop = stop
        with stop:
            if new and workforce.address is not None:
                look_at_cluster(self._orders(), self._home, stop, workforce, self._say_ahead)
            driven, problems, untold = self._train(stop, workforce, answers=answers)
            if not stop.number:
                folders, unreported = write_reports(names, self._home, self._uri, self._ledger, self._screen.say)
                problems += unreported
        warnings = [line for sweep in self._sweeps for line in collapse_warnings(sweep.name, self._ledger)]
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
            self._ended,
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
        planner = self._take_up(answers=answers)
        with Watch(self._screen, self._ledger.path, self._sweeps) as watch:
            stop.asks(planner.stop)
            delay = 0.0 if planner.idle else TELLING_DELAY_SECONDS
            tellers = start_tellers(self._home, self._uri, self._storage, delay, self._sweeps)
            try:
                self._drive(planner, stop, workforce, watch)
                while self._are_others() and not stop.number:
                    planner = self._take_up(answers=answers)
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

    def _are_others(self) -> bool:
        """Return whether weights of teachers turned out to be others than before; students then get other keys."""
        assert self._weights is not None
        for line in self._weights.told_changed():
            self._screen.say(line)
        if self._weights.changed:
            self._sweeps[:] = [under_known_weights(sweep, self._ledger) for sweep in self._sweeps]  # the watch's too
        return bool(self._weights.changed)

    def _take_up(self, *, answers: bool) -> Planner:
        """Record what is asked for, take over what the tracking store has of it, and plan the rest."""
        ledger, sweeps = self._ledger, self._sweeps
        ledger.begin_run()
        import_checkpoints(sweeps, self._store)
        retarget(ledger, self._home, self._uri, self._storage)
        ledger.interrupt_running()
        ledger.interrupt_sweeps()
        for sweep in sweeps:
            for line in told_at_acceptance(sweep, ledger):
                self._screen.say(line)
            accept(sweep, ledger)
            remember_pictures(sweep, ledger)
            note_code(ledger, sweep.own)
        adoption = self._adoption() if answers else None
        if adoption is not None:
            adopt(sweeps, adoption, ledger)
        target = MlflowTarget(self._uri, self._home, ledger)
        self._weights = weights = TeacherWeights(ledger, self._store, target, self._uri, answers=adoption is not None)
        planner = Planner(
            sweeps,
            ledger,
            chance=_chances(sweeps),
            has_weights=weights.found,
            is_renewed=weights.are_others,
            adopt=adoption.take if adoption is not None else lambda key: False,
            on_end=self._on_end,
            on_trouble=self._on_trouble,
            on_search_failed=self._on_search_failed,
        )
        try:
            weights.check()
        except TeacherWeightsError:
            ledger.interrupt_sweeps()
            raise
        if self._are_others():
            return self._take_up(answers=answers)
        taken = adoption.taken if adoption is not None else frozenset()
        for sweep in sweeps:
            for line in what_there_is(sweep, ledger, taken, frozenset(weights.gone)):
                self._screen.say(line)
        for line in weights.told():
            self._screen.say(line)
        return planner

    def _adoption(self) -> Adoption | None:
        """Return what the tracking store knows; None where it has gone away since it was asked."""
        try:
            return Adoption(self._ledger, self._uri)
        except TrackingError as error:
            self._screen.say(f"{error}; results are told later")
            return None

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
        together = max(sweep.resources.together for sweep in self._sweeps)
        if together == 1:
            return counted(slots, "trial")
        return f"{counted(slots, 'worker')}, up to {together} trials{' each' if slots > 1 else ''}"

    def _is_stopped(self) -> bool:
        return self._stop is not None and self._stop.number != 0

    def _orders(self) -> Orders:
        return Orders(self._sweeps, self._home, self._share)

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
            return [*refusals, *conclude(self._sweeps, self._ledger, stopped=stopped)]
        except LedgerWriteError as error:
            return [] if stopped else [str(error)]  # the next run finds them RUNNING and knows what that means

    # --- what is told of trials ---------------------------------------------------------------------------------

    def _on_end(self, row: TrialRow) -> None:
        self._ended += 1
        if row.state in FINAL:
            remove(self._store.checkpoints(row.key))
        reported = row.origin["phase"] != "search"
        trouble = row.state == "FAIL" or (reported and (row.state == "DIVERGED" or bool(row.collapsed)))
        self._screen.ended(ending_line(row), trouble=trouble)

    def _on_trouble(self, row: TrialRow, text: str) -> None:
        self._screen.ended(f"{'NOTE':<11} {row.title}  {last_line(text)}", trouble=True)

    def _on_search_failed(self, sweep: Sweep, search: Search) -> None:
        standing = search_standing(sweep.name, search, self._ledger, tries_again=False)
        self._screen.ended(f"{'FAIL':<11} {search.cell}  {search.row}  {standing.failure}", trouble=True)


STOPPING = "stopping: running epochs are ended and kept; once more to stop at once"


def _chances(sweeps: Sequence[Sweep]) -> Callable[[str], float]:
    """Return the accuracy of guessing in percent, by data set."""
    return {plan.name: 100.0 / plan.info.classes for sweep in sweeps for plan in sweep.datasets}.__getitem__
