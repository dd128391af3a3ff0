"""Artifacts of a run as text: from the disk where they are on it, else through MLflow."""

import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reports.errors import StoreUnavailableError
from reports.stores._base import RunRecord
from trainers.texts.addresses import without_password


def read_artifact(run: RunRecord, name: str, tracking_uri: str, moved_to: Path | None = None) -> str:
    """Return the artifact `name` of `run` as text.

    Args:
        moved_to: a folder of artifacts by run, which goes before the one on record: a home may have been copied, and
            what it was copied from goes its own way.

    Raises:
        StoreUnavailableError: it is not there, or out of reach.
    """
    folder = local_folder(run.artifact_uri)
    if folder is None:
        return _downloaded(run, name, tracking_uri)
    folders = [folder] if moved_to is None else [moved_to / run.run_id / "artifacts", folder]
    for candidate in folders:
        try:
            return (candidate / name).read_text(encoding="utf-8")
        except OSError:
            continue
    begun = ": a sweep that began seconds ago has not told it yet" if run.status == "RUNNING" else ""
    raise StoreUnavailableError(
        f"{name} of the sweep's parent run {run.run_id} is not in {folder}{begun}; is the artifact store on this "
        "machine?"
    )


def local_folder(artifact_uri: str) -> Path | None:
    """Return the folder that an artifact URI names on this machine's disk, or None for any other kind of store."""
    parts = urlsplit(artifact_uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(artifact_uri) if not parts.scheme else None


def _downloaded(run: RunRecord, name: str, tracking_uri: str) -> str:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            path = download_artifacts(run_id=run.run_id, artifact_path=name, dst_path=folder, tracking_uri=tracking_uri)
            return Path(path).read_text(encoding="utf-8")
        except (MlflowException, OSError) as error:
            message = f"{name} of the sweep's parent run {run.run_id} cannot be read: {error}"
            raise StoreUnavailableError(without_password(message, tracking_uri)) from error
