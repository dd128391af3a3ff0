"""A sweep whose networks have answered some test images: predictions of random logits, kept as a trial keeps them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reports.results import predictions
from reports.results.results import Results
from tests.reports.fake_sweep import FakeSweep, FakeTrial, row, seeds, teacher
from tests.reports.plain import plain_results
from trainers import data
from trainers.data import DataInfo
from trainers.files.store import Store
from trainers.predictions.answers import answers_of, save_predictions

IMAGES, CLASSES, K = 200, 6, 3


def logits_of(name: str, size: tuple[int, ...] = (IMAGES, CLASSES)) -> Tensor:
    random = torch.Generator().manual_seed(sum(map(ord, name)))
    return torch.randn(size, generator=random) * 3


TARGETS = logits_of("what is right").argmax(1)


def keep(home: Path, name: str, logits: Tensor, labels: Tensor, teacher_id: str = "", theirs: Any = None) -> None:
    info = data.describe("digits100")
    told = {field: getattr(info, field) for field in info.__slots__} | {"classes": logits.shape[1]}
    task = "classification" if labels.ndim == 1 else "segmentation"
    answers = answers_of(DataInfo(**{**told, "task": task}), len(logits))
    answers.add(logits, labels)
    save_predictions(Store(home).predictions(name), answers, name, teacher_id, theirs)


def kept_of(home: Path, key: str) -> dict[str, np.ndarray[Any, Any]]:
    from safetensors.numpy import load_file

    return load_file(Store(home).predictions(key))


def sweep(**report: Any) -> FakeSweep:
    trials = [teacher(80.0), *seeds("ce", (50.0, 51.0), method="ce"), *seeds("kd", (60.0, 61.0, 62.0))]
    trials += seeds("gdkd", (61.0, 62.0), method="gdkd", settings={"k": K})
    trials += [*seeds("old", (63.0, 64.0)), FakeTrial(row="gdkd", phase="search", seed=10**6, method="gdkd")]
    rows = [row("ce", "ce"), row("kd"), row("gdkd", "gdkd", hyperparameters={"k": K}), row("old")]
    return FakeSweep("learnt", trials, rows, report={"digits": 2, **report})


def results_with(home: Path, given: FakeSweep, **facts: Any) -> Results:
    """Return the results of a sweep all of whose rows but `old` have predictions: `ce` without a teacher."""
    known: dict[str, Any] = {}
    for trial in sorted(given.trials, key=lambda one: one.phase != "teacher"):
        if trial.row == "old" or trial.phase == "search":
            continue
        name = f"{trial.row} {trial.seed}"
        alone = trial.method == "ce"
        logits = logits_of(name) + 1.5 * logits_of("what is right")
        keep(home, trial.trial_key, logits, TARGETS, "" if alone else "t", None if alone else known["teacher"])
        if trial.phase == "teacher":
            known["teacher"] = {n: torch.from_numpy(v) for n, v in kept_of(home, trial.trial_key).items()}
    results = plain_results(given, **facts)
    lines = results.members.astype(object).to_dict("records")
    return dataclasses.replace(results, home=home, predictions=predictions.read(home, lines))
