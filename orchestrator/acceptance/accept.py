"""Accepting sweeps: reading and checking all files before anything is made, then recording what they ask for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED, FINAL_SCORES
from orchestrator.mlflow_store import TakenRun, TrackingError, known_runs, taken_runs
from orchestrator.mlflow_store.verifying import EPOCHS_TOLD
from orchestrator.optuna_studies.live import distributions_json
from orchestrator.planning.jobs import member_row, trial_row
from search_spaces import Member, Problem, Search, Sweep, SweepFile, SweepFileError, TeacherPlan, expand
from search_spaces.checks.facts import cuda_capability
from trainers.errors import RequestError
from trainers.files.store import Store
from trainers.training.teaching.scoring import CLAIMED, REORDERED
from trainers.trials.trial import Trial


def expand_all(
    files: Sequence[SweepFile],
    ledger: Ledger | None,
    capability: Callable[[], tuple[int, int] | None] = cuda_capability,
) -> list[Sweep]:
    """Expand the files into sweeps; `auto` keeps the value that it got when a sweep of that name was first accepted.

    Args:
        capability: of the CUDA devices that will train, asked only where `auto` depends on it.

    Raises:
        SweepFileError: of the first file that cannot be expanded; nothing has been recorded.
    """
    sweeps: list[Sweep] = []
    for file in files:
        if any(sweep.name == file.name for sweep in sweeps):
            problem = Problem(None, "name", f"must be of one file in a run, got '{file.name}' twice")
            raise SweepFileError(file.path, [problem])
        row = ledger.sweep(file.name) if ledger is not None else None
        autos = row.resolved.get("autos", {}) if row is not None else {}
        sweeps.append(expand(file, autos=autos, capability=capability))
    return sweeps


def accept(sweep: Sweep, ledger: Ledger) -> None:
    """Record the sweep, its teachers and its fixed trials in one commit."""
    members = known_members(sweep, ledger)
    trials, rows = [trial_row(sweep.name, member) for member in members], [member_row(member) for member in members]
    studies = [(search.study_id, study_name(sweep, search), _study_content(search)) for search in sweep.searches]
    with ledger.transaction():  # nothing is worked out in here: others wait for it
        ledger.accept_sweep(sweep.name, sweep.source, dict(sweep.resolved))
        ledger.add_trials(trials)
        ledger.add_members(sweep.name, rows)
        ledger.tell_current(sweep.name, before_searches=True)
        for study in studies:
            ledger.add_study(*study)


def known_members(sweep: Sweep, ledger: Ledger) -> list[Member]:
    """Return the trials that a sweep asks for before anything is searched: teachers, then fixed rows.

    A given teacher is scored before students that the ledger has never heard of; what was accepted before without its
    score goes on without.
    """
    states = ledger.states()
    studies = {row["id"] for row in ledger.rows("SELECT id FROM study")}
    teachers = []
    for plan in sweep.teachers:
        scored, trained = plan.scored(), plan.member()
        if trained is not None:
            teachers.append(trained)
        if scored is not None and (scored.key in states or _has_new_students(plan, sweep, states, studies)):
            teachers.append(scored)
    return [*teachers, *sweep.fixed]


def _has_new_students(plan: TeacherPlan, sweep: Sweep, states: Mapping[str, str], studies: Collection[str]) -> bool:
    """Return whether a student of a teacher is asked for that was never asked for before."""
    if any(member.key not in states for member in sweep.fixed if _learns_from(plan, member.trial)):
        return True
    blueprints = [search.blueprint for search in sweep.searches if search.study_id not in studies]
    return any(
        one.teacher is not None and one.teacher.id == plan.id and one.info.name == plan.dataset for one in blueprints
    )


def _learns_from(plan: TeacherPlan, trial: Trial) -> bool:
    return trial.teacher is not None and trial.teacher.id == plan.id and trial.dataset == plan.dataset


def study_name(sweep: Sweep, search: Search) -> str:
    """Return the name of a search's study in the persistent storage."""
    return f"{sweep.name} | {search.cell} | {search.row} | {search.study_id[:8]}"


def _study_content(search: Search) -> dict[str, object]:
    return {
        "distributions": distributions_json(search.dimensions),
        "attributes": {"cell": search.cell, "row": search.row, "sampler": search.sampler, "pruner": search.pruner},
    }


