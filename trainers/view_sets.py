"""The numbered sets of views, by name. No torch in here: planning needs their sizes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewSet:
    """How the views of a training image come about."""

    pad: int
    """Pixels of fill on each side; every crop of the image's size is a view."""
    flip: bool
    """Whether each crop mirrored left to right is one more."""

    @property
    def views(self) -> int:
        """Views an image has."""
        return (2 * self.pad + 1) ** 2 * (1 + self.flip)


VIEW_SETS = {
    "pad2-crop": ViewSet(pad=2, flip=False),
    "pad4-crop-flip": ViewSet(pad=4, flip=True),
}
"""By the name that stands in every trial's key."""
