"""The folder of figures: which are drawn, what they are called, and a list of them with captions to copy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.plots import NotDrawn, Plot, slug
from trainers.files import replaced

if TYPE_CHECKING:
    from reports.head_to_head import Table
    from reports.resolved import Cell

MOST = 12
"""Figures that a report draws: each takes about a third of a second in its three kinds of file."""
ONE_A_CELL = 4
"""Figures of single cells that come before the second of another kind."""
LIST = "README.md"


@dataclass(frozen=True, slots=True)
class Named:
    """A figure, what its file is called, and what stands over it."""

    plot: Plot
    stem: str
    title: str


def write(plots: Sequence[Plot], missing: Sequence[NotDrawn], table: "Table", folder: Path) -> Iterator[Path]:
    """Write the figures of a report, and the list of them; yield the paths. Figures of an earlier report that there
    are no more stay."""
    from reports.plots.saving import save

    drawn, beyond = chosen(named(plots, several=len(table.cells) > 1))
    for one in drawn:
        yield from save(one.plot, folder / one.stem, one.title)
    with replaced(folder / LIST) as temporary:
        temporary.write_bytes(listing(drawn, beyond, missing).encode())
    yield folder / LIST


def named(plots: Sequence[Plot], *, several: bool) -> list[Named]:
    """Return the figures with their names; the cell is in it where the sweep has several and the figure is of one."""
    return [_named(plot, several=several) for plot in plots]


def _named(plot: Plot, *, several: bool) -> Named:
    cell: Cell | None = getattr(plot, "cell", None)
    if cell is None or not several:
        return Named(plot, plot.stem, "")
    return Named(plot, f"{plot.stem}-{slug(cell.id)}", cell.id)


def chosen(every: Sequence[Named], most: int = MOST) -> tuple[list[Named], list[Named]]:
    """Return those to draw and those beyond `most`, both in their order: the first of each kind, then the second."""
    seen: dict[type, int] = {}
    turns = []
    for index, one in enumerate(every):
        turn = seen[type(one.plot)] = seen.get(type(one.plot), -1) + 1
        turns.append((turn // (ONE_A_CELL if hasattr(one.plot, "cell") else 1), index))
    kept = {index for _, index in sorted(turns)[:most]}
    return (
        [one for index, one in enumerate(every) if index in kept],
        [one for index, one in enumerate(every) if index not in kept],
    )


def listing(drawn: Sequence[Named], beyond: Sequence[Named], missing: Sequence[NotDrawn]) -> str:
    """Return the list of figures in Markdown."""
    from reports.markdown import escape

    lines = ["# Figures", ""]
    if drawn:
        lines += ["Each as PDF with embedded fonts, PNG and SVG, with a caption to copy.", ""]
    for one in drawn:
        lines += [f"- `{one.stem}`: {escape(one.plot.caption)}"]
    if missing:
        lines += ["", "Not drawn:", "", *(f"- {escape(one.what)}: {escape(one.why)}" for one in missing)]
    if beyond:
        lines += [
            "",
            "Too many to draw in every report; `reports.figures` has them, `reports.draw` draws them:",
        ]
        lines += ["", *(f"- `{one.stem}`" for one in beyond)]
    return "\n".join(lines) + "\n"
