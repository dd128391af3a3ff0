"""Telling MLflow what the ledger knows: each thing as a whole, so that telling it twice changes nothing."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.ledger import Ledger
from orchestrator.mlflow_store import content
from orchestrator.mlflow_store.location import TrackingError, artifact_folder, ensure_database, prepare_client
from orchestrator.mlflow_store.once import TARGET, Once
from orchestrator.records import TrialRow
from trainers.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Param, RunTag

METRICS_A_CALL = 1000
OTHERS_A_CALL = 100
EPOCHS_TOLD = "mlflow-epochs"


class MlflowTarget:
    """The tracking store as a listener of the ledger. One thread uses it, with a ledger connection of its own.

    Args:
        uri: of the store.
        home: holds the weights that become artifacts, and a local store.
    """

    def __init__(self, uri: str, home: Path, ledger: Ledger) -> None:
        self._uri = uri
        self._home = home
        self._ledger = ledger
        self._client: MlflowClient | None = None
        self._context: dict[str, str] | None = None
        self._experiments: dict[str, str] = {}

    @property
    def _once(self) -> Once:
        return Once(self.client, self._ledger)

    def tell(self, ref: str) -> None:
        """Bring the thing called `ref` ("sweep:NAME" or "trial:KEY") up to date in the store.

        Raises:
            Exception: whatever MLflow or the way to it raises; nothing is lost, it can be told again.
        """
        kind, _, name = ref.partition(":")
        if kind == "sweep":
            self._tell_sweep(name)
        else:
            row = self._ledger.trial(name)
            if row is not None and row.attempts > 0:
                self._tell_trial(row)

    def note(self, sweep: str, text: str) -> None:
        """Put the finished table into the description of the sweep's parent run."""
        self.client.set_tag(self._parent(sweep), "mlflow.note.content", text)

    @property
    def client(self) -> "MlflowClient":
        """Return MLflow's client, made at the first use: importing it takes a second."""
        if self._client is None:
            prepare_client()
            ensure_database(self._uri)
            from mlflow import MlflowClient

            self._client = MlflowClient(self._uri)
        return self._client

    # --- sweeps -------------------------------------------------------------------------------------------------

    def _tell_sweep(self, name: str) -> None:
        sweep = self._ledger.sweep(name)
        if sweep is None:
            return
        run_id = self._parent(name)
        runs = {
            ref.removeprefix("trial:"): tuple(value.split(" ", 1))
            for ref, value in self._ledger.all_remembered(TARGET).items()
            if ref.startswith("trial:")
        }
        members = content.members_csv(self._ledger.members(name), runs)  # type: ignore[arg-type]
        self.client.log_text(run_id, sweep.source, "sweep.yaml")
        self.client.log_text(run_id, yaml.safe_dump(sweep.resolved, sort_keys=False), "resolved.yaml")
        self.client.log_text(run_id, members, "members.csv")
        self._set_status(run_id, content.SWEEP_STATUS[sweep.state], end_time=None)
        self._once.settle(f"sweep:{name}", PARENTS)

    def _parent(self, sweep: str) -> str:
        """Return the parent run of the sweep; found by its tags or made where there is none."""
        remembered = self._ledger.remembered(TARGET, f"sweep:{sweep}")
        if remembered is not None:
            return remembered.split(" ", 1)[0]
        experiment = self._experiment(sweep)

        def make() -> str:
            tags = {**self._context_tags(), "kind": "sweep", "sweep": sweep}
            return str(self.client.create_run(experiment, run_name=sweep, tags=tags).info.run_id)

        return self._once.make(f"sweep:{sweep}", experiment, PARENTS, make)

    def _experiment(self, sweep: str) -> str:
        if sweep not in self._experiments:
            found = self.client.get_experiment_by_name(sweep)
            if found is not None and found.lifecycle_stage != "active":
                raise TrackingError(f"the MLflow experiment '{sweep}' has been deleted; restore it there, or rename")
            if found is None:
                folder = artifact_folder(self._home, self._uri)
                identity = self.client.create_experiment(sweep, artifact_location=folder)
                self.client.set_experiment_tag(identity, "mlflow.experiment.primaryMetric.name", "final_top1")
                self.client.set_experiment_tag(identity, "mlflow.experiment.primaryMetric.greaterIsBetter", "True")
            else:
                identity = found.experiment_id
            self._experiments[sweep] = identity
        return self._experiments[sweep]

    # --- trials -------------------------------------------------------------------------------------------------

    def _tell_trial(self, row: TrialRow) -> None:
        run_id = self._run(row)
        self._log_metrics(run_id, row)
        self._log_in_calls(run_id, tags=self._tags(row))
        if row.state == "COMPLETE" and row.spec["role"] == "teacher":
            self._keep_weights(run_id, row)
        self._set_status(run_id, content.STATUS[row.state], end_time=row.ended_at)
        self._once.settle(f"trial:{row.key}", _of_trial(row.key))

    def _run(self, row: TrialRow) -> str:
        """Return the run of the trial: remembered, found by its key, or made with all its params."""
        remembered = self._ledger.remembered(TARGET, f"trial:{row.key}")
        if remembered is not None:
            return remembered.split(" ", 1)[0]
        sweep = str(row.origin["sweep"])
        experiment = self._experiment(sweep)
        parent = self._parent(sweep)

        def make() -> str:
            tags = {**self._context_tags(), **content.tags(row), "mlflow.parentRunId": parent}
            started = None if row.started_at is None else round(row.started_at * 1000)
            run = self.client.create_run(experiment, start_time=started, run_name=content.run_name(row), tags=tags)
            return str(run.info.run_id)

        return self._once.make(
            f"trial:{row.key}", experiment, _of_trial(row.key), make, then=lambda run_id: self._log_params(run_id, row)
        )

    def _log_params(self, run_id: str, row: TrialRow) -> None:
        from mlflow.entities import Param

        self._log_in_calls(run_id, params=[Param(name, value) for name, value in content.params(row).items()])

    def _tags(self, row: TrialRow) -> "list[RunTag]":
        from mlflow.entities import RunTag

        return [RunTag(name, value) for name, value in content.tags(row).items()]

    def _log_in_calls(self, run_id: str, params: "Sequence[Param]" = (), tags: "Sequence[RunTag]" = ()) -> None:
        for start in range(0, len(params), OTHERS_A_CALL):
            self.client.log_batch(run_id, params=params[start : start + OTHERS_A_CALL])
        for start in range(0, len(tags), OTHERS_A_CALL):
            self.client.log_batch(run_id, tags=tags[start : start + OTHERS_A_CALL])

    def _log_metrics(self, run_id: str, row: TrialRow) -> None:
        """Log the epochs that have not been logged yet, and the metrics at the end."""
        from mlflow.entities import Metric

        told = int(self._ledger.remembered(EPOCHS_TOLD, row.key) or 0)
        epochs = self._ledger.epochs(row.key)
        metrics = [Metric(*point) for point in content.points(row, epochs, told)]
        for start in range(0, len(metrics), METRICS_A_CALL):
            self.client.log_batch(run_id, metrics=metrics[start : start + METRICS_A_CALL])
        if epochs:
            self._ledger.remember(EPOCHS_TOLD, row.key, str(epochs[-1][0]))

    def _keep_weights(self, run_id: str, row: TrialRow) -> None:
        """Attach a teacher's weights to its run, once: another home can fetch them."""
        weights = Store(self._home).weights(row.key)
        if weights.exists() and self._ledger.remembered("weights", row.key) is None:
            self.client.log_artifact(run_id, str(weights), "weights")
            self._ledger.remember("weights", row.key, "told")

    def _set_status(self, run_id: str, status: str, end_time: float | None) -> None:
        if status in ("RUNNING", "SCHEDULED"):
            self.client.update_run(run_id, status=status)
        else:
            milliseconds = None if end_time is None else round(end_time * 1000)
            self.client.set_terminated(run_id, status, milliseconds)

    def fetch_weights(self, key: str, run_id: str) -> bool:
        """Fetch a teacher's weights from its run into the home; return whether they were there."""
        import tempfile

        from trainers.files import replaced

        target = Store(self._home).weights(key)
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self.client.download_artifacts(run_id, f"weights/{key}.safetensors", folder)
            except Exception:  # noqa: BLE001 (MLflow's stores raise what they like for a missing file)
                return False
            with replaced(target) as temporary:
                temporary.write_bytes(Path(path).read_bytes())
        return True

    def _context_tags(self) -> dict[str, str]:
        """Return MLflow's own tags for who runs what from where; a client's runs get none by themselves."""
        if self._context is None:
            from mlflow.tracking.context.registry import resolve_tags

            tags: dict[str, Any] = resolve_tags()
            self._context = {name: str(value) for name, value in tags.items()} | _checkout()
        return self._context


PARENTS = "tags.kind = 'sweep'"


def _of_trial(key: str) -> str:
    return f"tags.trial_key = '{key}'"


def _checkout() -> dict[str, str]:
    """Return commit, branch and whether there are changes of the checkout that this code runs from; nothing where it
    runs from none. MLflow looks where the main script lies, which is elsewhere for an installed command."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {}
    return {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.branch": _git("rev-parse", "--abbrev-ref", "HEAD"),
        "mlflow.source.git.dirty": str(bool(_git("status", "--porcelain"))),
    }


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
