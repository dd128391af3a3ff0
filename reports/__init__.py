"""What came out of a sweep: results, statistics, tables, figures.

    results = reports.load("gdkd-k")
    reports.write(results, Path("out"))

Reads the tracking store alone; knows nothing of how trials are scheduled. Importing this room loads no heavy library.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from reports.errors import ReportError, StoreUnavailableError, UnknownSweepError
from reports.results import Results

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.head_to_head import Table
    from reports.plots import Plot

__all__ = [
    "AGAINST",
    "ReportError",
    "Results",
    "StoreUnavailableError",
    "UnknownSweepError",
    "compare",
    "console_comparison",
    "console_table",
    "draw",
    "figures",
    "load",
    "note",
    "table",
    "write",
    "write_comparison",
]

AGAINST = ("published",)
"""What the numbers of a sweep can be put beside."""


def load(name: str, *, home: Path | str | None = None, tracking_uri: str | None = None) -> Results:
    """Return what the tracking store holds of the sweep as last accepted, also while it runs.

    Args:
        name: the sweep's name, which is its MLflow experiment's.
        home: where kdsweep keeps its files; `KDSWEEP_HOME`, else ./kdsweep_home.
        tracking_uri: of MLflow; `MLFLOW_TRACKING_URI`, else the database in `home`.

    Raises:
        UnknownSweepError: no such sweep.
        StoreUnavailableError: no such store, or it does not answer.
    """
    from reports import loading

    return loading.load(name, home=home, tracking_uri=tracking_uri)


def table(results: Results) -> "Table":
    """Return the head-to-head table as a plain object: rows, cells, scores, what searches chose."""
    from reports import head_to_head

    return head_to_head.build(results)


def figures(results: Results) -> "list[Plot]":
    """Return the figures that the sweep has numbers for, as plain objects, each with a caption.

    Accuracy over each grid by cell, accuracy against search budget, maps of settings, parallel coordinates, importances
    of hyperparameters, training curves, ranks over pairs, cost against accuracy, profiles of the teachers.
    """
    from reports import head_to_head, plots

    return plots.build(results, head_to_head.build(results))[0]


def draw(figure: "Plot", path: Path | str, width: float | None = None) -> Path:
    """Draw a figure as a file, by its ending a PDF, a PNG or an SVG; return the path. The file is whole or not there.

    Args:
        width: in inches; by default 3.5, a column, or 7.16, both, as suits the figure.

    Raises:
        ValueError: the ending is another.
    """
    from reports import writing

    return writing.draw_figure(figure, Path(path), width)


def write(results: Results, out: Path | str) -> list[Path]:
    """Write table.md, table.tex, table.csv, results.parquet, index.html and figures/ into `out`; return the paths.

    Each file is whole or not there; the same results give the same bytes.
    """
    from reports import writing

    return writing.write(results, Path(out))


def console_table(results: Results, width: int = 80) -> str:
    """Return the head-to-head table as plain text of at most `width` columns where it can."""
    from reports import console, head_to_head

    return console.render(head_to_head.build(results), width)


def compare(results: Results, against: str = "published") -> "Comparison":
    """Return the sweep's numbers beside others as a plain object: best epoch against best epoch.

    Args:
        against: published, the figures of papers and their code.

    Raises:
        ReportError: there is nothing of that name to compare with.
    """
    if against not in AGAINST:
        raise ReportError(f"--against takes {', '.join(AGAINST)}, got {against!r}")
    from reports import comparing

    return comparing.build(results)


def write_comparison(comparison: "Comparison", out: Path | str) -> list[Path]:
    """Write against.md, against.tex and against.csv into `out`; return the paths. Each file is whole or not there."""
    from reports import writing

    return writing.write_comparison(comparison, Path(out))


def console_comparison(comparison: "Comparison", width: int = 80) -> str:
    """Return the comparison as plain text of at most `width` columns where it can."""
    from reports import comparison_tables

    return comparison_tables.as_text(comparison, width)


def note(results: Results, limit: int = 8000) -> str:
    """Return the head-to-head table in Markdown of at most `limit` characters, for `mlflow.note.content`."""
    from reports import head_to_head, markdown

    return markdown.note(head_to_head.build(results), limit)
