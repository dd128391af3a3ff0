"""Whether every method survives the recipes for data that have none of the literature: `tests/benchmarks/robust.py`.

All methods at their defaults, on digits100 (recipe `digits`), on ten classes of 28 x 28 pixels made from scikit-learn's
digits, and on made-up folders of 2, 5 and 20 classes (recipe `quick`), with each bound on the gradient's norm that is
asked for. A trial that has ended is not trained again: started anew with the same --home, it goes on. Printed are, for
each data set and bound, how many trials collapsed or diverged, which methods they are of, and what the bound costs: the
mean over methods of the difference from no bound, of those that came through without one.
"""

import argparse
import gzip
import statistics
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

import orchestrator
import reports
from orchestrator.display import Nothing
from trainers import methods

HELD_OUT = 5
"""Every fifth image is a test image."""
SIDE = 32
"""Pixels of a made-up picture."""
TRAIN_IMAGES, FEWEST_OF_CLASS = 300, 40
"""Of a folder, and of each class at least: three steps an epoch or more, for with one the ten steps of `quick` are too
few for the statistics of batch norms, whatever the method."""
TEST_OF_CLASS = 20
PAIR = "tinyresnet -> tinycnn"


@dataclass(frozen=True)
class Setting:
    """A data set with the recipe that it is for."""

    name: str
    dataset: str
    recipe: str
    teacher: str
    classes: int
    epochs: int | None = None
    """Fewer than the recipe's, where that costs too long."""


SETTINGS = (
    Setting("digits100", "digits100", "digits", "digits-teacher", 100, epochs=2),
    Setting("digits10", "mnist", "quick", "{base: quick, clip_norm: 5}", 10),
    Setting("folder2", "imagefolder", "quick", "{base: quick, clip_norm: 5}", 2),
    Setting("folder5", "imagefolder", "quick", "{base: quick, clip_norm: 5}", 5),
    Setting("folder20", "imagefolder", "quick", "{base: quick, clip_norm: 5}", 20),
)


def write_digits(folder: Path) -> None:
    """Write scikit-learn's digits at 28 x 28 pixels in MNIST's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = load_digits(return_X_y=True)
    small = (images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    large = np.stack([np.asarray(Image.fromarray(one).resize((28, 28), Image.Resampling.BICUBIC)) for one in small])
    held = np.arange(len(labels)) % HELD_OUT == 0
    for part, which in (("train", ~held), ("t10k", held)):
        _write_idx(folder / f"{part}-images-idx3-ubyte.gz", large[which])
        _write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels[which].astype(np.uint8))


def _write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes(), mtime=0))


def write_folder(folder: Path, classes: int) -> None:
    """Write pictures of waves in noise: a class has a direction, a wave length and a colour."""
    rng = np.random.default_rng(classes)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    for number in range(classes):
        angle, length, colour = number * np.pi / classes, 3 + number % 3, rng.uniform(0.4, 1, 3)
        for part, count in (("train", max(FEWEST_OF_CLASS, TRAIN_IMAGES // classes)), ("val", TEST_OF_CLASS)):
            place = folder / part / f"class_{number:02d}"
            place.mkdir(parents=True, exist_ok=True)
            for picture in range(count):
                turn = angle + rng.normal(0, 0.5 / classes)
                wave = np.sin(2 * np.pi * length * (x * np.cos(turn) + y * np.sin(turn)) + rng.uniform(0, 2 * np.pi))
                shown = 128 + 60 * wave[..., None] * colour + rng.normal(0, 40, (SIDE, SIDE, 3))
                Image.fromarray(shown.clip(0, 255).astype(np.uint8)).save(place / f"{picture:03d}.png")


def made(setting: Setting, home: Path) -> str:
    """Make the data set where it is not there; return how a sweep file names it."""
    if setting.dataset == "digits100":
        return "dataset: digits100"
    root = home / "made" / setting.name
    done = root.with_suffix(".done")
    if not done.exists():
        write_digits(root) if setting.dataset == "mnist" else write_folder(root, setting.classes)
        done.touch()
    size = ", size: 32" if setting.dataset == "imagefolder" else ""
    return f"datasets: {{{setting.dataset}: {{root: {root}{size}}}}}"


def sweep_text(setting: Setting, home: Path, clip_norm: float, seeds: int) -> str:
    """Return the sweep file of a setting."""
    epochs = f", epochs: {setting.epochs}" if setting.epochs else ""
    lines = [f"  {name}:" for name in methods.names() if name != "gdkd3" or setting.classes > 2]
    return "\n".join(
        (
            f"name: {name_of(setting, clip_norm)}",
            made(setting, home),
            f"pairs: {PAIR}",
            f"teachers: {{tinyresnet: {{recipe: {setting.teacher}}}}}",
            f"recipe: {{base: {setting.recipe}, clip_norm: {clip_norm:g}{epochs}}}",
            "methods:",
            *lines,
            f"seeds: {seeds}",
            "resources: {cpus: 1}",
            "",
        )
    )


def name_of(setting: Setting, clip_norm: float) -> str:
    """Return the sweep's name."""
    return f"{setting.name}-clip-{clip_norm:g}"


