"""Telling MLflow what the ledger knows: each thing as a whole, so that telling it twice changes nothing."""

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from orchestrator.ledger.known_weights import weights_of
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.ledger.sweeps import CURRENT_TOLD
from orchestrator.mlflow_store import content
from orchestrator.mlflow_store.listing import stored_runs
from orchestrator.mlflow_store.location import (
    ARTIFACTS,
    TrackingError,
    client_uri,
    ensure_database,
    prepare_client,
    silent,
)
from orchestrator.mlflow_store.lost_answers import REFUSALS, SETTLE_SECONDS, UNACCEPTABLE, LostAnswers
from orchestrator.mlflow_store.runs import TARGET, Runs
from orchestrator.mlflow_store.schema_mark import remember_schema
from orchestrator.mlflow_store.summary import remember_summary, summary_of
from orchestrator.mlflow_store.verifying import EPOCHS_TOLD, WEIGHTS_TOLD, Verification, tell_whole
from orchestrator.outbox.databases import is_database
from orchestrator.outbox.telling import RefusedError
from reports.stores.artifacts import local_folder
from trainers.errors import RequestError
from trainers.files.files import replaced
from trainers.files.store import Store
from trainers.texts.addresses import without_password
from trainers.texts.letters import all_fitting

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

METRICS_A_CALL = 800
OTHERS_A_CALL = 100
"""MLflow takes 1,000 things a call, and of params and tags 100 each."""
Batch = dict[str, "Sequence[Param | RunTag | Metric]"]
"""Arguments of one `log_batch`."""


