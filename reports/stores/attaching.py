"""Puts files among a run's artifacts: on the disk where they are on it, else through MLflow."""

import os
from collections.abc import Mapping
from pathlib import Path

from reports.errors import StoreUnavailableError
from reports.stores._base import RunRecord
from reports.stores.artifacts import local_folder
from reports.stores.client import SETTINGS
from trainers.files.files import replaced
from trainers.texts.addresses import without_password


def attach(run: RunRecord, files: Mapping[str, Path], tracking_uri: str, moved_to: Path | None = None) -> None:
    """Put files among the artifacts of `run`, each over what had its name before.

    Args:
        files: by their names as artifacts, such as `report/table.md`.
        moved_to: a folder of artifacts by run, which goes before the one on record: a home may have been copied, and
            what it was copied from is not to be touched.

    Raises:
        StoreUnavailableError: they cannot be put there.
    """
    folder = local_folder(run.artifact_uri)
    if folder is None:
        _upload(run, files, tracking_uri)
        return
    own = [folder] if moved_to is None else [moved_to / run.run_id / "artifacts", folder]
    there = next((candidate for candidate in own if candidate.is_dir()), None)
    if there is None:
        raise StoreUnavailableError(
            f"the artifacts of the sweep's parent run {run.run_id} are not in {folder}; is the artifact store on this "
            "machine?"
        )
    for name, path in files.items():
        with replaced(there / name) as temporary:
            temporary.write_bytes(path.read_bytes())


def _upload(run: RunRecord, files: Mapping[str, Path], tracking_uri: str) -> None:
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri)
    for name, path in files.items():
        try:
            client.log_artifact(run.run_id, str(path), str(Path(name).parent))
        except (MlflowException, OSError) as error:
            reason = without_password(str(error), tracking_uri).partition("\n")[0]
            raise StoreUnavailableError(
                f"{name} cannot be put among the artifacts of run {run.run_id}: {reason}"
            ) from error
