"""What every figure is: plain data with a name for its file and a caption, made from results, drawn by one function."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from reports.board.board import Board, Parts
    from reports.figures._searches import SearchTrials
    from reports.results.results import Results

PANELS = 3
"""In one figure, side by side over both columns of a paper; more go on in the next."""

T = TypeVar("T")


class Plot(Protocol):
    """A figure as plain data."""

    @property
    def stem(self) -> str:
        """Name of its file without ending, and without the cell's name that figures of one cell get."""

    @property
    def caption(self) -> str:
        """What it shows and how that was worked out, in sentences fit to stand under it."""


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """A figure that there is not, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Material:
    """What figures are made from."""

    results: "Results"
    table: "Board"
    parts: "Parts"
    """Trials of each row in each cell."""
    searches: "Sequence[SearchTrials]"
    """Those that have scores enough, cell by cell."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of figure."""

    name: str
    """As a person would call it."""
    data: type[Any]
    build: Callable[[Material], Iterator["Plot | NotDrawn"]]
    draw: Callable[..., None]
    """Takes matplotlib's figure, our data, and a title."""


def paged(found: Sequence[T], size: int = PANELS) -> Iterator[tuple[int, tuple[T, ...]]]:
    """Yield the panels of each figure with its number, from 1 on."""
    for start in range(0, len(found), size):
        yield start // size + 1, tuple(found[start : start + size])


def numbered(stem: str, page: int) -> str:
    """Return the name of a figure's file: with its number where it is not the first of its kind."""
    return stem if page == 1 else f"{stem}-{page}"
