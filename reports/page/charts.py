"""A figure of the page as plain data: series of points with what is said of each; drawn by the page's own script."""

from dataclasses import dataclass
from typing import Any

from reports.page.compact import number
from reports.spread import Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place in a figure."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    """Of the band or bar at the point; None for none."""
    text: str = ""
    """What is said of it."""

    def to_json(self) -> list[Any]:
        """Return the point as the script reads it."""
        return [_significant(self.x), *(number(value) for value in (self.y, self.low, self.high)), self.text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points of one name, one colour, one marker and one kind of line."""

    name: str
    points: tuple[Point, ...]
    dots: tuple[Point, ...] = ()
    """Single trials, drawn small."""
    line: bool = True
    """Whether the points are joined."""
    marked: bool = True
    """Whether each point has a marker."""
    aside: bool = False
    """Whether it goes through points of others, so that it is drawn in grey and nobody points at it."""

    def to_json(self) -> dict[str, Any]:
        """Return the series as the script reads it."""
        return {
            "name": self.name,
            "points": [point.to_json() for point in self.points],
            "dots": [point.to_json() for point in self.dots],
            "line": self.line,
            "marked": self.marked,
            "aside": self.aside,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure of one cell."""

    kind: str
    cell: int
    """Place of the cell among the table's."""
    title: str
    about: str
    """What it shows and how it was computed."""
    x_label: str
    y_label: str
    log_x: bool = False
    ticks: tuple[float, ...] = ()
    """Where the axis of x is marked; by default at round numbers."""
    series: tuple[Series, ...]
    levels: tuple[tuple[str, float], ...] = ()
    """Named horizontal lines."""

    def to_json(self) -> dict[str, Any]:
        """Return the figure as the script reads it."""
        return {
            "kind": self.kind,
            "cell": self.cell,
            "title": self.title,
            "about": self.about,
            "x": {"label": self.x_label, "log": self.log_x, "ticks": [_significant(tick) for tick in self.ticks]},
            "y": {"label": self.y_label},
            "series": [series.to_json() for series in self.series],
            "levels": [[name, number(value)] for name, value in self.levels],
        }


def at(x: float, stat: Stat, text: str) -> Point:
    """Return a mean at `x` with its standard deviation as a band."""
    spread = stat.std
    low, high = (None, None) if spread is None else (stat.mean - spread, stat.mean + spread)
    return Point(x=x, y=stat.mean, low=low, high=high, text=text)


def _significant(value: float) -> float | int | None:
    """Return a place on an axis in six significant digits: one of 1e-7 is not 0, where an axis is logarithmic."""
    return number(float(f"{value:.6g}"), 300)
