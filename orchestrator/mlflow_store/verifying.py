"""What this home remembers of a tracking store, held against what the store has: others work in it too.

A run, a parent or an experiment may have been deleted there, or the whole store replaced. That is not the same as a
store that is away: an id that is remembered and gone would be told for ever, in vain. What lies in the store's waste is
taken out of it; what is gone for good is forgotten, so that it is made again from the ledger.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED
from orchestrator.mlflow_store.listing import StoredRun, stored_runs
from orchestrator.mlflow_store.moved import bring_home
from orchestrator.mlflow_store.runs import home_name, remove_double
from orchestrator.outbox.databases import is_database
from trainers.files.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

TARGET, EPOCHS_TOLD, WEIGHTS_TOLD = "mlflow", "mlflow-epochs", "weights"
PARENTS_FILES = frozenset({"sweep.yaml", "resolved.yaml", "members.csv"})
UNFINISHED = frozenset({"", "WAITING", "RUNNING", "INTERRUPTED"})
"""States of a run that says less than the ledger where that has a result."""


class Verification:
    """Holds what is remembered against the store, once.

    Args:
        uri: of the store.
        client: gives MLflow's client, which takes seconds to import.
        sweeps: those whose runs are looked at; None: all.

    Attributes:
        notes: what people are to know of it, in sentences.
    """

    def __init__(
        self,
        uri: str,
        home: Path,
        ledger: Ledger,
        client: "Callable[[], MlflowClient]",
        sweeps: Collection[str] | None = None,
    ) -> None:
        self._uri = uri
        self._home = home
        self._ledger = ledger
        self._client = client
        self._sweeps = sweeps
        self.notes: list[str] = []

    def verify(self) -> None:
        """Mend what is remembered, and put what is to be told again into the outbox.

        Raises:
            Exception: whatever MLflow or the way to it raises; nothing has been forgotten then.
        """
        known = self._known()
        if not known:
            return
        experiments = {experiment for _, experiment in known.values()}
        own = {experiment for ref, (_, experiment) in known.items() if ref.startswith("sweep:")}
        if is_database(self._uri) and bring_home(self._uri, self._home, own):
            self.notes.append(f"the home has moved: MLflow finds its artifacts in {self._home} now")
        runs = self._runs(experiments)
        if not any(run_id in runs for run_id, _ in known.values()):
            self.notes.append("the tracking store has none of the runs that it was told; it is told everything again")
            self._ledger.tell_anew(TARGET)
            return
        wanted = self._wanted(known)
        deleted = [run for run in _of(wanted, runs) if run.deleted]
        if deleted:
            self._restore(deleted)
            runs = self._runs(experiments)
        self._remove_doubles(wanted, runs)
        self._forget_gone(wanted, runs)
        self._look_at_artifacts()
        self._look_at_states()

    def _known(self) -> dict[str, tuple[str, str]]:
        """Return run and experiment by ref."""
        remembered = self._ledger.all_remembered(TARGET)
        return {ref: (value.split(" ", 1)[0], value.split(" ", 1)[-1]) for ref, value in remembered.items()}

    def _runs(self, experiments: Collection[str]) -> dict[str, StoredRun]:
        return {run.run_id: run for run in stored_runs(self._uri, experiments)}

    def _wanted(self, known: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """Return the runs that are looked at, by ref."""
        if self._sweeps is None:
            return {ref: run_id for ref, (run_id, _) in known.items()}
        refs = {f"sweep:{name}" for name in self._sweeps}
        refs |= {f"trial:{member.key}" for name in self._sweeps for member in self._ledger.members(name)}
        return {ref: run_id for ref, (run_id, _) in known.items() if ref in refs}

    def _restore(self, deleted: Iterable[StoredRun]) -> None:
        """Take runs out of the store's waste, with their experiments."""
        from mlflow.exceptions import MlflowException

        client = self._client()
        runs = list(deleted)
        for number, name in sorted({(run.experiment_id, run.experiment) for run in runs}):
            if client.get_experiment(number).lifecycle_stage == "active":
                continue
            try:
                client.restore_experiment(number)
            except MlflowException:  # it is tried again where a run is to be made in it, and said there
                continue
            self.notes.append(f"the MLflow experiment '{name}' had been deleted, and is restored")
        restored = 0
        for run in runs:
            if client.get_run(run.run_id).info.lifecycle_stage == "active":
                continue
            try:
                client.restore_run(run.run_id)
            except MlflowException:  # gone meanwhile, say: it is made again
                continue
            restored += 1
        if restored:
            self.notes.append(f"{_runs_text(restored)} had been deleted in MLflow, and {_are(restored)} restored")
        with self._ledger.transaction():
            for ref in self._refs_of(runs):
                self._ledger.to_tell(TARGET, ref)

    def _remove_doubles(self, wanted: Mapping[str, str], runs: Mapping[str, StoredRun]) -> None:
        """Remove runs that this home has made besides those that it tells, by requests whose answers were lost."""
        ours = home_name(self._ledger)
        told = {(run.experiment_id, run.trial_key): run.run_id for run in _of(wanted, runs) if not run.deleted}
        for run in runs.values():
            kept = told.get((run.experiment_id, run.trial_key))
            if kept is not None and run.run_id != kept and run.home == ours and not run.deleted:
                remove_double(self._client(), run.run_id)

    def _refs_of(self, runs: Iterable[StoredRun]) -> list[str]:
        ids = {run.run_id for run in runs}
        return [ref for ref, (run_id, _) in self._known().items() if run_id in ids]

    def _forget_gone(self, wanted: Mapping[str, str], runs: Mapping[str, StoredRun]) -> None:
        """Forget what the store has no more, or has only in part, and have it told again."""
        states = self._ledger.states()
        waiting = {ref for _, ref in self._ledger.untold(TARGET, -1)}
        gone: list[str] = []
        partly: list[str] = []
        for ref, run_id in wanted.items():
            kind, _, name = ref.partition(":")
            run = runs.get(run_id)
            if run is None or run.deleted or not _is_what(kind, name, run):
                gone.append(ref)
            elif kind == "trial" and ref not in waiting and states.get(name) in ENDED and run.state in UNFINISHED:
                partly.append(ref)
        if not gone and not partly:
            return
        with self._ledger.transaction():
            for ref in gone:
                self._ledger.forget(TARGET, ref)
            for ref in (*gone, *partly):
                tell_whole(self._ledger, ref)
            for name in self._sweeps if self._sweeps is not None else self._ledger.sweep_names():
                self._ledger.to_tell(TARGET, f"sweep:{name}")
        if gone:
            self.notes.append(f"{_runs_text(len(gone))} {_are(len(gone))} gone from MLflow, and made again")
        self._note_what_is_lost([ref for ref in gone if ref.startswith("trial:")])

    def _note_what_is_lost(self, gone: Iterable[str]) -> None:
        without_curves, without_weights = 0, 0
        for ref in gone:
            row = self._ledger.trial(ref.partition(":")[2])
            if row is None or row.state not in ENDED:
                continue
            without_curves += not self._ledger.epochs(row.key)
            teacher = row.spec["role"] == "teacher" and row.state == "COMPLETE"
            without_weights += teacher and not Store(self._home).weights(row.key).exists()
        if without_curves:
            self.notes.append(
                f"the curves of {_runs_text(without_curves)} were in MLflow alone and cannot be told again; their "
                "numbers at the end can"
            )
        if without_weights:
            self.notes.append(
                f"the weights of {without_weights} trained teachers were in MLflow alone; a teacher that a student "
                "still needs is trained again"
            )

    def _look_at_artifacts(self) -> None:
        """Have artifacts told again that are gone from runs that are there."""
        waiting = {ref for _, ref in self._ledger.untold(TARGET, -1)}
        known = self._known()
        for name in self._sweeps if self._sweeps is not None else self._ledger.sweep_names():
            ref = f"sweep:{name}"
            if ref in known and ref not in waiting and not self._files(known[ref][0], "") >= PARENTS_FILES:
                self._ledger.to_tell(TARGET, ref)
        for key in self._ledger.all_remembered(WEIGHTS_TOLD):
            ref = f"trial:{key}"
            there = Store(self._home).weights(key).exists()
            if there and ref in self._wanted(known) and not self._files(known[ref][0], "weights"):
                self._ledger.forget(WEIGHTS_TOLD, key)
                self._ledger.to_tell(TARGET, ref)

    def _look_at_states(self) -> None:
        """Have runs told again that are of an earlier state of a sweep's file, or are not so any more."""
        for name in self._sweeps if self._sweeps is not None else self._ledger.sweep_names():
            sweep = self._ledger.sweep(name)
            if sweep is not None:
                self._ledger.tell_current(name, before_searches=sweep.state == "RUNNING")

    def _files(self, run_id: str, folder: str) -> frozenset[str]:
        found = self._client().list_artifacts(run_id, folder or None)
        return frozenset(artifact.path for artifact in found)


def tell_whole(ledger: Ledger, ref: str) -> None:
    """Have a run told again with all that it holds."""
    kind, _, name = ref.partition(":")
    with ledger.transaction():
        ledger.to_tell(TARGET, ref)
        if kind == "trial":
            ledger.forget(EPOCHS_TOLD, name)
            ledger.forget(WEIGHTS_TOLD, name)
        else:  # its children name it as their parent
            for key in ledger.keys_of_origin(name):
                ledger.to_tell(TARGET, f"trial:{key}")


def _of(wanted: Mapping[str, str], runs: Mapping[str, StoredRun]) -> list[StoredRun]:
    return [runs[run_id] for run_id in dict.fromkeys(wanted.values()) if run_id in runs]


def _is_what(kind: str, name: str, run: StoredRun) -> bool:
    """Return whether a run is that of the trial, or in the experiment that reports look for the sweep in."""
    return run.trial_key == name if kind == "trial" else run.experiment == name


def _runs_text(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
