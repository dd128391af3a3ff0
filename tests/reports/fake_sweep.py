"""A sweep in a tracking store, as the contract has it, without any training: told through MLflow's own client."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

STATUS = {
    "COMPLETE": "FINISHED",
    "PRUNED": "KILLED",
    "INTERRUPTED": "KILLED",
    "DIVERGED": "FAILED",
    "FAIL": "FAILED",
    "RUNNING": "RUNNING",
}
COLUMNS = ("cell", "entry", "row", "phase", "rank", "seed", "trial_key", "run_id", "experiment_id")
CELL = "digits100: tinyresnet -> tinycnn"
SEARCH_SEED = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FakeTrial:
    row: str
    top1: float = 0.0
    """Test accuracy, or validation accuracy in the search phase."""
    seed: int = 0
    entry: str = ""
    """By default the row."""
    cell: str = CELL
    phase: str = "fixed"
    rank: int | None = None
    state: str = "COMPLETE"
    """WAITING: there is no run."""
    method: str = "kd"
    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Instead of those that the state suggests."""
    recipe: Mapping[str, Any] = field(default_factory=lambda: {"epochs": 10})
    tags: Mapping[str, str] = field(default_factory=dict)
    run_known: bool = True
    """Whether members.csv has the run's id."""
    key: str = ""
    """By default from all that makes the trial."""

    @property
    def trial_key(self) -> str:
        parts = (self.row, self.seed, self.cell, self.phase, self.rank, sorted(self.settings.items()))
        return self.key or hashlib.sha256(repr(parts).encode()).hexdigest()


def row(label: str, method: str = "kd", **values: Any) -> dict[str, Any]:
    """A row as resolved.yaml lists it."""
    listed = {"entry": label, "label": label, "method": method, "group": "logit", "hyperparameters": {}}
    return {**listed, "grid": [], "dimensions": [], **values}


def grid(entry: str, name: str, values: Iterable[Any], method: str = "gdkd", **fixed: Any) -> list[dict[str, Any]]:
    """The rows of an entry with a grid."""
    return [
        row(f"{entry} {name}={v}", method, entry=entry, hyperparameters={**fixed, name: v}, grid=[name]) for v in values
    ]


def teacher(top1: float, state: str = "COMPLETE", cell: str = "digits100: tinyresnet") -> FakeTrial:
    return FakeTrial(row="teacher", entry="", cell=cell, phase="teacher", method="ce", top1=top1, state=state)


def seeds(row: str, top1s: Sequence[float], **values: Any) -> list[FakeTrial]:
    """A trial for each accuracy, with seeds 0, 1, …"""
    return [FakeTrial(row=row, top1=top1, seed=seed, **values) for seed, top1 in enumerate(top1s)]


def cell_of(text: str) -> dict[str, str]:
    dataset, _, pair = text.partition(": ")
    teacher_name, _, student = pair.partition(" -> ")
    return {"id": text, "dataset": dataset, "teacher": teacher_name, "student": student}


