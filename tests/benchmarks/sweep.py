"""A sweep by kdsweep beside the same trials by `vanilla.py`: `python tests/benchmarks/sweep.py [--shape SHAPE]`.

Three shapes, on images of CIFAR's shape or on digits100:

- search: resnet8x4 under resnet32x4, GDKD at eight k with one seed, as a search has it;
- head-to-head: the same pair, four methods with three seeds each;
- digits: as many trials as the quickstart has on digits100, tinycnn under tinyresnet.

Both sides train the same networks under the same teacher for as many steps, with the same hyperparameters, as many
trials at once with as many threads each. A time is that of the whole command from an empty home: imports, databases,
filling the bank, and of ours the report. Ours is repeated with one thing after the other switched on. Beside each
stand the mean accuracy of all trials after the last epoch, the mean seconds of a trial, and of ours how many images the
teacher answered. `limit` is the time of ours with the bank filled before over that of training the same students with
cross-entropy alone.
"""

import argparse
import contextlib
import csv
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.shaped_data import write_cifar_shaped
from trainers.machine import allowance

CHECKOUT = Path(__file__).parents[2]
K_VALUES = (1, 2, 3, 5, 8, 12, 20, 50)
METHODS = ("kd", "dkd", "gdkd", "gdkd3")
DIGITS_SEEDS = 12
METHOD_LINES = {
    "ce": "ce: ",
    "kd": "kd: {ce_weight: 1, weight: 1, temperature: 4}",
    "dkd": "dkd: {alpha: 1, beta: 8, temperature: 4}",
    "gdkd": "gdkd: {k: 5, w1: 1, w2: 8, temperature: 4}",
    "gdkd3": "gdkd3: {k: 5, w1: 1, w2: 8, temperature: 4}",
}
PRECISIONS = {
    "float32, teacher in every step": ("precision=float32", "bank=off"),
    "float32, bank": ("precision=float32", "bank=on"),
    "default (precision: auto)": (),
}
"""What of ours is switched on, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is trained."""

    teacher: str
    student: str
    data: Mapping[str, Any]
    """How `vanilla.py` sees the images."""
    batch: int
    rate: float
    points: Sequence[Mapping[str, Any]]
    """Method, k and seed of each trial."""
    lines: str
    """The methods of the sweep file."""
    seeds: int


CIFAR = {
    "channels": 3, "side": 32, "pad": 4, "flip": True, "fill": 0,
    "mean": (0.5071, 0.4867, 0.4408), "std": (0.2675, 0.2565, 0.2761),
}  # fmt: skip
DIGITS = {"channels": 1, "side": 16, "pad": 2, "flip": False, "fill": 64}
"""Its mean and deviation are those of the training images."""
PAIR: dict[str, Any] = {"teacher": "resnet32x4", "student": "resnet8x4", "data": CIFAR, "batch": 64, "rate": 0.05}
TINY: dict[str, Any] = {"teacher": "tinyresnet", "student": "tinycnn", "data": DIGITS, "batch": 128, "rate": 0.1}


def _grid(methods: Sequence[str], seeds: int) -> list[dict[str, Any]]:
    return [{"method": method, "k": 5, "seed": seed} for method in methods for seed in range(seeds)]