def train(setting: Setting, home: Path, clip_norm: float, seeds: int) -> None:
    """Train what has not been trained."""
    file = home / f"{name_of(setting, clip_norm)}.yaml"
    file.write_text(sweep_text(setting, home, clip_norm, seeds))
    orchestrator.run([file], home=home / setting.name, workers=0, screen=Nothing())


@dataclass(frozen=True)
class Found:
    """What became of the trials of one setting under one bound."""

    trials: int
    lost: Mapping[str, int]
    """Collapsed or diverged trials by method."""
    means: Mapping[str, float]
    """Of the methods that lost none: mean test accuracy in percent."""
    teacher: float


def found(setting: Setting, home: Path, clip_norm: float) -> Found:
    """Read what was recorded."""
    trials = reports.load_home(name_of(setting, clip_norm), home / setting.name).trials
    teacher = float(trials[trials["phase"] == "teacher"]["final_top1"].iloc[0])
    students = trials[trials["phase"] == "fixed"]
    bad = students[students["collapsed"].notna() | students["state"].isin(["DIVERGED", "FAIL"])]
    lost = {str(name): int(count) for name, count in bad.groupby("row", sort=False).size().items()}
    means = students.groupby("row", sort=False)["final_top1"].mean()
    whole = {str(name): float(mean) for name, mean in means.items() if name not in lost}
    return Found(len(students), lost, whole, teacher)


def line(setting: Setting, clip_norm: float, here: Found, without: Found | None) -> str:
    """Return a row of the table in docs/performance.md."""
    cost = "–"
    if without is not None and without is not here:
        common = [here.means[name] - mean for name, mean in without.means.items() if name in here.means]
        error = statistics.stdev(common) / len(common) ** 0.5
        cost = f"{statistics.mean(common):+.2f} ± {error:.2f}"
    mean, least = statistics.mean(here.means.values()), min(here.means, key=lambda name: here.means[name])
    lost = ", ".join(f"{name} {count}" for name, count in here.lost.items()) or "none"
    return (
        f"| {setting.name} | {clip_norm:g} | {here.teacher:.1f} | {sum(here.lost.values())} of {here.trials} | {lost} "
        f"| {mean:.1f} | {here.means[least]:.1f} ({least}) | {cost} |"
    )


def table(settings: Sequence[Setting], home: Path, clips: Sequence[float]) -> str:
    """Return what was found as a table."""
    heads = ("data", "clip_norm", "teacher", "lost", "of which", "mean of methods", "lowest", "cost")
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for setting in settings:
        without = found(setting, home, 0.0) if 0.0 in clips else None
        lines += [
            line(setting, clip, without if clip == 0 and without else found(setting, home, clip), without)
            for clip in clips
        ]
    return "\n".join(lines)


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("build/robust"), help="goes on with what is there")
    parser.add_argument("--clips", type=float, nargs="+", default=[0.0, 5.0], help="bounds on the norm; 0: none")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[setting.name for setting in SETTINGS], help="of the data sets")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    chosen = [setting for setting in SETTINGS if not options.only or setting.name in options.only]
    for setting in chosen:
        for clip in options.clips:
            train(setting, options.home.absolute(), clip, options.seeds)
            print(f"{setting.name} at {clip:g} is done", flush=True)
    print(table(chosen, options.home.absolute(), options.clips))


if __name__ == "__main__":
    main()
