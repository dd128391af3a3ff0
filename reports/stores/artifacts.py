"""Artifacts of a run, read as text or put beside the others: on the disk where they are on it, else through MLflow."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reports.errors import StoreUnavailableError
from reports.stores import RunRecord
from trainers.files.files import replaced
from trainers.texts.addresses import without_password


def read_artifact(run: RunRecord, name: str, tracking_uri: str, moved_to: Path | None = None) -> str:
    """Return the artifact `name` of `run` as text.

    Args:
        moved_to: a folder of artifacts by run, which goes before the one on record: a home may have been copied, and
            what it was copied from goes its own way.

    Raises:
        StoreUnavailableError: it is not there, or out of reach.
    """
    folders = _folders(run, moved_to)
    if not folders:
        return _downloaded(run, name, tracking_uri)
    for candidate in folders:
        try:
            return (candidate / name).read_text(encoding="utf-8")
        except OSError:
            continue
    begun = ": a sweep that began seconds ago has not told it yet" if run.status == "RUNNING" else ""
    raise StoreUnavailableError(
        f"{name} of the sweep's parent run {run.run_id} is not in {folders[-1]}{begun}; is the artifact store on this "
        "machine?"
    )


def attach(run: RunRecord, files: Mapping[str, Path], tracking_uri: str, moved_to: Path | None = None) -> None:
    """Put files among the artifacts of `run`, each over what had its name before.

    Args:
        files: by their names as artifacts, such as `report/table.md`.
        moved_to: as of `read_artifact`: what a home was copied from is not to be touched.

    Raises:
        StoreUnavailableError: they cannot be put there.
    """
    folders = _folders(run, moved_to)
    if not folders:
        _upload(run, files, tracking_uri)
        return
    there = next((candidate for candidate in folders if candidate.is_dir()), None)
    if there is None:
        raise StoreUnavailableError(
            f"the artifacts of the sweep's parent run {run.run_id} are not in {folders[-1]}; is the artifact store on "
            "this machine?"
        )
    for name, path in files.items():
        with replaced(there / name) as temporary:
            temporary.write_bytes(path.read_bytes())


def _folders(run: RunRecord, moved_to: Path | None) -> list[Path]:
    """Return where a run's artifacts may be on this machine's disk, the place to look first before the others."""
    folder = local_folder(run.artifact_uri)
    if folder is None or moved_to is None:
        return [] if folder is None else [folder]
    return [moved_to / run.run_id / "artifacts", folder]


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


def _upload(run: RunRecord, files: Mapping[str, Path], tracking_uri: str) -> None:
    from reports.stores.client import SETTINGS

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
