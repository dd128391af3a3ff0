"""Experiments and runs of sweeps and trials: found or made, each once, and remembered in the ledger."""

import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.mlflow_store import content
from orchestrator.mlflow_store.context import context_tags
from orchestrator.mlflow_store.listing import HOME_TAG, stored_runs
from orchestrator.mlflow_store.location import TrackingError, artifact_folder
from orchestrator.mlflow_store.lost_answers import LostAnswers
from orchestrator.outbox.telling import RefusedError
from trainers.texts.addresses import sqlite_file

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

TARGET = "mlflow"
HOME = "mlflow-home"
"""What the ledger remembers the home's own name under, which all runs that it makes carry."""
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",  # else MLflow's pages open on traces of language models
    "mlflow.experiment.primaryMetric.name": "final_top1",
    "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
}


Make = Callable[[str], str]
"""Makes a run in an experiment; returns its id."""


class RunInDoubtError(TrackingError):
    """A run was asked for and the answer was lost: it is not asked for again while it may still come to be."""


class Runs:
    """The runs of one store.

    Args:
        home: where a database's new experiments keep their artifacts.
        uri: of the store.
    """

    def __init__(self, client: "MlflowClient", uri: str, home: Path, ledger: Ledger, lost: LostAnswers) -> None:
        self._client = client
        self._uri = uri
        self._home = home
        self._ledger = ledger
        self._lost = lost
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
            make=lambda experiment: self._create(experiment, name, None, tags),
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
            make=lambda experiment: self._create(experiment, content.run_name(row), started, tags),
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

    def remove_doubles(self, ref: str) -> None:
        """Remove runs that this home has made besides the one that it tells, by a request whose answer was lost; those
        of another home are its own."""
        remembered = self._ledger.remembered(TARGET, ref)
        if remembered is None:
            return
        kept, experiment = remembered.split(" ", 1)
        found = {run.info.run_id: run.data.tags.get(HOME_TAG) for run in self._found(ref, experiment)}
        if kept in found:  # else somebody has deleted the one that we tell: nothing here is ours to judge
            for run_id, home in found.items():
                if home == home_name(self._ledger) and run_id != kept:
                    remove_double(self._client, run_id)

    def _found(self, ref: str, experiment: str) -> "Sequence[Run]":
        """Return the runs of a trial, the oldest first, or of a sweep, the newest first."""
        kind, _, key = ref.partition(":")
        condition, way = (f"tags.trial_key = '{key}'", "ASC") if kind == "trial" else ("tags.kind = 'sweep'", "DESC")
        order = [f"attributes.start_time {way}", "attributes.run_id ASC"]
        found: Sequence[Run] = self._client.search_runs([experiment], condition, order_by=order)
        return found

    def _one(self, ref: str, sweep: str, *, make: Make) -> str:
        remembered = self._ledger.remembered(TARGET, ref)
        if remembered is not None:
            return remembered.split(" ", 1)[0]
        experiment = self._experiment(sweep)
        found = [] if self._is_new(ref, experiment) else self._found(ref, experiment)
        if found:
            run_id = str(found[0].info.run_id)
        elif self._lost.is_fresh(ref):
            raise RunInDoubtError(f"a run was asked for {ref}, without an answer; it is looked for before another is")
        else:
            with self._lost.noted(ref):
                run_id = make(experiment)
        self._ledger.remember(TARGET, ref, f"{run_id} {experiment}")
        return run_id

    def _is_new(self, ref: str, experiment: str) -> bool:
        """Return whether a trial has no run for certain, without asking MLflow, whose answer takes longer the more runs
        there are: in the home's own database nobody makes runs but us, and what was there before is read once."""
        kind, _, key = ref.partition(":")
        if kind != "trial" or ref in self._lost or sqlite_file(self._uri) != (self._home / "mlflow.db").absolute():
            return False
        if self._before is None:
            runs = stored_runs(self._uri)
            self._before = {(run.experiment_id, run.trial_key) for run in runs if not run.deleted}
        return (experiment, key) not in self._before

    def _create(self, experiment: str, name: str, started: int | None, tags: Mapping[str, str]) -> str:
        everything = {**context_tags(), **tags, HOME_TAG: home_name(self._ledger)}
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


def remove_double(client: "MlflowClient", run_id: str) -> None:
    """Put a run into the store's waste; where that is not ours to do, it stays."""
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException):
        client.delete_run(run_id)


def home_name(ledger: Ledger) -> str:
    """Return the name that a home has in stores, drawn when it is first asked for; a copy of a home, and one that has
    moved, get another."""
    place = f"{ledger.path.resolve()} {ledger.path.stat().st_ino}"
    if ledger.remembered(HOME, "place") != place:
        with ledger.transaction():
            ledger.remember(HOME, "place", place)
            ledger.remember(HOME, "name", secrets.token_hex(8))
    return str(ledger.remembered(HOME, "name"))
