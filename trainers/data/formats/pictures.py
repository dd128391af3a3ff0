"""Data sets whose pictures are files, as registry entries."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trainers.data._base import DataInfo, DataSet, Task
from trainers.data._split import unvalidated
from trainers.data.formats.picture_files import PictureFiles
from trainers.data.view_sets import view_set

PICTURE_MEAN = (0.485, 0.456, 0.406)
PICTURE_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's channels, for values in 0 … 1: what published networks expect, on every data set of pictures."""
CHANNELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureData:
    """How the pictures of a data set are used."""

    name: str
    summary: str
    files: Callable[[Path | None], PictureFiles]
    views: str
    """Name of the set of views."""
    count: int
    """Views of a picture."""
    recipe: str
    task: Task = "classification"
    published: tuple[int, int, int] | None = None
    """Classes, training and test pictures of the data set as published."""

    def entry(self) -> DataSet:
        """Return the registry entry."""
        return DataSet(
            name=self.name,
            summary=self.summary,
            describe=self._describe,
            load=self.files,
            published=None if self.published is None else self._as_published(*self.published),
        )

    def _describe(self, root: Path | None) -> DataInfo:
        found = self.files(root)
        training = len(found.train_files)
        info = self._info(
            found.classes, found.fit, training - found.fit, len(found.test_files), digest=found.digest, found=True
        )
        if self.task == "segmentation":
            return info
        return dataclasses.replace(info, unvalidated=unvalidated(found.train_targets, found.fit, found.classes))

    def _as_published(self, classes: int, training: int, test: int) -> DataInfo:
        return self._info(classes, training - training // 10, training // 10, test, digest="", found=False)

    def _info(self, classes: int, fit: int, validation: int, test: int, *, digest: str, found: bool) -> DataInfo:
        views = view_set(self.views)
        return DataInfo(
            name=self.name,
            classes=classes,
            channels=CHANNELS,
            size=views.height,
            across=0 if views.width == views.height else views.width,
            digest=digest,
            fit=fit,
            validation=validation,
            test=test,
            view_set=self.views,
            views=self.count,
            recipe=self.recipe,
            task=self.task,
            found=found,
        )