class Adoption:
    """Results that the tracking store has and this ledger does not: looked up once, taken over when asked for."""

    def __init__(self, ledger: Ledger, uri: str) -> None:
        self._ledger = ledger
        self._uri = uri
        self.taken: frozenset[str] = frozenset()
        """Keys of the trials that have been taken over."""
        states = ledger.states()
        self._found = {
            key: run
            for key, run in known_runs(uri, ENDED - {"PRUNED"}).items()
            if states.get(key, "WAITING") == "WAITING"
        }

    def take(self, key: str) -> bool:
        """Record the trial's result in the ledger, if the store has one; return whether it has."""
        try:
            return self.take_all([key]) == 1
        except TrackingError:
            return False  # it has gone away since; the trial is trained

    def take_all(self, keys: Collection[str]) -> int:
        """Record the results that the store has of these trials, in one commit; return how many there are.

        Raises:
            TrackingError: the store does not answer.
        """
        found = [self._found.pop(key) for key in dict.fromkeys(keys) if key in self._found]
        runs = taken_runs(self._uri, found, END_METRICS)
        with self._ledger.transaction():
            for run in runs:
                self._record(run)
        self.taken |= {run.run.trial_key for run in runs}
        return len(runs)

    def _record(self, taken: TakenRun) -> None:
        run = taken.run
        self._ledger.adopt_trial(
            run.trial_key,
            run.state,
            taken.metrics,
            epochs=taken.epochs,
            attempts=taken.attempts,
            started_at=taken.started_at,
            ended_at=taken.ended_at,
            reason=taken.tags.get("reason", ""),
            collapsed=taken.tags.get("collapsed", ""),
            provenance={name: taken.tags[name] for name in PROVENANCE if name in taken.tags},
        )
        self._ledger.remember("mlflow", f"trial:{run.trial_key}", f"{run.run_id} {run.experiment_id}")
        last = max((number for number, _, _ in taken.epochs), default=0)
        self._ledger.remember(EPOCHS_TOLD, run.trial_key, str(last))  # to this store nothing of it is to be told


def adopt(sweeps: Sequence[Sweep], adoption: Adoption, ledger: Ledger) -> int:
    """Take over what the tracking store has of the trials that are known before anything is searched; return how
    many."""
    return adoption.take_all([member.key for sweep in sweeps for member in known_members(sweep, ledger)])


PROVENANCE = ("host", "device", "threads", "bank", "deterministic", "torch", "cuda", "python", "data_root")
"""Tags that say where and with what a trial ran."""


END_METRICS = (
    *FINAL_SCORES,
    "best_top1",
    "best_miou",
    CLAIMED,
    REORDERED,
    "final_top5",
    "train_seconds",
    "teacher_images",
    "extra_parameters",
    "peak_memory_bytes",
    "held_memory_bytes",
)


class TeacherFileError(RequestError):
    """A teacher's checkpoint has changed since its sweep file was read."""


def import_checkpoints(sweeps: Sequence[Sweep], store: Store) -> None:
    """Bring the weights of teachers that come from files, and those that networks start from, into the store, under
    the digest of the file.

    Raises:
        TeacherFileError: a file is not what it was a moment ago; or the store has weights of another network from it.
    """
    from trainers.files.tensor_files import load_tensors, save_tensors

    for sweep in sweeps:
        for plan in sweep.teachers:
            if plan.checkpoint is not None:
                _import(sweep, plan, store)
        for initial in sweep.initials:
            if not store.weights(initial.digest).exists():
                from trainers.models.start import start_path

                source = start_path(initial.timm_name, initial.size)
                save_tensors(store.weights(initial.digest), load_tensors(source)[0], {"source": source.name})


def _import(sweep: Sweep, plan: TeacherPlan, store: Store) -> None:
    from trainers.teachers.weight_files import check_weights, import_weights

    (info,) = (dataset.info for dataset in sweep.datasets if dataset.name == plan.dataset)
    network: dict[str, Any] = {"classes": info.classes, "channels": info.channels, "arguments": plan.model_args}
    kept = store.weights(plan.id)
    try:
        if kept.exists():
            check_weights(kept, plan.timm_name, **network)
        else:
            import_weights(Path(str(plan.checkpoint)), kept, plan.timm_name, **network)
    except (OSError, ValueError) as error:
        raise TeacherFileError(f"{sweep.name}: teachers.{plan.model}.checkpoint: {error}") from error
