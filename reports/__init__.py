"""What came out of a sweep: results, statistics, tables, figures.

    results = reports.load("gdkd-k")
    report = reports.Report(results)  # report.board, report.tables, report.figures
    report.write(Path("out"))

Reads the tracking store alone; knows nothing of how trials are scheduled. Importing this room loads no heavy library.
"""

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.errors import ReportError, StoreUnavailableError, UnknownSweepError
from reports.results.results import Results

if TYPE_CHECKING:
    from reports.board.board import Board
    from reports.figures import Figure
    from reports.report import Report
    from reports.stores import Curves
    from reports.tables.ablations.ablation import Ablation
    from reports.tables.against.beside import Comparison
    from reports.tables.against.changes import SweepComparison

__all__ = [
    "AGAINST",
    "Report",
    "ReportError",
    "Results",
    "StoreUnavailableError",
    "UnknownSweepError",
    "ablations",
    "changes",
    "compare",
    "compare_sweeps",
    "console_changes",
    "console_comparison",
    "console_table",
    "draw",
    "export",
    "histories",
    "load",
    "load_any",
    "load_file",
    "load_home",
    "load_stored",
    "note",
    "table",
    "write",
    "write_changes",
    "write_comparison",
]

AGAINST = ("published",)
"""What the numbers of a sweep can be put beside."""


def __getattr__(name: str) -> Any:
    if name == "Report":  # loads pandas
        from reports.report import Report

        return Report
    raise AttributeError(f"module 'reports' has no attribute {name!r}")


def load(name: str | Sequence[str], *, home: Path | str | None = None, tracking_uri: str | None = None) -> Results:
    """Return what the tracking store holds of the sweep as last accepted, also while it runs.

    Args:
        name: the sweep's name, which is its MLflow experiment's; of several sweeps the results are joined into one,
            whose report has the choices of the first.
        home: where kdsweep keeps its files; `KDSWEEP_HOME`, else ./kdsweep_home.
        tracking_uri: of MLflow; `MLFLOW_TRACKING_URI`, else the database in `home`.

    Raises:
        UnknownSweepError: no such sweep.
        StoreUnavailableError: no such store, or it does not answer.
    """
    from reports.results import loading

    if isinstance(name, str):
        return loading.load(name, home=home, tracking_uri=tracking_uri)
    from reports.results import joining

    sweeps = [loading.load(one, home=home, tracking_uri=tracking_uri) for one in dict.fromkeys(name)]
    return joining.join("+".join(one.name for one in sweeps), sweeps, sweeps[0].resolved.get("report") or {})


def load_file(path: Path | str, *, home: Path | str | None = None, tracking_uri: str | None = None) -> Results:
    """Return the results of the sweeps that a report file joins, with the choices of the file.

    Raises:
        ReportError: the file breaks rules, or names what is not there; tells every problem with its line.
        StoreUnavailableError: no such store, or it does not answer.
    """
    from reports import report_file as report_files

    return report_files.load_file(Path(path), home=home, tracking_uri=tracking_uri)


def load_any(name: str, *, home: Path | str | None = None, tracking_uri: str | None = None) -> Results:
    """Return the results of a sweep by its name, or of several by a report file: a name that ends in .yaml or .yml.

    A sweep may be named like a file: it comes first; `./NAME` is the file then.
    """
    if not name.endswith((".yaml", ".yml")):
        return load(name, home=home, tracking_uri=tracking_uri)
    if name == Path(name).name:
        with contextlib.suppress(UnknownSweepError):
            return load(name, home=home, tracking_uri=tracking_uri)
    return load_file(name, home=home, tracking_uri=tracking_uri)


def load_home(name: str, home: Path | str) -> Results:
    """Return what the database in another home holds of a sweep, whatever `MLFLOW_TRACKING_URI` says.

    Raises:
        UnknownSweepError: no such sweep.
        StoreUnavailableError: no such home.
    """
    from reports.results import loading

    return loading.load(name, tracking_uri=loading.database_in(home))


def load_stored(path: Path | str) -> Results:
    """Return the results that a report has left behind: its folder, or results.parquet itself.

    Names, order and settings are those of the trials: what only the sweep file knows is not there.

    Raises:
        ReportError: there is none, or it is another kind of file.
    """
    from reports.results import stored

    return stored.load(Path(path))


def table(results: Results) -> "Board":
    """Return the head-to-head table as a plain object: rows, cells, scores, what searches chose."""
    from reports.board import board

    return board.build(results)


def ablations(results: Results) -> "list[Ablation]":
    """Return the ablations as plain objects: grids, matrices, terms on and off, each with its base row."""
    from reports.tables.ablations import making

    return making.ablations(results, table(results))


def histories(
    results: Results, names: Collection[str] | None = None, *, run_ids: Collection[str] | None = None
) -> "Curves":
    """Return what runs recorded epoch by epoch: by run id, then by metric, (epoch, value) by rising epoch.

    Args:
        names: of metrics; by default what a curve is usually drawn of.
        run_ids: of the runs to read; by default all of the sweep.

    Raises:
        StoreUnavailableError: the store does not answer any more.
    """
    from reports.results import runs as read

    return read.histories(results, read.NAMES if names is None else names, run_ids=run_ids)


