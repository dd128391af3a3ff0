"""What came out of a sweep: results, statistics, tables, figures.

    results = reports.load("gdkd-k")
    report = reports.Report(results)  # report.board, report.tables, report.figures
    report.write(Path("out"))

Reads the tracking store alone; knows nothing of how trials are scheduled. Importing this room loads no heavy library.
"""

import importlib
from typing import TYPE_CHECKING, Any

from reports.errors import ReportError, StoreUnavailableError, UnknownSweepError

if TYPE_CHECKING:
    from reports.board.board import build as table
    from reports.board.fidelity import mcnemar
    from reports.comparing import changes, compare, compare_sweeps
    from reports.exporting import PICKLES, export, export_models
    from reports.figures.saving import draw
    from reports.report import Report, console_comparison, console_table, write, write_comparison
    from reports.report_file import load_any, load_file
    from reports.results.joining import load
    from reports.results.loading import load_home
    from reports.results.results import Results, histories
    from reports.results.stored import load as load_stored
    from reports.tables.audit import audit

__all__ = [
    "PICKLES",
    "Report",
    "ReportError",
    "Results",
    "StoreUnavailableError",
    "UnknownSweepError",
    "audit",
    "changes",
    "compare",
    "compare_sweeps",
    "console_comparison",
    "console_table",
    "draw",
    "export",
    "export_models",
    "histories",
    "load",
    "load_any",
    "load_file",
    "load_home",
    "load_stored",
    "mcnemar",
    "table",
    "write",
    "write_comparison",
]

_PLACES = {
    "board.fidelity": ("mcnemar",),
    "comparing": ("changes", "compare", "compare_sweeps"),
    "exporting": ("PICKLES", "export", "export_models"),
    "figures.saving": ("draw",),
    "report": ("Report", "console_comparison", "console_table", "write", "write_comparison"),
    "report_file": ("load_any", "load_file"),
    "results.joining": ("load",),
    "results.loading": ("load_home",),
    "results.results": ("Results", "histories"),
    "tables.audit": ("audit",),
}
_HOMES = {name: (module, name) for module, names in _PLACES.items() for name in names}
_HOMES |= {"table": ("board.board", "build"), "load_stored": ("results.stored", "load")}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reports' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(f"reports.{module}"), attribute)
