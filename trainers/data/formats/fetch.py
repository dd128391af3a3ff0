"""Fetching what torchvision may fetch."""

from pathlib import Path

from trainers.data.formats.places import DataFilesError, shared_folder, ways


def fetch(name: str, torchvision_name: str, root: Path | None) -> None:
    """Let torchvision fetch a data set into its folder, where it is not there yet.

    Raises:
        DataFilesError: no folder is known, or the files cannot be fetched.
    """
    folder = root or shared_folder(name)
    if folder is None:
        raise DataFilesError(f"nothing says where its files are to go; {ways(name)}")
    import torchvision  # type: ignore[import-untyped]  # seconds to import, and seldom needed

    kind = getattr(torchvision.datasets, torchvision_name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for train in (True, False):
            kind(folder, train=train, download=True)
    except Exception as error:
        raise DataFilesError(f"cannot be fetched into {folder}: {error}") from error