def draw(figure: "Figure", path: Path | str, width: float | None = None) -> Path:
    """Draw a figure as a file, by its ending a PDF, a PNG or an SVG; return the path. The file is whole or not there.

    Args:
        width: in inches; by default 3.5, a column, or 7.16, both, as suits the figure.

    Raises:
        ValueError: the ending is another.
    """
    from reports.figures import saving

    return saving.draw(figure, Path(path), width)


def write(results: Results, out: Path | str) -> list[Path]:
    """Write table.md, table.tex, table.csv, results.parquet, index.html and figures/ into `out`; return the paths.

    Each file is whole or not there; the same results give the same bytes.
    """
    from reports.report import Report

    return Report(results).write(Path(out))


def console_table(results: Results, width: int = 80) -> str:
    """Return the head-to-head table as plain text of at most `width` columns where it can."""
    from reports.report import Report

    return Report(results).console(width)


def compare(results: Results, against: str = "published") -> "Comparison":
    """Return the sweep's numbers beside others as a plain object: best epoch against best epoch.

    Args:
        against: published, the figures of papers and their code.

    Raises:
        ReportError: there is nothing of that name to compare with.
    """
    if against not in AGAINST:
        raise ReportError(f"--against takes {', '.join(AGAINST)}, got {against!r}")
    from reports.tables.against.beside import beside_published

    return beside_published(results, table(results))


def write_comparison(comparison: "Comparison", out: Path | str) -> list[Path]:
    """Write against.md, against.tex and against.csv into `out`; return the paths. Each file is whole or not there."""
    from reports import report

    return report.write_comparison(comparison, Path(out))


def console_comparison(comparison: "Comparison", width: int = 80) -> str:
    """Return the comparison as plain text of at most `width` columns where it can."""
    from reports.formats import text
    from reports.tables.against import published

    found = (text.render(table, width) for table in published.build(comparison))
    return "\n\n".join([f"{comparison.board.name} beside published figures", *found])


def compare_sweeps(ours: Results, theirs: Results, *, names: tuple[str, str] | None = None) -> "SweepComparison":
    """Return which numbers of two sweeps, or of two states of one, differ, by how much, and whether beyond noise.

    Args:
        names: what the two are called; by default their own names.
    """
    from reports.tables.against import changes

    return changes.changes(table(ours), table(theirs), names)


def changes(
    results: Results, name: str, other: str | None, *, home: Path, other_home: str | None = None
) -> "SweepComparison | None":
    """Return what has changed against another sweep, as the command line names it; None where it names none.

    Args:
        name: what the results were loaded by.
        other: name of a sweep, a report file, or what an earlier report has left behind; None: `name` in `other_home`.
        home: where the other sweep is, unless in `other_home`.

    Raises:
        ReportError: there is no such sweep, or it is the same one.
    """
    if other is None and other_home is None:
        return None
    wanted = name if other is None else other
    if other_home is None and wanted == name:
        raise ReportError(
            f"{name} is compared with itself; name another sweep, --compare-home, or the folder of an earlier report"
        )
    if other_home is not None:
        theirs = load_home(wanted, other_home)
        return compare_sweeps(results, theirs, names=(results.name, f"{theirs.name} in {other_home}"))
    if Path(wanted).exists() and not wanted.endswith((".yaml", ".yml")):
        if wanted == Path(wanted).name:  # a sweep may be named like a file here; `./NAME` is the file then
            with contextlib.suppress(UnknownSweepError):
                return compare_sweeps(results, load(wanted, home=home))
        return compare_sweeps(results, load_stored(wanted), names=(results.name, wanted))
    return compare_sweeps(results, load_any(wanted, home=home))


def write_changes(comparison: "SweepComparison", out: Path | str) -> list[Path]:
    """Write compare.md, compare.tex and compare.csv into `out`; return the paths. Each file is whole or not there."""
    from reports import report

    return report.write_changes(comparison, Path(out))


def console_changes(comparison: "SweepComparison", width: int = 80) -> str:
    """Return the differences between two sweeps as plain text of at most `width` columns where it can."""
    from reports.formats import text
    from reports.tables.against import sweep

    found = (text.render(table, width) for table in sweep.build(comparison))
    return "\n\n".join([f"{comparison.ours} against {comparison.theirs}", sweep.summary(comparison), *found])


def export(
    results: Results,
    files: Sequence[Path],
    folder: Path | str,
    *,
    home: Path | str | None = None,
    tracking_uri: str | None = None,
) -> list[str]:
    """Attach files that `write` has written into `folder` to the sweep's parent run, under `report/`; return its id.

    Of sweeps that a report file joins, each run gets them, under `report/NAME/`.

    Raises:
        StoreUnavailableError: the store does not take them.
    """
    from reports import exporting

    where = None if home is None else Path(home)
    return exporting.export(results, files, Path(folder), home=where, tracking_uri=tracking_uri)


def note(results: Results, limit: int = 8000) -> str:
    """Return the head-to-head table in Markdown of at most `limit` characters, for `mlflow.note.content`."""
    from reports.report import Report

    return Report(results).note(limit)