@dataclass(frozen=True)
class FakeSweep:
    name: str
    trials: Sequence[FakeTrial]
    rows: Sequence[Mapping[str, Any]]
    cells: Sequence[str] = (CELL,)
    report: Mapping[str, Any] = field(default_factory=dict)
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is known of the data sets."""
    settling: Mapping[str, Any] = field(default_factory=dict)
    """The declared row and the looks, where seeds are added until it is settled."""

    def tell(self, client: MlflowClient, artifacts: Path | None) -> None:
        """Record the sweep; `artifacts` is the experiment's folder, None for the server's choice."""
        location = None if artifacts is None else artifacts.as_uri()
        experiment = client.create_experiment(self.name, artifact_location=location)
        parent = client.create_run(experiment, tags={"kind": "sweep", "sweep": self.name}).info.run_id
        runs: dict[str, str] = {}
        for trial in self.trials:
            if trial.state != "WAITING" and trial.trial_key not in runs:
                runs[trial.trial_key] = tell_trial(client, experiment, parent, trial)
        self.tell_parent(client, parent, experiment, runs)

    def tell_parent(self, client: MlflowClient, parent: str, experiment: str, runs: Mapping[str, str]) -> None:
        client.log_text(parent, self.resolved(), "resolved.yaml")
        client.log_text(parent, self.members(experiment, runs), "members.csv")

    def resolved(self) -> str:
        resolved = {
            "name": self.name,
            "cells": [cell_of(text) for text in self.cells],
            "rows": list(self.rows),
            "report": dict(self.report),
            **({"settling": dict(self.settling)} if self.settling else {}),
            **({"facts": {"datasets": dict(self.datasets)}} if self.datasets else {}),
        }
        return yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)

    def members(self, experiment: str, runs: Mapping[str, str]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for trial in self.trials:
            run = runs.get(trial.trial_key, "") if trial.run_known else ""
            entry = trial.entry or ("" if trial.phase == "teacher" else trial.row)
            rank = "" if trial.rank is None else trial.rank
            place = [trial.cell, entry, trial.row, trial.phase, rank, trial.seed]
            writer.writerow([*place, trial.trial_key, run, experiment if run else ""])
        return text.getvalue()


def tell_trial(client: MlflowClient, experiment: str, parent: str, trial: FakeTrial) -> str:
    tags = {
        "kind": "teacher" if trial.phase == "teacher" else "trial",
        "trial_key": trial.trial_key,
        "config_key": hashlib.sha256(
            repr((trial.row, trial.cell, params_of(trial) | {"seed": 0})).encode()
        ).hexdigest(),
        "state": trial.state,
        "phase": trial.phase,
        "mlflow.parentRunId": parent,
        **trial.tags,
    }
    run_id = client.create_run(experiment, start_time=1000, tags=tags).info.run_id
    params = params_of(trial)
    metrics = [Metric(name, value, 2000, 10) for name, value in (trial.metrics or metrics_of(trial)).items()]
    client.log_batch(run_id, metrics=metrics, params=[Param(name, str(value)) for name, value in params.items()])
    if trial.state != "RUNNING":
        client.set_terminated(run_id, STATUS[trial.state], end_time=3000)
    return str(run_id)


def params_of(trial: FakeTrial) -> dict[str, Any]:
    """What MLflow says of how a trial was trained."""
    dataset, _, pair = trial.cell.partition(": ")
    network, _, student = pair.partition(" -> ")
    return {
        "dataset": dataset,
        "split": "search" if trial.phase == "search" else "full",
        "teacher": "" if trial.method == "ce" else f"cifar_{network}",
        "student": f"cifar_{student or network}",
        "method": trial.method,
        "seed": trial.seed,
        **{f"recipe.{name}": value for name, value in trial.recipe.items()},
        **{f"method.{name}": value for name, value in trial.settings.items()},
    }


def metrics_of(trial: FakeTrial) -> dict[str, float]:
    """What a trial leaves behind; one that did not complete has an accuracy too, which must never be in a mean."""
    if trial.phase == "search":
        return {"val_top1": trial.top1, "final_val_top1": trial.top1, "train_seconds": 1.5}
    ends = {"final_top1": trial.top1, "best_top1": trial.top1 + 1, "final_top5": 99.0, "teacher_images": 0.0}
    return {**ends, "train_seconds": 4.0, "peak_memory_bytes": 1e8, "test_top1": trial.top1}


KS = {1: (66.2, 66.6, 65.8), 5: (66.5, 66.8, 66.9), 20: (63.4, 61.8, 65.0), 99: (64.0, 64.7, 65.4)}
RANGES = [
    {"name": "k", "type": "int", "low": 1, "high": 30, "log": True},
    {"name": "w2", "type": "float", "low": 1.0, "high": 16.0, "log": True},
]


def whole_sweep() -> FakeSweep:
    """One pair with everything that can happen to a trial."""
    trials = [teacher(83.6)]
    trials += seeds("ce", (55.4, 54.4, 56.4), method="ce") + seeds("kd", (63.1, 62.4, 63.8), settings={"weight": 0.9})
    trials += seeds("dkd", (66.1, 65.5), method="dkd")
    trials += [FakeTrial(row="dkd", seed=2, top1=90.0, state="DIVERGED", method="dkd")]
    for k, top1s in KS.items():
        values = {"entry": "gdkd (by k)", "method": "gdkd", "settings": {"k": k, "w2": 8.0}}
        trials += seeds(f"gdkd (by k) k={k}", top1s, **values)
    trials += a_search("gdkd (tuned)")
    for seed, state in enumerate(("FAIL", "FAIL", "INTERRUPTED")):
        trials.append(FakeTrial(row="broken", seed=seed, top1=91.0, state=state))
    for seed, state in enumerate(("RUNNING", "WAITING", "COMPLETE")):
        trials.append(FakeTrial(row="half", seed=seed, top1=60.0 if state == "COMPLETE" else 92.0, state=state))
    trials += [FakeTrial(row="waiting", seed=seed, state="WAITING") for seed in range(3)]
    trials += [FakeTrial(row="pruned", seed=seed, top1=93.0, state="PRUNED") for seed in range(3)]
    trials += [FakeTrial(row="searching", phase="search", seed=SEARCH_SEED, top1=94.0, settings={"k": 2, "w2": 1.0})]
    trials += [
        FakeTrial(row="searching", phase="search", seed=SEARCH_SEED, state="RUNNING", settings={"k": 3, "w2": 1.0})
    ]
    rows = [row("ce", "ce"), row("kd"), row("dkd", "dkd"), *grid("gdkd (by k)", "k", KS)]
    rows += [row("gdkd (tuned)", "gdkd", dimensions=RANGES), row("broken"), row("half"), row("waiting"), row("pruned")]
    rows += [row("searching", "gdkd", dimensions=RANGES)]
    return FakeSweep("whole", trials, rows, report={"caption": "A caption of mine."})


def a_search(label: str) -> list[FakeTrial]:
    """Six proposals, of which one pruned and one diverged; ranks 1 and 2 confirmed."""
    found = [(3, 2.0, 62.0), (7, 8.5, 64.5), (7, 4.25, 64.5), (2, 3.0, 60.0)]
    lost = [(29, 15.0, 95.0, "PRUNED"), (30, 16.0, 96.0, "DIVERGED")]
    values: dict[str, Any] = {"row": label, "method": "gdkd"}
    search = {"phase": "search", "seed": SEARCH_SEED, **values}
    trials = [FakeTrial(settings={"k": k, "w2": w2}, top1=top1, **search) for k, w2, top1 in found]
    trials += [FakeTrial(settings={"k": k, "w2": w2}, top1=t, state=state, **search) for k, w2, t, state in lost]
    trials += seeds(label, (66.9, 67.1, 66.7), phase="confirm", rank=1, method="gdkd", settings={"k": 7, "w2": 8.5})
    return trials + seeds(
        label, (97.0, 97.0, 97.0), phase="confirm", rank=2, method="gdkd", settings={"k": 7, "w2": 4.25}
    )


NASTY = "=a & b_c %d | <script>alert(1)</script> ünï α中 $x$ #1 {~^\\}"
"""A name with everything that means something to Markdown, LaTeX, HTML, a spreadsheet or matplotlib."""


def nasty_sweep() -> FakeSweep:
    """Two data sets, names that must be escaped, and a baseline."""
    cells = ("digits100: tinyresnet -> tinycnn", "odd_set: t_1 & co -> s|2")
    trials = []
    for index, cell in enumerate(cells):
        trials.append(teacher(80.0 + index, cell=cell.partition(" -> ")[0]))
        trials += seeds("kd", (60.0 + index, 61.5 + index), cell=cell)
        trials += seeds(NASTY, (61.0 + index, 61.0 + index), cell=cell, method="gdkd")
        trials += seeds(f"{NASTY} k=1", (60.5, 60.6), entry=NASTY, cell=cell, method="gdkd", settings={"k": 1})
        trials += seeds(f"{NASTY} k=50", (60.7, 60.9), entry=NASTY, cell=cell, method="gdkd", settings={"k": 50})
    rows = [row("kd"), row(NASTY, "gdkd", entry="plain"), *grid(NASTY, "k", (1, 50))]
    report = {"baseline": "kd", "digits": 2, "names": {"kd": "KD_{paper}"}, "caption": "50 % of_it & <b>more</b>"}
    return FakeSweep("nasty", trials, rows, cells, report)


PAIR = "cifar100: resnet32x4 -> resnet8x4"
CIFAR = {
    "epochs": 240,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 0.0005,
    "schedule": "step",
    "milestones": "150,180,210",
    "gamma": 0.1,
    "lr_warmup_epochs": 0.0,
    "method_warmup_epochs": 0.0,
    "precision": "bfloat16",
}
"""Recipe of the literature, as a run records it."""


def trained(row: str, top1s: Sequence[float], method: str, **values: Any) -> list[FakeTrial]:
    """Trials on CIFAR-100 whose runs record what real ones do; `values` are those of a trial, or hyperparameters."""
    from trainers import methods

    own = {name: values.pop(name) for name in list(values) if name in FakeTrial.__dataclass_fields__}
    cell = own.setdefault("cell", PAIR)
    teacher_name, _, student = cell.partition(": ")[2].partition(" -> ")
    known = methods.get(method)
    tuned = known.defaults("cifar100", f"cifar_{teacher_name}", f"cifar_{student}")
    settings = known.canonical({**tuned, **values}, 100)
    bests = [{"final_top1": top1 - 0.25, "best_top1": top1} for top1 in top1s]
    own = {"recipe": CIFAR, "settings": {name: as_param(value) for name, value in settings.items()}, **own}
    return [FakeTrial(row=row, seed=seed, method=method, metrics=best, **own) for seed, best in enumerate(bests)]


def as_param(value: Any) -> Any:
    return f"[{','.join(map(str, value))}]" if isinstance(value, tuple) else value


def published_sweep() -> FakeSweep:
    """One pair of the literature: rows with and without published figures, and ones that were made otherwise."""
    own: dict[str, Any] = {"row": "teacher", "phase": "teacher", "method": "ce", "recipe": CIFAR}
    scores = {"final_top1": 79.1, "best_top1": 79.5}
    trials = [FakeTrial(cell="cifar100: resnet32x4", metrics=scores, **own)]
    trials += trained("ce", (72.4, 72.8), "ce") + trained("kd", (73.3, 73.5, 73.7), "kd")
    trials += trained("dkd", (76.2, 76.4), "dkd") + trained("dkd beta=2", (74.0, 74.2), "dkd", entry="dkd", beta=2.0)
    trials += trained("kd & ls", (76.6,), "kd", standardize=True, temperature=2.0, weight=9.0)
    trials += trained("short", (60.0,), "dist", recipe={**CIFAR, "epochs": 24, "milestones": "15,18,21"})
    trials += trained("mlkd", (77.0,), "mlkd") + trained("gdkd", (76.5, 76.9), "gdkd") + trained("wkd", (75.0,), "wkd")
    trials += trained("tuned", (74.1,), "kd", phase="confirm", rank=1, temperature=2.0)
    trials += [FakeTrial(row="svd", cell=PAIR, method="kdsvd", state="FAIL")]
    rows = [row("ce", "ce"), row("kd"), row("dkd", "dkd"), row("dkd beta=2", "dkd", entry="dkd")]
    rows += [row("kd & ls", hyperparameters={"standardize": True}), row("short", "dist"), row("mlkd", "mlkd")]
    rows += [row("gdkd", "gdkd"), row("wkd", "wkd"), row("tuned", dimensions=[{"name": "temperature"}])]
    rows += [row("svd", "kdsvd")]
    datasets = {"cifar100": {"view_set": "pad4-crop-flip", "task": "classification"}}
    return FakeSweep("published", trials, rows, (PAIR,), datasets=datasets)


SCENES = "cityscapes: deeplabv3_resnet101 -> deeplabv3_resnet18"
STEPS = {
    "epochs": 100,
    "epoch_steps": 400,
    "batch_size": 16,
    "optimizer": "sgd",
    "learning_rate": 0.02,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "schedule": "poly",
    "power": 0.9,
    "min_learning_rate": 0.0001,
    "start": "published",
}


def miou(final: float, best: float = 0.0) -> dict[str, float]:
    return {"final_miou": final, "best_miou": best or final + 0.5, "test_miou": final}


def mixed_sweep() -> FakeSweep:
    """A data set of images with one class each, and one of scenes with a class for each pixel."""
    other = "digits100: tinyresnet -> tinycnn"
    pixels: dict[str, Any] = {"cell": SCENES, "recipe": STEPS}
    trials = [teacher(80.0), *seeds("kd", (60.0, 61.0)), *seeds("dist", (62.0, 62.5), method="dist")]
    trials += [
        FakeTrial(
            row="teacher",
            phase="teacher",
            method="ce",
            metrics=miou(77.5),
            **{**pixels, "cell": SCENES.partition(" ->")[0]},
        )
    ]
    trials += [FakeTrial(row="kd", seed=seed, metrics=miou(74.0 + seed), **pixels) for seed in (0, 1)]
    trials += [FakeTrial(row="dist", method="dist", metrics=miou(76.0, 76.8), **pixels)]
    for k, value in ((2, 70.0), (3, 71.0)):
        found = {"final_val_miou": value, "val_miou": value}
        trials.append(
            FakeTrial(
                row="gdkd", phase="search", seed=SEARCH_SEED, method="gdkd", settings={"k": k}, metrics=found, **pixels
            )
        )
    trials += [
        FakeTrial(row="gdkd", phase="confirm", rank=1, method="gdkd", settings={"k": 3}, metrics=miou(75.5), **pixels)
    ]
    trials += [
        FakeTrial(row=f"over k={k}", entry="over", method="gdkd", settings={"k": k}, metrics=miou(74.0 + k), **pixels)
        for k in (1, 2)
    ]
    rows = [row("kd"), row("dist", "dist"), row("gdkd", "gdkd", dimensions=RANGES[:1]), *grid("over", "k", (1, 2))]
    return FakeSweep(
        "mixed", trials, rows, (other, SCENES), {"baseline": "kd"}, {"cityscapes": {"task": "segmentation"}}
    )
