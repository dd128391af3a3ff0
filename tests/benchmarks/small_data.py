"""Recipes on small data sets: `python tests/benchmarks/small_data.py [--each N] [--seeds N] [--pretrained] [RECIPE …]`.

The set is digits100 with `--each` training images of each of its 100 classes and 20 for the test. By each recipe, a
name or a mapping as in a sweep file, a teacher is trained, then the student alone and by KD; printed is the test
accuracy over seeds.

With `--pretrained` there are but the 50 classes whose left digit is 5 or more, and where a recipe starts from published
weights, they are those that were trained on 100 images of each other class, by `digits` in 20 epochs.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from search_spaces import expand, read, recipes
from trainers import models
from trainers.data._base import Images
from trainers.data.sets import digits100
from trainers.files.store import Store
from trainers.files.tensor_files import load_tensors, save_tensors
from trainers.models.start import head_names
from trainers.training.distill import distill
from trainers.trials.trial import Trial, trial_key
from trainers.views import device_data

RECIPES = ("quick", '{"base": "quick", "epochs": 60, "batch_size": 64, "scale_learning_rate": true}', "small")
PRETRAINING = {"base": "digits", "epochs": 20}
made = digits100._generate


def use(each: int, classes: range) -> None:
    """Make digits100 a set of so many training images of each of these classes."""
    fit = each * 3 // 4
    digits100.IMAGES_PER_CLASS = {"fit": fit, "validation": each - fit, "test": 20}
    made.cache_clear()
    images = _some(made(), classes)
    digits100._generate = lambda: images  # type: ignore[assignment]
    device_data._on_device.cache_clear()


def _some(whole: Images, classes: range) -> Images:
    info = whole.info
    train, test = (
        (targets >= classes.start) & (targets < classes.stop) for targets in (whole.train_targets, whole.test_targets)
    )
    fit, validation = int(train[: info.fit].sum()), int(train[info.fit :].sum())
    counts = {"fit": fit, "validation": validation, "test": int(test.sum())}
    return replace(
        whole,
        info=replace(info, classes=len(classes), digest=f"{info.digest}-{classes.start}", **counts),
        train_images=whole.train_images[train],
        train_targets=whole.train_targets[train] - classes.start,
        test_images=whole.test_images[test],
        test_targets=whole.test_targets[test] - classes.start,
    )


def trials(file: Path, recipe: object, options: argparse.Namespace) -> Iterator[tuple[str, Trial]]:
    """Yield row and trial of a sweep by this recipe, the teacher first."""
    text = {
        "name": "bench", "dataset": "digits100", "pairs": f"{options.teacher} -> {options.student}",
        "methods": dict.fromkeys(options.methods.split(",")), "recipe": recipe, "seeds": options.seeds,
    }  # fmt: skip
    file.write_text(json.dumps(text))
    sweep = expand(read(file))
    teachers = [plan.trial for plan in sweep.teachers if plan.trial is not None]
    yield from (("teacher", trial) for trial in teachers)
    yield from ((member.row, member.trial) for member in sweep.fixed)


def pretrain(folder: Path, options: argparse.Namespace) -> None:
    """Train both networks on one half of the classes, and keep what they learn but for their classifiers."""
    use(100, range(50))
    whole = argparse.Namespace(**{**vars(options), "methods": "ce,kd", "seeds": 1})
    for row, trial in trials(folder / "bench.yaml", PRETRAINING, whole):
        if row != "kd":
            *_, last = distill(trial, Store(folder))
            last.save_weights(folder / "pretrained.safetensors")
            tensors, _ = load_tensors(folder / "pretrained.safetensors")
            head = head_names(trial.student, {})
            kept = {name: tensor for name, tensor in tensors.items() if name not in head}
            save_tensors(Store(folder).weights(trial.student), kept)


def measure(folder: Path, recipe: str | dict[str, Any], options: argparse.Namespace) -> str:
    """Return the line of a recipe."""
    began, store = time.process_time(), Store(folder)
    values = {"base": recipe} if isinstance(recipe, str) else dict(recipe)
    pretrained = values.get("start", recipes.get(values["base"]).start) == "published"
    scores: dict[str, list[float]] = {}
    teachers: dict[str, str] = {}
    for row, planned in trials(folder / "bench.yaml", {**values, "start": "random"}, options):
        trial, changes = planned, dict[str, Any]()
        if pretrained:
            changes["initial"] = planned.student
        if planned.teacher is not None and planned.teacher.id in teachers:
            changes["teacher"] = replace(planned.teacher, id=teachers[planned.teacher.id])
        trial = replace(planned, **changes)
        *_, last = distill(trial, store)
        if row == "teacher":
            last.save_weights(store.weights(trial_key(trial)))
            teachers[trial_key(planned)] = trial_key(trial)
        scores.setdefault(row, []).append(last.values["test_top1"])
    shown = (
        f"{row} {statistics.mean(found):.1f}" + (f" ± {statistics.stdev(found):.1f}" if len(found) > 1 else "")
        for row, found in scores.items()
    )
    return f"{json.dumps(recipe)}: {', '.join(shown)} ({time.process_time() - began:.0f} processor seconds)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=RECIPES, metavar="RECIPE")
    parser.add_argument("--each", type=int, default=20, help="training images of a class, a quarter of them validation")
    parser.add_argument("--pretrained", action="store_true", help="published weights are those of other classes")
    parser.add_argument("--methods", default="ce,kd")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--teacher", default="tinyresnet")
    parser.add_argument("--student", default="tinycnn")
    options = parser.parse_args()
    torch.set_num_threads(1)
    assert models.names()
    with tempfile.TemporaryDirectory() as folder:
        if options.pretrained:
            pretrain(Path(folder), options)
        classes = range(50, 100) if options.pretrained else range(100)
        use(options.each, classes)
        print(f"{options.each * len(classes)} training images of {len(classes)} classes", flush=True)
        for given in options.recipes:
            recipe = json.loads(given) if given.startswith("{") else given
            print(measure(Path(folder), recipe, options), flush=True)


if __name__ == "__main__":
    main()
