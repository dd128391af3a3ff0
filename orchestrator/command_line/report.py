"""`report`: the tables and figures of a sweep."""

import argparse
import shutil
import sys
from pathlib import Path

from orchestrator.command_line._arguments import add_home, local
from orchestrator.command_line._base import EXIT_FAILED, EXIT_WRONG_REQUEST, Command
from orchestrator.command_line._telling import tell

WIDE = 110
"""Columns of a table beside published figures where there is no terminal to ask."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("name", metavar="NAME", help="of the sweep, or a report file (NAME.yaml) that joins several")
    parser.add_argument(
        "--against",
        metavar="WHAT",
        help="put the numbers beside others, and print those: published (figures of papers)",
    )
    parser.add_argument(
        "--compare",
        type=local,
        metavar="OTHER",
        help="say which numbers differ from another sweep's, a report file's, or those of a report that was written "
        "(its folder, or results.parquet), and whether beyond noise",
    )
    parser.add_argument(
        "--compare-home",
        type=local,
        metavar="DIR",
        help="home that the other sweep is in; by default the sweep of the same name",
    )
    parser.add_argument(
        "--audit",
        action="store_true",
        help="say what habits of reporting would have added to the lead of report.proposal: best epoch or seed by "
        "test, baselines at their defaults, settings copied from one pair",
    )
    parser.add_argument(
        "--export",
        choices=["mlflow", "models"],
        help="mlflow: attach the report to the sweep's parent run, under report/; models: log the best student of each "
        "pair and its teacher with mlflow.pytorch, as pickles",
    )
    parser.add_argument("--out", type=local, metavar="DIR", help="folder to write into (else reports/NAME in the home)")
    add_home(parser)


def call(options: argparse.Namespace) -> int:
    """Write it, and print what was asked for: the tables, or what stands beside others."""
    import reports
    from orchestrator.commands.viewers import viewer_lines
    from orchestrator.display import Lines
    from orchestrator.home.home import home_folder
    from orchestrator.sweep_run.ends.keeping import why_kept, why_nothing

    home = home_folder(options.home)
    try:
        results = reports.load_any(options.name, home=home)
    except (reports.UnknownSweepError, reports.StoreUnavailableError) as error:
        raise reports.ReportError(why_nothing(options.name, home, error)) from error
    comparison = None if options.against is None else reports.compare(results, options.against)
    changes = reports.changes(results, options.name, options.compare, home=home, other_home=options.compare_home)
    audit = reports.audit(results) if options.audit else None
    folder = Path(options.out) if options.out else home / "reports" / results.name
    kept = why_kept(results, folder, home)
    if kept:
        print(kept, file=sys.stderr)
        return EXIT_FAILED
    try:
        report = reports.Report(results, comparison, changes, audit)
        written = report.write(folder)
    except OSError as error:
        tell(
            f"the report cannot be written into {folder}: {error.strerror or error}; give another with --out",
            sys.stderr,
        )
        return EXIT_WRONG_REQUEST
    width = shutil.get_terminal_size((WIDE, 24)).columns
    beside = [one for one in (comparison, changes, audit) if one is not None]
    if not beside:
        tell(report.console())
    for one in beside:
        tell(reports.console_comparison(one, width))
    tell(f"report: {folder}")
    if results.trials["phase"].eq("search").any():
        *_, searches = viewer_lines(home)
        Lines(sys.stdout).say(searches, command=True)
    if options.export == "models":
        print(reports.PICKLES, file=sys.stderr)
        for model, address in reports.export_models(results, home=home).items():
            print(f"logged {model}: {address}")
    if options.export == "mlflow":
        runs = reports.export(results, written, folder, home=home)
        print(f"attached to {', '.join(f'run {run}' for run in runs)}")
    return 0


COMMAND = Command(
    name="report",
    help="write the tables and figures of a sweep",
    description="Write the tables and figures of a sweep as last accepted, from what MLflow holds, also while it runs.",
    example="NAME --against published",
    add_arguments=add_arguments,
    call=call,
)