class MlflowTarget:
    """The tracking store as a listener of the ledger. One thread uses it, with a ledger connection of its own.

    Args:
        uri: of the store.
        home: holds the weights that become artifacts, and a local store.
        settle_seconds: how long a request that got no answer may still be under way.
        sweeps: those that are held against the store; None: all.
    """

    def __init__(
        self,
        uri: str,
        home: Path,
        ledger: Ledger,
        settle_seconds: float = SETTLE_SECONDS,
        sweeps: Collection[str] | None = None,
    ) -> None:
        self._sweeps = sweeps
        self._looked_for: set[str] = set()
        self._uri = uri
        self._home = home
        self._ledger = ledger
        self._lost = LostAnswers(settle_seconds)
        self._client: MlflowClient | None = None
        self._known_runs: Runs | None = None
        self._schema_noted = False

    def verify(self) -> list[str]:
        """Hold what is remembered against what the store has; return what people are to know of it.

        Raises:
            Exception: as `tell`.
        """
        verification = Verification(self._uri, self._home, self._ledger, lambda: self.client, self._sweeps)
        verification.verify()
        return verification.notes

    def tell(self, ref: str) -> None:
        """Bring the thing called `ref` ("sweep:NAME" or "trial:KEY") up to date in the store.

        Raises:
            RefusedError: the store will never take it.
            Exception: whatever MLflow or the way to it raises; nothing is lost, it can be told again.
        """
        try:
            self._tell(ref)
        except RefusedError:
            raise
        except Exception as error:
            code = getattr(error, "error_code", "")
            if code not in REFUSALS:
                raise
            if self._forgotten(ref):
                self._tell(ref)
            elif code == UNACCEPTABLE:
                text = without_password(str(error).splitlines()[0], self._uri)
                raise RefusedError(f"MLflow does not take {ref}: {text}; delete its run there and sync") from error
            else:
                raise

    def _forgotten(self, ref: str) -> bool:
        """Return whether a run that could not be told, or its parent, is gone, and was forgotten: looked at once."""
        row = self._ledger.trial(ref.removeprefix("trial:"))
        gone = []
        for one in [ref] if row is None else [ref, f"sweep:{row.origin['sweep']}"]:
            if one not in self._looked_for and self._runs.is_gone(one):
                gone.append(one)
            self._looked_for.add(one)
        with self._ledger.transaction():
            for one in gone:
                self._ledger.forget(TARGET, one)
                tell_whole(self._ledger, one)
        return bool(gone)

    @property
    def notes(self) -> list[str]:
        """What people are to know of what was told, in sentences."""
        return [] if self._known_runs is None else self._known_runs.notes

    def _tell(self, ref: str) -> None:
        kind, _, name = ref.partition(":")
        if kind == "sweep":
            self._tell_sweep(name)
        else:
            row = self._ledger.trial(name)
            if row is not None and row.state != "WAITING":
                self._tell_trial(row)
        if not self._schema_noted:
            self._schema_noted = True
            remember_schema(self._ledger, self._uri)

    def settle(self) -> bool:
        """Tell again what an older request may have overtaken, one that we gave up and the store may have done since.

        Returns whether there is more that is too fresh for that yet.

        Raises:
            Exception: as `tell`.
        """
        for ref in self._lost.due():
            self._runs.remove_doubles(ref)
            with contextlib.suppress(RefusedError):  # what is in the outbox is refused there, and said
                self.tell(ref)
            self._lost.settled(ref)
        return self._lost.waiting

    def note(self, sweep: str, text: str, numbers: Mapping[str, float]) -> None:
        """Put the finished table into the sweep's parent run: its description, and metrics.

        Args:
            numbers: by metric.
        """
        remember_summary(self._ledger, sweep, text, numbers)
        self._tell_summary(sweep)

    @property
    def client(self) -> "MlflowClient":
        """Return MLflow's client, made at the first use: importing it takes a second."""
        if self._client is None:
            prepare_client()
            ensure_database(self._uri)
            from mlflow import MlflowClient

            self._client = MlflowClient(client_uri(self._uri))
        return self._client

    @property
    def _runs(self) -> Runs:
        if self._known_runs is None:
            self._known_runs = Runs(self.client, self._uri, self._home, self._ledger, self._lost)
        return self._known_runs

    # --- sweeps -------------------------------------------------------------------------------------------------

    def _tell_sweep(self, name: str) -> None:
        sweep = self._ledger.sweep(name)
        if sweep is None:
            return
        run_id = self._runs.of_sweep(name)
        runs = {
            ref.removeprefix("trial:"): tuple(value.split(" ", 1))
            for ref, value in self._ledger.all_remembered(TARGET).items()
            if ref.startswith("trial:")
        }
        members = content.members_csv(self._ledger.members(name), runs)  # type: ignore[arg-type]
        with self._lost.noted(f"sweep:{name}"):
            self.client.log_text(run_id, sweep.source, "sweep.yaml")
            self.client.log_text(run_id, yaml.safe_dump(all_fitting(sweep.resolved), sort_keys=False), "resolved.yaml")
            self.client.log_text(run_id, members, "members.csv")
            self._tell_summary(name)
            self._set_status(run_id, content.SWEEP_STATUS[sweep.state], end_time=None)

    def _tell_summary(self, sweep: str) -> None:
        from mlflow.entities import Metric, RunTag

        tags, points = summary_of(self._ledger, sweep)
        if tags:
            run_id = self._runs.of_sweep(sweep)
            metrics = [Metric(*point) for point in points]
            for batch in _batches([], metrics, [RunTag(name, value) for name, value in tags.items()]):
                self.client.log_batch(run_id, **batch)

    # --- trials -------------------------------------------------------------------------------------------------

    def _tell_trial(self, row: TrialRow) -> None:
        run_id = self._runs.of_trial(row)
        seconds = self._ledger.trial_seconds(row.key)
        with self._lost.noted(f"trial:{row.key}"):
            self._log(run_id, row, seconds)
            if row.state == "COMPLETE" and row.spec["role"] == "teacher":
                self._keep_weights(run_id, row)
            self._set_status(run_id, content.STATUS[row.state], end_time=content.end_time(row, seconds))

    def _log(self, run_id: str, row: TrialRow, seconds: float) -> None:
        """Log params, where that has not been done, the epochs that have not been logged yet, and how the trial stands
        now: last, so that a run that says COMPLETE is whole."""
        from mlflow.entities import Metric, Param, RunTag

        remembered = self._ledger.remembered(EPOCHS_TOLD, row.key)
        told = int(remembered or 0)
        epochs = self._ledger.epochs(row.key)
        params = [Param(name, value) for name, value in content.params(row).items()] if remembered is None else []
        metrics = [Metric(*point) for point in content.points(row, epochs, told)]
        teacher = row.spec["teacher"] or {}
        (first, *_) = weights_of(self._ledger, teacher.get("id", "")) or [""]
        parent = self._runs.parent_of(row)
        current = self._ledger.current(str(row.origin["sweep"]), row.key) if parent else None
        held = content.tags(row, seconds, first, current) | parent
        tags = [RunTag(name, value) for name, value in held.items()]
        for batch in _batches(params, metrics, tags):
            self.client.log_batch(run_id, **batch)
        if current is not None:
            self._ledger.remember(CURRENT_TOLD, row.key, held["current"])
        last = epochs[-1][0] if epochs else 0
        if remembered is None or last != told:
            self._ledger.remember(EPOCHS_TOLD, row.key, str(last))

    def _keep_weights(self, run_id: str, row: TrialRow) -> None:
        """Attach a teacher's weights to its run, once: another home can fetch them."""
        weights = Store(self._home).weights(row.key)
        if weights.exists() and self._ledger.remembered(WEIGHTS_TOLD, row.key) is None:
            self.client.log_artifact(run_id, str(weights), "weights")
            self._ledger.remember(WEIGHTS_TOLD, row.key, "told")

    def _set_status(self, run_id: str, status: str, end_time: float | None) -> None:
        if status in ("RUNNING", "SCHEDULED"):
            self.client.update_run(run_id, status=status)
        else:
            milliseconds = None if end_time is None else round(end_time * 1000)
            self.client.set_terminated(run_id, status, milliseconds)

    def fetch_weights(self, key: str) -> bool:
        """Fetch a teacher's weights from a run of it into the home; return whether the store has them.

        Raises:
            TrackingError: the store, or where it keeps its artifacts, does not answer: it may have them.
            OSError: they cannot be written into the home.
        """
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = next(filter(None, (self._download(run, key, folder) for run in self._runs_of(key))), None)
            except RequestError:
                raise
            except Exception as error:
                raise silent(self._uri, error) from error
            if path is not None:
                with replaced(Store(self._home).weights(key)) as temporary:
                    shutil.copyfile(path, temporary)
            return path is not None

    def _runs_of(self, key: str) -> list[str]:
        """Return the ids of a trial's runs: the one that is remembered first, those in the store's waste last."""
        remembered = (self._ledger.remembered(TARGET, f"trial:{key}") or "").partition(" ")[0]
        runs = [run for run in stored_runs(self._uri) if run.trial_key == key]
        return [run.run_id for run in sorted(runs, key=lambda run: (run.run_id != remembered, run.deleted))]

    def _download(self, run_id: str, key: str, folder: str) -> Path | None:
        """Return the file with a run's weights; None where the run has none."""
        name = f"weights/{key}.safetensors"
        here = self._home / ARTIFACTS / run_id / "artifacts" / name
        if is_database(self._uri) and here.exists():
            return here  # the home may have moved: the store knows where it was
        _must_be_here(self.client.get_run(run_id).info.artifact_uri, self._home)
        if name not in {artifact.path for artifact in self.client.list_artifacts(run_id, "weights")}:
            return None
        return Path(self.client.download_artifacts(run_id, name, folder))


