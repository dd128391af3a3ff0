"""The numbers of a sweep beside others: published figures, another sweep, or another state of the same."""

import contextlib
from pathlib import Path

from reports.board.board import build
from reports.errors import ReportError, UnknownSweepError
from reports.report_file import load_any
from reports.results import joining, loading, stored
from reports.results.results import Results
from reports.tables.against.published import Comparison, beside_published
from reports.tables.against.sweep import SweepComparison, compare_boards

AGAINST = ("published",)
"""What the numbers of a sweep can be put beside."""


def compare(results: Results, against: str = "published") -> Comparison:
    """Return the sweep's numbers beside others as a plain object: best epoch against best epoch.

    Args:
        against: published, the figures of papers and their code.

    Raises:
        ReportError: there is nothing of that name to compare with.
    """
    if against not in AGAINST:
        raise ReportError(f"--against takes {', '.join(AGAINST)}, got {against!r}")
    return beside_published(results, build(results))


def compare_sweeps(ours: Results, theirs: Results, *, names: tuple[str, str] | None = None) -> SweepComparison:
    """Return which numbers of two sweeps, or of two states of one, differ, by how much, and whether beyond noise.

    Args:
        names: what the two are called; by default their own names.
    """
    return compare_boards(build(ours), build(theirs), names)


def changes(
    results: Results, name: str, other: str | None, *, home: Path, other_home: str | None = None
) -> SweepComparison | None:
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
        theirs = loading.load_home(wanted, other_home)
        return compare_sweeps(results, theirs, names=(results.name, f"{theirs.name} in {other_home}"))
    if not Path(wanted).exists() or wanted.endswith((".yaml", ".yml")):
        return compare_sweeps(results, load_any(wanted, home=home))
    if wanted == Path(wanted).name:  # a sweep may be named like a file here; `./NAME` is the file then
        with contextlib.suppress(UnknownSweepError):
            return compare_sweeps(results, joining.load(wanted, home=home))
    return compare_sweeps(results, stored.load(wanted), names=(results.name, wanted))
