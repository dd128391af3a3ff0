"""Students side by side against one by one: `python tests/benchmarks/together.py [--pictures N] [--student NAME]`.

Pictures of 256 pixels in JPEG files, cut from scikit-learn's sample photographs, are read by eight methods, two of them
of features, over two seeds: two cohorts of eight on two workers. First the share f of reading and teaching in a step is
measured for each method alone, with the teacher in every step, and the processor time of an epoch of all eight, one by
one and in step, in one process. Then the whole command is timed with `resources.together` 1 and 8 in turns, from the
first trial's start to the last one's end, each from a home with the teacher trained.

A cohort can be no faster than 1 / (1 - f + f / 8).

Last, GDKD at eight k over two seeds, as a plain script trains it (`vanilla.py`) and as we do: whole commands, with the
teacher trained; ours side by side with the bank, as it is by default.
"""

import argparse
import contextlib
import csv
import json
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from search_spaces import expand, read
from tests.benchmarks.sweep import run
from trainers.data import PICTURE_MEAN, PICTURE_STD
from trainers.files.store import Store
from trainers.machine import allowance
from trainers.training.distill import Training, distill
from trainers.training.turns import Turns
from trainers.trials.trial import Trial, trial_key
from trainers.views.shared import Sharing

CHECKOUT = Path(__file__).parents[2]
METHODS = ("ce", "kd", "dkd", "gdkd", "gdkd3", "dist", "fitnet", "vid")
ROWS = ", ".join(f"{name}: " for name in METHODS)
K_VALUES = (1, 2, 3, 4, 5, 6, 7, 8)
SEEDS, WORKERS, TOGETHER = 2, 2, 8
CLASSES, SIDE, QUALITY = 10, 256, 90


