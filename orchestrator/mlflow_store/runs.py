"""Experiments and runs of sweeps and trials: found or made, each once, and remembered in the ledger."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.mlflow_store import content
from orchestrator.mlflow_store.context import context_tags
from orchestrator.mlflow_store.doubts import Doubts
from orchestrator.mlflow_store.listing import stored_runs
from orchestrator.mlflow_store.location import TrackingError, artifact_folder
from orchestrator.outbox.telling import RefusedError
from trainers.texts.addresses import sqlite_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

TARGET = "mlflow"
TOKEN_TAG = "mlflow.kdsweep.token"  # noqa: S105 (no secret; MLflow's pages leave out tags that begin like this)
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",  # else MLflow's pages open on traces of language models
    "mlflow.experiment.primaryMetric.name": "final_top1",
    "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
}


Make = Callable[[str, dict[str, str]], str]
"""Makes a run in an experiment, with these tags besides its own; returns its id."""


class RunInDoubtError(TrackingError):
    """A run was asked for and the answer was lost: it is not asked for again while it may still come to be."""


class Runs:
    """The runs of one store.

    Args:
        home: where a database's new experiments keep their artifacts.
        uri: of the store.
    """

    def __init__(self, client: "MlflowClient", uri: str, home: Path, ledger: Ledger, doubts: Doubts) -> None:
        self._client = client
        self._uri = uri
        self._home = home
        self._ledger = ledger
        self._doubts = doubts
        self._experiments: dict[str, str] = {}
        self.notes: list[str] = []
        """What people are to know, in sentences."""
        self._before: set[tuple[str, str]] | None = None

    def of_sweep(self, name: str) -> str:
        """Return the id of the sweep's parent run; the newest where others have made some.

        Raises:
            RunInDoubtError: whether there is one is not known yet.
        """
        tags = {"kind": "sweep", "sweep": name}
        return self._one(
            f"sweep:{name}",
            name,
            condition="tags.kind = 'sweep'",
            order="attributes.start_time DESC",
            make=lambda experiment, token: self._create(experiment, name, None, tags | token),
        )

    def of_trial(self, row: TrialRow) -> str:
        """Return the id of the trial's run, found by its key; the oldest where others have made some.

        Raises:
            RunInDoubtError: whether there is one is not known yet.
        """
        sweep = str(row.origin["sweep"])
        started = None if row.started_at is None else round(row.started_at * 1000)
        tags = {**content.tags(row), "mlflow.parentRunId": self.of_sweep(sweep)}
        return self._one(
            f"trial:{row.key}",
            sweep,
            condition=f"tags.trial_key = '{row.key}'",
            order="attributes.start_time ASC",
            make=lambda experiment, token: self._create(experiment, content.run_name(row), started, tags | token),
        )

    def parent_of(self, row: TrialRow) -> dict[str, str]:
        """Return the tag that names the trial's parent run, where its own run is in the experiment of its sweep: the
        parent may be another one than when the run was made.

        Raises:
            RunInDoubtError: whether there is a parent is not known yet.
        """
        sweep = str(row.origin["sweep"])
        parent = self.of_sweep(sweep)
        places = (self._ledger.remembered(TARGET, ref) or "" for ref in (f"trial:{row.key}", f"sweep:{sweep}"))
        return {"mlflow.parentRunId": parent} if len({place.partition(" ")[2] for place in places}) == 1 else {}

    def is_gone(self, ref: str) -> bool:
        """Return whether the run that is remembered is not there any more, or in the store's waste."""
        from mlflow.exceptions import MlflowException

        remembered = self._ledger.remembered(TARGET, ref)
        if remembered is None:
            return False
        try:
            return bool(self._client.get_run(remembered.split(" ", 1)[0]).info.lifecycle_stage != "active")
        except MlflowException as error:
            return bool(error.error_code == "RESOURCE_DOES_NOT_EXIST")

    def _one(self, ref: str, sweep: str, *, condition: str, order: str, make: Make) -> str:
        remembered = self._ledger.remembered(TARGET, ref)
        known = None if remembered is None else remembered.split(" ", 1)[0]
        if known is not None and not self._doubts.tokens(ref):
            return known
        experiment = self._experiment(sweep)
        if self._is_new(ref, experiment):
            return self._made(ref, experiment, make)
        found = self._client.search_runs([experiment], condition, order_by=[order, "attributes.run_id ASC"])
        if found:
            known = known or str(found[0].info.run_id)
            self._ledger.remember(TARGET, ref, f"{known} {experiment}")
            self._remove_doubles(ref, known, found)
        if known is not None:
            return known
        if self._doubts.is_fresh(ref):
            raise RunInDoubtError(f"a run was asked for {ref}, without an answer; it is looked for before another is")
        return self._made(ref, experiment, make)

    def _is_new(self, ref: str, experiment: str) -> bool:
        """Return whether a trial has no run for certain, without asking MLflow, whose answer takes longer the more runs
        there are: in the home's own database nobody makes runs but us, and what was there before is read once."""
        kind, _, key = ref.partition(":")
        if (
            kind != "trial"
            or self._doubts.tokens(ref)
            or sqlite_file(self._uri) != (self._home / "mlflow.db").absolute()
        ):
            return False
        if self._before is None:
            runs = stored_runs(self._uri)
            self._before = {(run.experiment_id, run.trial_key) for run in runs if not run.deleted}
        return (experiment, key) not in self._before

    def _made(self, ref: str, experiment: str, make: Make) -> str:
        token = self._doubts.creating(ref)
        with self._doubts.writing(ref):
            run_id = make(experiment, {TOKEN_TAG: token})
        with self._ledger.transaction():
            self._ledger.remember(TARGET, ref, f"{run_id} {experiment}")
            self._doubts.created(ref, token)
        return run_id

    def _remove_doubles(self, ref: str, kept: str, found: "Sequence[Run]") -> None:
        """Remove runs that we asked for more than once, and no others: those of another home are its own."""
        asked_for = self._doubts.tokens(ref)
        if kept not in {run.info.run_id for run in found}:
            return  # somebody has deleted the one that we tell: nothing here is ours to judge
        for run in found:
            token = run.data.tags.get(TOKEN_TAG, "")
            if token in asked_for:
                if run.info.run_id != kept:
                    self._client.delete_run(run.info.run_id)
                self._doubts.created(ref, token)

    def _create(self, experiment: str, name: str, started: int | None, tags: Mapping[str, str]) -> str:
        everything = {**context_tags(), **tags}
        run = self._client.create_run(experiment, start_time=started, run_name=name, tags=everything)
        return str(run.info.run_id)

    def _experiment(self, sweep: str) -> str:
        if sweep not in self._experiments:
            found = self._client.get_experiment_by_name(sweep) or self._made_experiment(sweep)
            if found.lifecycle_stage != "active":
                self._restore(found)
            self._experiments[sweep] = found.experiment_id
        return self._experiments[sweep]

    def _restore(self, experiment: "Experiment") -> None:
        """Take an experiment out of the store's waste, where it keeps its name from all others.

        Raises:
            RefusedError: it cannot be restored.
        """
        from mlflow.exceptions import MlflowException

        name = experiment.name
        try:
            self._client.restore_experiment(experiment.experiment_id)
        except MlflowException as error:
            if self._client.get_experiment(experiment.experiment_id).lifecycle_stage != "active":
                text = f"the MLflow experiment '{name}' has been deleted, and cannot be restored: {error}"
                raise RefusedError(f"{text}; restore it there, or remove it for good with mlflow gc") from error
        self.notes.append(f"the MLflow experiment '{name}' had been deleted, and is restored")

    def _made_experiment(self, name: str) -> "Experiment":
        """Make the experiment; one that came to be meanwhile, by another driver or by a lost answer, will do."""
        try:
            self._client.create_experiment(
                name, artifact_location=artifact_folder(self._home, self._uri), tags=EXPERIMENT_TAGS
            )
        except Exception:
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return found
        return self._client.get_experiment_by_name(name)
