"""`run`: from sweep files to ended trials, told results and a written report."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.acceptance.accept import expand_all
from orchestrator.acceptance.changed_data import PICTURES, changed_pictures
from orchestrator.acceptance.picture_checks import check_pictures
from orchestrator.commands.course.course import Course, RunResult
from orchestrator.display import Nothing, Screen
from orchestrator.home.chatter import let_speak
from orchestrator.home.home import check_writable, driver_lock
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import check_answers, tracking_uri
from orchestrator.optuna_studies.mirror import check_storage, storage_url
from orchestrator.ray_tune.address import check_address, cluster_address
from orchestrator.ray_tune.processes import address_in_job
from orchestrator.sweep_run.cards import Cards
from orchestrator.sweep_run.drive import (
    Workforce,
    check_alone,
)
from orchestrator.sweep_run.stores import answers_or_waits, known_store
from search_spaces import Sweep, SweepFile, notes, read


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
        course = Course(sweeps, ledger, home, uri, storage, screen, lock, cards)
        return course.go(workforce, answers=answers, new=bool(new), need_progress=need_progress)


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
