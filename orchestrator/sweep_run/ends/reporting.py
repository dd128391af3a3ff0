"""The report at the end of a run: written, printed, and put into the sweep's parent run."""

from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget
from orchestrator.sweep_run.ends.keeping import why_kept


def write_reports(
    sweeps: Sequence[str], home: Path, uri: str, ledger: Ledger, say: Callable[[str], None]
) -> tuple[list[Path], list[str]]:
    """Write every sweep's report, say its table, and put the table into the sweep's parent run.

    Args:
        uri: of the tracking store.

    Returns the folders, and in words what could not be reported.
    """
    import reports

    written, problems = [], []
    for sweep in sweeps:
        folder = home / "reports" / sweep
        try:
            results = reports.load(sweep, home=home, tracking_uri=uri)
            kept = why_kept(results, folder, home)
            if kept:
                problems.append(kept)
                continue
            report = reports.Report(results)
            report.write(folder)
        except (reports.ReportError, OSError) as error:
            problems.append(f"{sweep}: no report: {error}")
            continue
        say(report.console())
        written.append(folder)
        try:
            MlflowTarget(uri, home, ledger).note(sweep, report.note(), report.numbers())
        except Exception as error:  # noqa: BLE001 (MLflow raises what it likes; the table is written by now)
            problems.append(f"{sweep}: the table is not in the sweep's run: {error}")
    return written, problems