SHAPES = {
    "search": Shape(
        **PAIR,
        points=[{"method": "gdkd", "k": k, "seed": 0} for k in K_VALUES],
        lines=f"gdkd: {{k: {{grid: [{', '.join(map(str, K_VALUES))}]}}, w1: 1, w2: 8, temperature: 4}}",
        seeds=1,
    ),
    "head-to-head": Shape(
        **PAIR, points=_grid(METHODS, 3), lines=", ".join(METHOD_LINES[name] for name in METHODS), seeds=3
    ),
    "digits": Shape(
        **TINY,
        points=_grid(METHODS, DIGITS_SEEDS),
        lines=", ".join(METHOD_LINES[name] for name in METHODS),
        seeds=DIGITS_SEEDS,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A shape with its files, and how long it trains."""

    shape: Shape
    root: Path
    weights: Path
    epochs: int
    at_once: int

    @property
    def dataset(self) -> str:
        """Return the data set as a sweep file has it."""
        return f"{{cifar100: {{root: {self.root}}}}}" if self.shape.data is CIFAR else "{digits100: {}}"


@dataclass(frozen=True, slots=True)
class Measured:
    """How one side fared."""

    seconds: float
    accuracies: Sequence[float]
    trial_seconds: float
    teacher_images: float | None = None

    def line(self, name: str, base: float) -> str:
        """Return a line of the table."""
        answered = "" if self.teacher_images is None else f"{self.teacher_images:9.0f}"
        accuracy = statistics.mean(self.accuracies)
        return (
            f"{name:<34} {self.seconds:8.1f} s {base / self.seconds:6.2f} x {accuracy:7.2f} % "
            f"{self.trial_seconds:7.1f} s a trial {answered}"
        )


def sweep_text(bench: Bench, lines: str) -> str:
    """Return the sweep file of the same trials."""
    shape = bench.shape
    return f"""name: bench
datasets: {bench.dataset}
pairs: {shape.teacher} -> {shape.student}
teachers: {{{shape.teacher}: {{checkpoint: {bench.weights}}}}}
recipe: {{base: cifar, epochs: {bench.epochs}, batch_size: {shape.batch}, learning_rate: {shape.rate},
         schedule: constant, milestones: []}}
methods: {{{lines}}}
seeds: {shape.seeds}
resources: {{cpus: 1}}
"""


def train_teacher(bench: Bench, epochs: int) -> float:
    """Train a teacher that knows something; return its accuracy in percent."""
    from search_spaces import expand, read
    from trainers.files.store import Store
    from trainers.training.distill import distill

    shape, path = bench.shape, bench.root / "teacher.yaml"
    path.write_text(
        f"name: teacher\ndatasets: {bench.dataset}\npairs: {shape.teacher} -> {shape.student}\n"
        f"recipe: {{base: quick, epochs: {epochs}, batch_size: {shape.batch}, learning_rate: {shape.rate}}}\n"
        "methods: {kd: }\nseeds: 1\n"
    )
    trial = expand(read(path)).teachers[0].trial
    assert trial is not None
    *_, epoch = distill(trial, Store(bench.root / "home"), data_root=bench.root)
    epoch.save_weights(bench.weights)
    return epoch.values["test_top1"]


def write_arrays(bench: Bench) -> dict[str, list[float]]:
    """Write the images as the plain script reads them; return mean and deviation of the channels, in 0 … 1."""
    from trainers import data

    name = "cifar100" if bench.shape.data is CIFAR else "digits100"
    images = data.load(name, bench.root)
    assert isinstance(images, data.Images)
    for part in ("train", "test"):
        pixels = np.moveaxis(getattr(images, f"{part}_images"), 1, 3)
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        np.savez(bench.root / f"{part}.npz", images=pixels, labels=getattr(images, f"{part}_targets"))
    train = images.train_images / 255
    return {"mean": train.mean(axis=(0, 2, 3)).tolist(), "std": train.std(axis=(0, 2, 3)).tolist()}


def vanilla(bench: Bench, channels: Mapping[str, Sequence[float]]) -> Measured:
    """Measure the plain script.

    Args:
        channels: mean and deviation of the data, where the data set has none of its own.
    """
    shape = bench.shape
    settings: dict[str, Any] = {
        **channels, **shape.data, "checkout": str(CHECKOUT), "root": str(bench.root), "weights": str(bench.weights),
        "teacher": f"cifar_{shape.teacher}", "student": f"cifar_{shape.student}", "batch": shape.batch,
        "rate": shape.rate, "threads": 1, "at_once": bench.at_once, "warmup": 20 * bench.epochs / 240,
        "points": [{**point, "epochs": bench.epochs} for point in shape.points],
    }  # fmt: skip
    started = time.perf_counter()
    result = run([str(CHECKOUT / "tests/benchmarks/vanilla.py"), json.dumps(settings)], bench.root)
    seconds = time.perf_counter() - started
    told = json.loads(result.splitlines()[-1])
    return Measured(seconds, told["accuracies"], statistics.mean(told["trial_seconds"]))


def ours(bench: Bench, lines: str, ways: Sequence[str], home: Path) -> Measured:
    """Measure the sweep."""
    file = home.with_suffix(".yaml")
    file.write_text(sweep_text(bench, lines))
    options = [word for way in ways for word in ("--set", way)]
    command = [str(CHECKOUT / "run_sweep.py"), "run", str(file), *options, "--workers", str(bench.at_once)]
    started = time.perf_counter()
    run([*command, "--home", str(home)], bench.root)
    seconds = time.perf_counter() - started
    rows = list(csv.DictReader((home / "reports" / "bench" / "table.csv").open()))
    accuracies = [float(row["mean"]) for row in rows if row["row"] not in ("", "teacher")]
    with contextlib.closing(sqlite3.connect(home / "ledger.db")) as ledger:
        metrics = [json.loads(text) for (text,) in ledger.execute("SELECT metrics FROM trial WHERE state = 'COMPLETE'")]
        ((trial_seconds,),) = ledger.execute("SELECT avg(ended_at - started_at) FROM attempt WHERE state = 'COMPLETE'")
    return Measured(seconds, accuracies, trial_seconds, sum(one.get("teacher_images", 0) for one in metrics))


def run(command: Sequence[str], folder: Path) -> str:
    """Return what a Python command prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KDSWEEP_")}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def table(bench: Bench, teacher_epochs: int, *, with_limit: bool) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    channels = write_arrays(bench)
    top1 = train_teacher(bench, teacher_epochs)
    yield f"{platform.processor() or platform.machine()}, {allowance()}, {time.strftime('%Y-%m-%d')}"
    yield f"{len(bench.shape.points)} trials of {bench.epochs} epochs, {bench.at_once} at once; teacher {top1:.1f} %"
    base = vanilla(bench, channels)
    yield base.line("vanilla", base.seconds)
    for index, (name, ways) in enumerate(PRECISIONS.items()):
        yield ours(bench, bench.shape.lines, ways, bench.root / f"home-{index}").line(name, base.seconds)
    if with_limit:
        yield from limit(bench)


def limit(bench: Bench) -> Iterator[str]:
    """Yield our time with a full bank, that of as many students alone, and their ratio."""
    home = bench.root / "home-limit"
    count = len(bench.shape.points)
    ours(bench, bench.shape.lines, (), home)
    filled = bench.root / "home-filled"
    filled.mkdir()
    (home / "banks").rename(filled / "banks")
    with_bank = ours(bench, bench.shape.lines, (), filled)
    alone = ours(bench, METHOD_LINES["ce"], (f"seeds={count}",), bench.root / "home-alone")
    yield with_bank.line("default, bank filled before", with_bank.seconds)
    yield alone.line("students alone", with_bank.seconds)
    yield f"limit: {with_bank.seconds / alone.seconds:.2f} of the students alone"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="search")
    parser.add_argument("--images", type=int, default=1000, help="training images, of CIFAR's shape")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--teacher-epochs", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=2, help="trials at once, of one thread each")
    parser.add_argument("--limit", action="store_true", help="measure the limit too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_cifar_shaped(root, train=options.images, test=500)
        shape = SHAPES[options.shape]
        bench = Bench(
            shape=shape,
            root=root,
            weights=root / "teacher.safetensors",
            epochs=options.epochs,
            at_once=options.at_once,
        )
        for line in table(bench, options.teacher_epochs, with_limit=options.limit):
            print(line, flush=True)


if __name__ == "__main__":
    main()
