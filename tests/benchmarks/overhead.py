"""What the driver costs: `python tests/benchmarks/overhead.py [COUNT]...`, by default 100, 1,000 and 10,000 trials.

Trials without training go through the real planner and ledger: handed out, ten epochs reported, ended. The first figure
is the time of all that for one trial, every commit on disk; it must not grow with the number of trials. Then the whole
backlog is told to an MLflow database in the home and to the Optuna database, by the real tellers: the second figure is
the time for one run. Then the report of all of it is written: the third is the time for all its files. The last is the
largest memory of this process.
"""

import argparse
import contextlib
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import reports
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import tracking_uri
from orchestrator.sweep_run.tellers import drain, retarget, start_tellers
from tests.orchestrator.simulation import drive, new_planner, sweep_of

SLOTS = 2
SEEDS = 50


def sweep_text(trials: int) -> str:
    """Return a sweep file of about so many trials: every k with every seed."""
    rows = max(1, round(trials / SEEDS))
    return f"""
    name: overhead
    dataset: digits100
    pairs: tinyresnet -> tinycnn
    recipe: {{base: digits, epochs: 10}}
    methods:
      gdkd: {{w1: {{grid: [{", ".join(f"{1 + row / 1000:.3f}" for row in range(rows))}]}}}}
    seeds: {SEEDS if trials >= SEEDS else trials}
    """


def measure(trials: int, folder: Path, *, telling: bool) -> str:
    """Return a line of the table."""
    sweep = sweep_of(sweep_text(trials), folder)
    home = folder / "home"
    home.mkdir()
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        uri = tracking_uri(home)
        retarget(ledger, home, uri, None)
        started = time.perf_counter()
        planner = new_planner(ledger, sweep)
        accepted = time.perf_counter() - started
        started = time.perf_counter()
        count = len(drive(planner, slots=SLOTS))
        scheduling = time.perf_counter() - started
    told = reported = ""
    if telling:
        warm = time.perf_counter()
        tellers = start_tellers(home, uri, None)
        problems = drain(tellers)
        seconds = time.perf_counter() - warm
        started = time.perf_counter()
        reports.write(reports.load(sweep.name, home=home), folder / "report")
        reported = f"{time.perf_counter() - started:8.1f}"
        told = f"{1000 * seconds / count:8.1f}{'  ' + '; '.join(problems) if problems else ''}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    driver = f"{1000 * accepted / count:12.2f} {1000 * scheduling / count:12.2f}"
    return f"{count:8d} {driver} {told:>10} {reported:>10} {peak:10.0f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--no-telling", action="store_true", help="leave out the second and the third figure")
    options = parser.parse_args()
    print(f"{'trials':>8} {'accept ms':>12} {'schedule ms':>12} {'tell ms':>10} {'report s':>10} {'peak MB':>10}")
    for count in options.counts:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(count, Path(folder), telling=not options.no_telling), flush=True)


if __name__ == "__main__":
    main()
