"""What every figure is: a name for its file, a caption, plain data made from results, and what draws them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from reports.results.measures import Measure
    from reports.results.sweep import Cell

Item = TypeVar("Item")
PANELS = 3
"""In one figure, side by side over both columns of a paper; more go on in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure."""

    name: str
    """Of its file, without an ending."""
    caption: str
    """What it shows and how that was worked out, in sentences fit to stand under it."""
    data: Any
    """The numbers; of figures with panels one object a panel."""
    drawn_by: Callable[["Canvas", Any], None]
    """Draws the data; of one kind, the same function."""
    cell: "Cell | None" = None
    """Of a figure of one pair."""

    def draw(self, canvas: "Canvas") -> None:
        """Draw it on matplotlib's figure."""
        self.drawn_by(canvas, self.data)


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """A figure that there is not, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Panel(Generic[Item]):
    """What is drawn of one cell."""

    cell: "Cell"
    measure: "Measure"
    drawn: tuple[Item, ...]
    """Each has a `row`, its label, by which panels know it (others may be shown alike), and `shown`."""


def paged(
    name: str,
    panels: Sequence[Any],
    caption: Callable[[Sequence[Any]], str],
    drawn_by: Callable[["Canvas", Any], None],
) -> Iterator[Figure]:
    """Yield figures of a few panels each; those after the first have their number in the name."""
    for number, start in enumerate(range(0, len(panels), PANELS), 1):
        own = tuple(panels[start : start + PANELS])
        numbered = name if number == 1 else f"{name}-{number}"
        yield Figure(name=numbered, caption=caption(own), data=own, drawn_by=drawn_by)
