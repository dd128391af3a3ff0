"""A sweep by kdsweep beside the same trials by `vanilla.py`: `python tests/benchmarks/sweep.py`.

Both train resnet8x4 under resnet32x4 on CIFAR-shaped images, by the same recipe, for as many steps, with the same
hyperparameters (GDKD at eight k) and one seed, as many trials at once with as many threads each. A time is that of the
whole command, from an empty home: imports, databases, filling the bank. Ours is repeated with one thing after the other
switched on. The accuracies stand beside: means over the eight trials, after the last epoch.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.shaped_data import write_cifar_shaped

CHECKOUT = Path(__file__).parents[2]
POINTS = (1, 2, 3, 5, 8, 12, 20, 50)
"""Values of k."""
W2 = 8.0
BATCH = 64
WAYS: Mapping[str, Sequence[str]] = {
    "float32, teacher in every step": ("precision=float32", "bank=off"),
    "float32, bank": ("precision=float32", "bank=on"),
    "default (precision: auto)": (),
}
"""What of ours is switched on, one after the other."""


def sweep_text(root: Path, weights: Path, epochs: int) -> str:
    """Return the sweep file of the same trials."""
    return f"""name: bench
datasets: {{cifar100: {{root: {root}}}}}
pairs: resnet32x4 -> resnet8x4
teachers: {{resnet32x4: {{checkpoint: {weights}}}}}
recipe: {{base: cifar, epochs: {epochs}}}
methods: {{gdkd: {{k: {{grid: [{", ".join(map(str, POINTS))}]}}, w1: 1, w2: {W2}}}}}
seeds: 1
resources: {{cpus: 1}}
"""


def train_teacher(root: Path, weights: Path, epochs: int) -> float:
    """Train a teacher that knows something; return its accuracy in percent."""
    from search_spaces import expand, read
    from trainers.distill import distill
    from trainers.store import Store

    path = root / "teacher.yaml"
    path.write_text(
        f"name: teacher\ndatasets: {{cifar100: {{root: {root}}}}}\npairs: resnet32x4 -> resnet8x4\n"
        f"recipe: {{base: quick, epochs: {epochs}, batch_size: 64, learning_rate: 0.05}}\nmethods: {{kd: }}\nseeds: 1\n"
    )
    trial = expand(read(path)).teachers[0].trial
    assert trial is not None
    *_, epoch = distill(trial, Store(root / "home"), data_root=root)
    epoch.save_weights(weights)
    return epoch.values["test_top1"]


def vanilla(root: Path, weights: Path, epochs: int, at_once: int) -> tuple[float, list[float]]:
    """Return the seconds of the plain script, and its accuracies in percent."""
    settings: dict[str, Any] = {
        "checkout": str(CHECKOUT), "root": str(root), "weights": str(weights), "teacher": "cifar_resnet32x4",
        "student": "cifar_resnet8x4", "epochs": epochs, "batch": BATCH, "seed": 0, "threads": 1, "at_once": at_once,
        "warmup": 20 * epochs / 240, "points": [{"k": k, "w2": W2} for k in POINTS],
    }  # fmt: skip
    started = time.perf_counter()
    result = run([str(CHECKOUT / "tests/benchmarks/vanilla.py"), json.dumps(settings)], root)
    return time.perf_counter() - started, json.loads(result.splitlines()[-1])["accuracies"]


def ours(root: Path, weights: Path, epochs: int, at_once: int, ways: Sequence[str]) -> tuple[float, list[float]]:
    """Return the seconds of the sweep, from an empty home, and its accuracies in percent."""
    import csv

    with tempfile.TemporaryDirectory(dir=root) as folder:
        file, home = Path(folder) / "bench.yaml", Path(folder) / "home"
        file.write_text(sweep_text(root, weights, epochs))
        options = [word for way in ways for word in ("--set", way)]
        started = time.perf_counter()
        run(
            [
                str(CHECKOUT / "run_sweep.py"),
                "run",
                str(file),
                *options,
                "--workers",
                str(at_once),
                "--home",
                str(home),
            ],
            root,
        )
        seconds = time.perf_counter() - started
        lines = csv.DictReader((home / "reports" / "bench" / "table.csv").open())
        return seconds, [float(line["mean"]) for line in lines if line["row"].startswith("gdkd")]


def run(command: Sequence[str], folder: Path) -> str:
    """Return what a Python command prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KDSWEEP_")}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def table(root: Path, options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    weights = root / "teacher.safetensors"
    top1 = train_teacher(root, weights, options.teacher_epochs)
    yield f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"
    yield f"{len(POINTS)} trials of {options.epochs} epochs, {options.images} images; teacher {top1:.1f} %"
    base, accuracies = vanilla(root, weights, options.epochs, options.at_once)
    yield f"{'vanilla':<34} {base:8.1f} s  {1:5.2f} x  {statistics.mean(accuracies):6.2f} %"
    for name, ways in WAYS.items():
        seconds, accuracies = ours(root, weights, options.epochs, options.at_once, ways)
        yield f"{name:<34} {seconds:8.1f} s  {base / seconds:5.2f} x  {statistics.mean(accuracies):6.2f} %"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="training images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--teacher-epochs", type=int, default=2)
    parser.add_argument("--at-once", type=int, default=2, help="trials at once, of one thread each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_cifar_shaped(root, train=options.images, test=500)
        for line in table(root, options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
