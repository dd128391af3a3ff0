"""What a search spends to find what a random search finds: `python tests/benchmarks/search.py`.

Both tune GDKD (k, w2 and the temperature) on digits100 in one home, with the same teacher. The random search trains 60
proposals by the whole recipe. Ours is what a sweep file asks for to spend less: TPE, the median pruner, and a recipe
squeezed to a part of its epochs. What each chose is then trained anew by the whole recipe with the same seeds, and the
mean on test images is compared. Spent are the epochs that proposals trained, pruned ones up to where they were stopped.
Repeated for several search seeds, since one search is a matter of luck.
"""

import argparse
import contextlib
import csv
import math
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
RANDOM = "{trials: 60, parallel: 2, sampler: random"
SEEDS = 5


def sweep_text(name: str, search: str, seed: int) -> str:
    """Return the sweep file of one search."""
    return f"""name: {name}
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {{tinyresnet: {{recipe: digits-teacher}}}}
recipe: digits
methods:
  gdkd:
    k: {{low: 1, high: 99, log: true}}
    w2: {{low: 0.25, high: 32, log: true}}
    temperature: {{low: 1, high: 8, log: true}}
search: {search}, seed: {seed}}}
seeds: {SEEDS}
"""


def search(home: Path, name: str, text: str) -> tuple[int, float, float]:
    """Run a search; return the epochs that it spent, and mean and standard error of its choice on test."""
    file = home / f"{name}.yaml"
    file.write_text(text)
    command = [sys.executable, str(CHECKOUT / "run_sweep.py"), "run", str(file), "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    (line,) = (ln for ln in csv.DictReader((home / "reports" / name / "table.csv").open()) if ln["row"] == "gdkd")
    return spent(home, name), float(line["mean"]), float(line["std"]) / math.sqrt(SEEDS)


def spent(home: Path, name: str) -> int:
    """Return the epochs of all proposals of a sweep."""
    with contextlib.closing(sqlite3.connect(home / "ledger.db")) as ledger:
        ((epochs,),) = ledger.execute(
            "SELECT count(*) FROM epoch WHERE key IN (SELECT key FROM member WHERE sweep = ? AND phase = 'search')",
            (name,),
        )
    return int(epochs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search-seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=32, help="proposals of our search")
    parser.add_argument("--epochs", type=int, default=5, help="of the recipe that our proposals are trained by, of 10")
    options = parser.parse_args()
    ours = f"{{trials: {options.trials}, parallel: 2, sampler: tpe, pruner: median, epochs: {options.epochs}"
    ratios, gaps = [], []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for seed in range(options.search_seeds):
            all_of_it = search(home, f"random-{seed}", sweep_text(f"random-{seed}", RANDOM, seed))
            less = search(home, f"ours-{seed}", sweep_text(f"ours-{seed}", ours, seed))
            ratios.append(less[0] / all_of_it[0])
            gaps.append(less[1] - all_of_it[1])
            print(
                f"seed {seed}: random {all_of_it[0]} epochs, {all_of_it[1]:.2f} +- {all_of_it[2]:.2f} %; "
                f"ours {less[0]} epochs, {less[1]:.2f} +- {less[2]:.2f} %; spent {ratios[-1]:.2f} of it",
                flush=True,
            )
    print(f"spent {statistics.mean(ratios):.2f} of the epochs; choice {statistics.mean(gaps):+.2f} points on test")


if __name__ == "__main__":
    main()
