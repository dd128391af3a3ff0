"""`run`: from sweep files to ended trials, told results and a written report."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.acceptance import (
    Adoption,
    accept,
    adopt,
    check_checkpoints,
    expand_all,
    import_checkpoints,
    teachers_without_weights,
)
from orchestrator.attempts import Attempt
from orchestrator.home import check_writable, driver_lock
from orchestrator.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, TrackingError, check_answers, tracking_uri
from orchestrator.optuna_studies.mirror import OptunaTarget, storage_url
from orchestrator.planner import Planner
from orchestrator.records import MemberRow, TrialRow
from orchestrator.stopping import StopSignals
from orchestrator.telling import Teller
from orchestrator.worker import Order, make_order
from search_spaces import Sweep, read
from trainers.files import remove
from trainers.store import Store
from trainers.trial import digest

FINAL = frozenset({"COMPLETE", "DIVERGED"})
"""Nothing goes on from here: checkpoints are removed."""
DRAIN_SECONDS = 60.0
TELLING_DELAY_SECONDS = 15.0
"""Workers start first: a new MLflow database takes seconds of a core to make, and nobody reads it yet."""
EXIT_COMPLETE, EXIT_FAILED = 0, 1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    sweeps: tuple[str, ...]
    exit_code: int
    """0: all ended; 1: a FAIL, a DIVERGED among reported trials, or results untold; 130 or 143: stopped."""
    trained: int
    """Attempts that ended in this run, INTERRUPTED ones among them."""
    problems: tuple[str, ...] = ()
    reports: tuple[Path, ...] = field(default=())


def run(
    files: Sequence[str | Path],
    *,
    home: Path,
    overrides: Sequence[str] = (),
    address: str | None = None,
    workers: int | None = None,
    storage: str | None = None,
    say: Say = lambda line: None,
) -> RunResult:
    """Run sweep files until every trial they ask for has ended; what has ended before is not trained again.

    Args:
        home: the folder that holds everything.
        overrides: `key=value` for values of the files.
        address: of a Ray cluster; None starts a local one.
        workers: trials at once; 0 runs them in this process; None takes what the machine or the cluster has.
        storage: URL of the persistent Optuna storage; None takes the database in the home.
        say: gets a line for people now and then.

    Raises:
        SweepFileError: a file asks for something that cannot be; nothing has been started or made.
        HomeError: the home cannot be written, or another driver works in it.
        TeacherFileError: a teacher's checkpoint cannot be used; nothing has been started or made.
        TrackingError: the tracking store of a new sweep does not answer; nothing has been started or made.
        ClusterError: the Ray cluster does not answer or has no room for a trial; the sweep is recorded by then.
    """
    read_files = [read(Path(file), overrides) for file in files]
    check_writable(home)
    uri = tracking_uri(home)
    known = _peek(home)
    sweeps = expand_all(read_files, known)
    new = [sweep.name for sweep in sweeps if known is None or known.sweep(sweep.name) is None]
    if known is not None:
        known.close()
    check_checkpoints(sweeps)
    try:
        check_answers(uri)
        answers = True
    except TrackingError as error:
        if new:
            raise
        answers = False
        say(f"{error}; training goes on, results are told later")
    with (
        driver_lock(home, [sweep.name for sweep in sweeps]),
        contextlib.closing(Ledger(home / "ledger.db", check=True)) as ledger,
    ):
        return _run(
            sweeps, ledger, home, uri, answers=answers, address=address, workers=workers, storage=storage, say=say
        )


def _peek(home: Path) -> Ledger | None:
    return _ledger(home) if (home / "ledger.db").exists() else None


def _ledger(home: Path) -> Ledger:
    return Ledger(home / "ledger.db")


def _run(
    sweeps: Sequence[Sweep],
    ledger: Ledger,
    home: Path,
    uri: str,
    *,
    answers: bool,
    address: str | None,
    workers: int | None,
    storage: str | None,
    say: Say,
) -> RunResult:
    store = Store(home)
    ended: list[TrialRow] = []

    def on_end(row: TrialRow) -> None:
        ended.append(row)
        if row.state in FINAL:
            remove(store.checkpoints(row.key))
        say(_line(row))

    with StopSignals(lambda: say("stopping: running epochs are ended and kept; once more to stop at once")) as stop:
        adoption = _take_up(sweeps, ledger, store, uri, storage, answers=answers, say=say)
        lacking = teachers_without_weights(sweeps, ledger, store, MlflowTarget(uri, home, ledger))
        planner = Planner(
            sweeps,
            ledger,
            chance=_chance,
            lacking=lacking,
            adopt=adoption.take if adoption is not None else lambda key: False,
            on_end=on_end,
        )
        stop.asks(planner.stop)
        tellers = _start_tellers(home, uri, storage, delay_seconds=0.0 if planner.idle else TELLING_DELAY_SECONDS)
        driven = False
        try:
            _drive(planner, sweeps, store, stop, address=address, workers=workers, say=say)
            driven = True
        finally:  # whatever happened, its record comes first
            planner.interrupt()
            problems = _conclude(sweeps, ledger, stopped=bool(stop.number) or not driven)
            problems += _drain(tellers)
    reports, unreported = _report(sweeps, home, uri, say)
    problems += unreported
    code = 128 + stop.number if stop.number else (EXIT_FAILED if problems else EXIT_COMPLETE)
    return RunResult(tuple(sweep.name for sweep in sweeps), code, len(ended), tuple(problems), tuple(reports))


def _take_up(
    sweeps: Sequence[Sweep], ledger: Ledger, store: Store, uri: str, storage: str | None, *, answers: bool, say: Say
) -> Adoption | None:
    """Record what is asked for, and take over what the tracking store has of it; None where that does not answer."""
    import_checkpoints(sweeps, store)
    ledger.retarget("mlflow", digest(uri))
    ledger.retarget("optuna", digest(storage_url(store.home, storage)))
    ledger.interrupt_running()
    ledger.interrupt_sweeps()
    for sweep in sweeps:
        accept(sweep, ledger)
    if not answers:
        return None
    adoption = Adoption(ledger, uri)
    adopted = adopt(sweeps, adoption)
    if adopted:
        say(f"{adopted} trials were found in the tracking store and are not trained again")
    return adoption


def _chance(dataset: str) -> float:
    """Return the accuracy of guessing in percent."""
    from trainers import data

    return 100.0 / data.describe(dataset).classes


def _line(row: TrialRow) -> str:
    """Return what is said of a trial that has ended."""
    origin = row.origin
    which = f"proposal {origin['proposal']}" if origin["phase"] == "search" else f"seed {row.spec['seed']}"
    score = next((row.metrics[name] for name in ("final_top1", "final_val_top1") if name in row.metrics), None)
    result = "" if score is None else f"  {score:.1f} %"
    seconds = f"  {row.metrics['train_seconds']:.1f} s" if "train_seconds" in row.metrics else ""
    reason = f"  {row.reason.strip().splitlines()[-1]}" if row.reason else ""
    return f"{row.state:<11} {origin['cell']}  {origin['row']}  {which}{result}{seconds}{reason}"


# --- driving --------------------------------------------------------------------------------------------------------


def _drive(
    planner: Planner,
    sweeps: Sequence[Sweep],
    store: Store,
    stop: StopSignals,
    *,
    address: str | None,
    workers: int | None,
    say: Say,
) -> None:
    if planner.idle:
        say("nothing to train: every trial has ended before")
        return
    orders = _Orders(sweeps, store.home)
    if workers == 0:
        from orchestrator import local_driver

        local_driver.drive(planner, orders)
        return
    from orchestrator.ray_tune import driver as ray_driver

    cpus, gpus = orders.request
    folder = store.home / "ray"
    with ray_driver.cluster(address, workers=workers or 0, cpus=cpus, gpus=gpus) as slots:
        stop.install()
        say(f"{slots} trials at a time")
        most = slots if address is not None else 2 * slots  # one running and one waiting for its worker
        ray_driver.drive(
            planner, orders, store=store, slots=slots, most_in_flight=most, cpus=cpus, gpus=gpus, folder=folder
        )


class _Orders:
    """Makes the order for an attempt from the resources of the sweep that asked for it first."""

    def __init__(self, sweeps: Sequence[Sweep], home: Path) -> None:
        self._sweeps = {sweep.name: sweep for sweep in sweeps}
        self._home = home

    @property
    def request(self) -> tuple[int, float]:
        """CPUs and GPUs that Ray sets aside for a trial: one request for all, so that workers can be reused."""
        every = [sweep.resources for sweep in self._sweeps.values()]
        return max(resources.cpus for resources in every), max(resources.gpus for resources in every)

    def __call__(self, attempt: Attempt) -> Order:
        sweep = self._sweeps[attempt.sweep]
        threads = sweep.resources.cpus if attempt.trial.role == "student" else sweep.resources.teacher_cpus
        root = next((plan.root for plan in sweep.datasets if plan.name == attempt.trial.dataset), None)
        device = "cuda" if sweep.resources.gpus > 0 else "cpu"
        return make_order(attempt, home=self._home, threads=threads, device=device, data_root=root)


# --- the end --------------------------------------------------------------------------------------------------------


def _conclude(sweeps: Sequence[Sweep], ledger: Ledger, *, stopped: bool) -> list[str]:
    """Record how each sweep stands; return its problems in words."""
    states = ledger.states()
    problems = []
    for sweep in sweeps:
        found = [] if stopped else _problems(sweep, ledger, states)
        problems += found
        ledger.end_sweep(sweep.name, "INTERRUPTED" if stopped else ("FAIL" if found else "COMPLETE"))
    return problems


def _problems(sweep: Sweep, ledger: Ledger, states: dict[str, str]) -> list[str]:
    members = {member.key: member for member in ledger.members(sweep.name)}
    failed = [member for key, member in members.items() if states[key] == "FAIL"]
    diverged = [member for key, member in members.items() if states[key] == "DIVERGED" and member.phase != "search"]
    waiting = [member for key, member in members.items() if states[key] in ("WAITING", "INTERRUPTED", "RUNNING")]
    groups = (
        (failed, "failed", "; the next run tries again"),
        (diverged, "diverged", ""),
        (waiting, "could not start", ""),
    )
    return [f"{sweep.name}: {_trials(group)} {what}{then}" for group, what, then in groups if group]


def _trials(members: Sequence[MemberRow]) -> str:
    rows = ", ".join(sorted({member.row for member in members}))
    return f"{len(members)} {'trial' if len(members) == 1 else 'trials'} ({rows})"


def _start_tellers(home: Path, uri: str, storage: str | None, delay_seconds: float) -> list[Teller]:
    path = home / "ledger.db"
    url = storage_url(home, storage)
    tellers = [
        Teller("mlflow", path, lambda ledger: MlflowTarget(uri, home, ledger)),
        Teller("optuna", path, lambda ledger: OptunaTarget(url, ledger)),
    ]
    for teller in tellers:
        teller.start(delay_seconds)
    return tellers


def _drain(tellers: Sequence[Teller]) -> list[str]:
    """Let the tellers finish; return what could not be told, in words."""
    problems = []
    for teller in tellers:
        if not teller.drain(DRAIN_SECONDS):
            problems.append(
                f"{teller.name}: results are still to be told ({teller.problem}); the same command tells them"
            )
    return problems


def _report(sweeps: Sequence[Sweep], home: Path, uri: str, say: Say) -> tuple[list[Path], list[str]]:
    """Write every sweep's report, print its table, and put the table into the sweep's parent run.

    Returns the folders, and in words what could not be reported.
    """
    import reports

    written, problems = [], []
    for sweep in sweeps:
        folder = home / "reports" / sweep.name
        try:
            results = reports.load(sweep.name, home=home, tracking_uri=uri)
            reports.write(results, folder)
        except (reports.ReportError, OSError) as error:
            problems.append(f"{sweep.name}: no report: {error}")
            continue
        say(reports.console_table(results))
        written.append(folder)
        problems += _note(sweep.name, home, uri, reports.note(results))
    return written, problems


def _note(sweep: str, home: Path, uri: str, text: str) -> list[str]:
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        try:
            MlflowTarget(uri, home, ledger).note(sweep, text)
        except Exception as error:  # noqa: BLE001 (MLflow raises what it likes; the table is written by now)
            return [f"{sweep}: the table is not in the sweep's run: {error}"]
    return []