def _must_be_here(artifact_uri: str, home: Path) -> None:
    """Tell a folder without weights from one that this machine does not have.

    Raises:
        TrackingError: artifacts are kept in a folder that is not here, and not a part of this home that was removed.
    """
    run = local_folder(artifact_uri)
    if run is None or home.absolute() in run.parents:
        return
    place = run.parent.parent  # of the experiment's runs
    if not place.is_dir():
        raise TrackingError(f"the tracking store keeps artifacts in {place}, which is not on this machine")


def _batches(params: "Sequence[Param]", metrics: "Sequence[Metric]", tags: "Sequence[RunTag]") -> Iterator[Batch]:
    """Yield params, metrics and tags in calls that MLflow takes: mostly one, for a slow server answers each slowly."""
    if len(metrics) <= METRICS_A_CALL and len(params) <= OTHERS_A_CALL and len(tags) <= OTHERS_A_CALL:
        yield {"params": params, "metrics": metrics, "tags": tags}
        return
    for start in range(0, len(params), OTHERS_A_CALL):
        yield {"params": params[start : start + OTHERS_A_CALL]}
    for start in range(0, len(metrics), METRICS_A_CALL):
        yield {"metrics": metrics[start : start + METRICS_A_CALL]}
    for start in range(0, len(tags), OTHERS_A_CALL):
        yield {"tags": tags[start : start + OTHERS_A_CALL]}