def write_pictures(folder: Path, count: int) -> None:
    """Write so many pictures for training and a quarter as many for the test: a class is a place in a photograph."""
    photographs = load_sample_images().images
    random = np.random.default_rng(0)
    for part, each in (("train", count // CLASSES), ("val", count // CLASSES // 4)):
        for label in range(CLASSES):
            photograph = Image.fromarray(photographs[label % len(photographs)])
            place = folder / part / f"place_{label}"
            place.mkdir(parents=True)
            corner = np.array([40 * (label // 2) % 300, 30 * (label // 2) % 130])
            for number in range(each):
                left, top = (corner + random.integers(0, 40, 2)).tolist()
                cut = photograph.crop((left, top, left + SIDE, top + SIDE))
                cut.save(place / f"{number}.jpg", quality=QUALITY)


def sweep_text(options: argparse.Namespace, together: int, methods: str = ROWS) -> str:
    """Return the sweep file."""
    return f"""name: bench
datasets: {{imagefolder: {{root: pictures, size: {options.size}}}}}
pairs: {options.teacher} -> {options.student}
teachers: {{{options.teacher}: {{recipe: {{epochs: 1}}, accept: true}}}}
recipe: {{base: quick, epochs: {options.epochs}, batch_size: 64}}
methods: {{{methods}}}
seeds: {SEEDS}
resources: {{together: {together}}}
"""


def shares(trials: dict[str, Trial], store: Store, root: Path) -> dict[str, float]:
    """Return by method which share of its steps is reading and teaching, with the teacher in every step."""
    found = {}
    for name, trial in trials.items():
        training = Training(trial, store, device=torch.device("cpu"), data_root=root, bank=False)
        spent = [0.0]
        read_batches = training.seen.batches

        def batches(*given: Any, spent: list[float] = spent, read: Any = read_batches) -> Iterator[Any]:
            made = iter(read(*given))
            while True:
                began = time.perf_counter()
                batch = next(made, None)
                spent[0] += time.perf_counter() - began
                if batch is None:
                    return
                yield batch

        training.seen = _Timed(training.seen, batches)
        if training.replies is not None:
            answer = training.replies.to

            def to(*given: Any, spent: list[float] = spent, answer: Any = answer) -> Any:
                began = time.perf_counter()
                found = answer(*given)
                spent[0] += time.perf_counter() - began
                return found

            training.replies.to = to  # type: ignore[method-assign]
        epoch = training.train_epoch()
        found[name] = spent[0] / epoch.values["epoch_seconds"]
    return found


def processor_seconds(trials: dict[str, Trial], store: Store, root: Path) -> tuple[float, float]:
    """Return what an epoch of all trials takes, with its scoring: one by one, and in step."""
    how: dict[str, Any] = {"device": torch.device("cpu"), "data_root": root, "bank": False}
    alone = [Training(trial, store, **how) for trial in trials.values()]
    began = time.process_time()
    for training in alone:
        training.train_epoch()
    one_by_one = time.process_time() - began
    share = Sharing()
    begun = {name: Training(trial, store, share=share, **how).steps() for name, trial in trials.items()}
    cohort: Turns[str, Any] = Turns(begun)
    began = time.process_time()
    said = cohort.round()
    in_step = time.process_time() - began
    assert len(said) == len(trials)
    return one_by_one, in_step


class _Timed:
    """Views whose batches are timed."""

    def __init__(self, views: Any, batches: Any) -> None:
        self.count, self.centre, self.batches = views.count, views.centre, batches


def command(file: Path, home: Path) -> list[str]:
    """Return the command that trains a sweep in a home."""
    return [str(CHECKOUT / "run_sweep.py"), "run", str(file), "--workers", str(WORKERS), "--home", str(home)]


def against_plain(options: argparse.Namespace, root: Path, ready: Path, teacher: Trial, weights: Path) -> Iterator[str]:
    """Yield the seconds of a plain script with sixteen trials, and ours."""
    settings: dict[str, Any] = {
        "checkout": str(CHECKOUT), "folder": str(root / "pictures"), "weights": str(weights), "root": str(root),
        "teacher": teacher.student, "student": f"cifar_{options.student}", "channels": 3, "side": options.size,
        "pad": 0, "fill": 0, "flip": True, "mean": PICTURE_MEAN, "std": PICTURE_STD, "classes": CLASSES,
        "batch": 64, "rate": 0.1, "threads": 1, "at_once": WORKERS, "warmup": 1.0,
        "points": [{"method": "gdkd", "k": k, "seed": seed, "epochs": options.epochs}
                   for k in K_VALUES for seed in range(SEEDS)],
    }  # fmt: skip
    began = time.perf_counter()
    run([str(CHECKOUT / "tests/benchmarks/vanilla.py"), json.dumps(settings)], root)
    theirs = time.perf_counter() - began
    folder, home = root / "against", root / "home-against"
    folder.mkdir()
    (folder / "pictures").symlink_to(root / "pictures")
    grid = f"gdkd: {{k: {{grid: [{', '.join(map(str, K_VALUES))}]}}, w1: 1, w2: 8, temperature: 4}}"
    (folder / "bench.yaml").write_text(sweep_text(options, TOGETHER, grid))
    shutil.copytree(ready, home)
    began = time.perf_counter()
    run(command(folder / "bench.yaml", home), folder)
    ours = time.perf_counter() - began
    yield f"a plain script {theirs:.1f} s, ours {ours:.1f} s: {theirs / ours:.2f} times as fast"


def whole(home: Path, teacher: Path, file: Path) -> tuple[float, float, dict[tuple[str, str], str]]:
    """Return the seconds of training of a command from first trial to last, the images that teachers answered, and the
    means of the table."""
    shutil.copytree(teacher, home)
    began = time.time()
    run(command(file, home), file.parent)
    with contextlib.closing(sqlite3.connect(home / "ledger.db")) as ledger:
        students = f"state = 'COMPLETE' AND started_at >= {began}"
        ((seconds, count),) = ledger.execute(
            f"SELECT max(ended_at) - min(started_at), count(*) FROM trial WHERE {students}"
        )
        asked = [json.loads(text) for (text,) in ledger.execute(f"SELECT metrics FROM trial WHERE {students}")]
    assert count == len(METHODS) * SEEDS
    rows = csv.DictReader((home / "reports" / "bench" / "table.csv").open())
    means = {(row["cell"], row["row"]): row["mean"] for row in rows if row["row"] != "teacher"}
    return seconds, sum(one["teacher_images"] for one in asked), means


def table(options: argparse.Namespace, root: Path) -> Iterator[str]:
    """Yield the lines as they are measured."""
    write_pictures(root / "pictures", options.pictures)
    files = {}
    for together in (1, TOGETHER):
        files[together] = root / f"together-{together}" / "bench.yaml"
        files[together].parent.mkdir()
        (files[together].parent / "pictures").symlink_to(root / "pictures")
        files[together].write_text(sweep_text(options, together))
    torch.set_num_threads(1)
    sweep = expand(read(files[1]))
    teacher, store = sweep.teachers[0].trial, Store(root / "teacher")
    assert teacher is not None
    *_, epoch = distill(teacher, store, data_root=root / "pictures")
    epoch.save_weights(store.weights(trial_key(teacher)))
    trials = {member.row: member.trial for member in reversed(sweep.fixed)}
    yield f"{platform.processor() or platform.machine()}, {allowance()}, {time.strftime('%Y-%m-%d')}"
    yield f"{options.pictures} pictures at {options.size}, {options.teacher} -> {options.student}"
    found = shares(trials, store, root / "pictures")
    for name, share in found.items():
        yield f"{name:<10} reading and teaching are {100 * share:4.1f} % of a step"
    f = statistics.mean(found.values())
    most = 1 / (1 - f + f / TOGETHER)
    one_by_one, in_step = processor_seconds(trials, store, root / "pictures")
    ratio = one_by_one / in_step
    yield f"processor time of an epoch: {one_by_one:.1f} s one by one, {in_step:.1f} s in step: {ratio:.2f} times less"
    yield f"f = {f:.2f} allows {most:.2f}"
    if options.steps_alone:
        return
    ready = root / "ready"
    ready.mkdir()
    run([str(CHECKOUT / "run_sweep.py"), "run", str(files[1]), "--set", "methods={pkt: }", "--set", "seeds=1",
         "--set", "recipe.epochs=1", "--workers", "0", "--home", str(ready)], root)  # fmt: skip
    shutil.rmtree(ready / "banks", ignore_errors=True)
    seconds: dict[int, list[float]] = {1: [], TOGETHER: []}
    means = []
    for number in range(options.rounds):
        for together, file in files.items():
            took, asked, mean = whole(root / f"home-{together}-{number}", ready, file)
            seconds[together].append(took)
            means.append(mean)
            yield f"together {together}: {took:7.1f} s, teachers answered {asked:9.0f} images"
    yield from against_plain(options, root, ready, teacher, store.weights(trial_key(teacher)))
    ratio = statistics.median(seconds[1]) / statistics.median(seconds[TOGETHER])
    yield f"side by side {ratio:.2f} times as fast; f = {f:.2f} allows {most:.2f}: {ratio / most:.2f} of it"
    yield "tables equal" if all(mean == means[0] for mean in means) else "TABLES DIFFER"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000, help="of training")
    parser.add_argument("--size", type=int, default=64, help="pixels of a view")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--teacher", default="resnet8")
    parser.add_argument("--student", default="tinycnn")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps-alone", action="store_true", help="leave the whole command out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in table(options, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
