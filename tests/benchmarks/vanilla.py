"""What a user would write instead of a sweep file: Ray Tune, OptunaSearch, MLflow's callback, a plain training loop.

As a competent user writes it: a function trainable, the teacher in every trial, float32, torchvision's transforms in a
DataLoader, one report an epoch. Called by `sweep.py`; nothing of kdsweep but its networks is used, so that both train
the same ones.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any


def train(config: dict[str, Any]) -> None:
    """Train one student and report after every epoch: the trainable."""
    import sys

    sys.path.insert(0, config["checkout"])
    import numpy as np
    import timm
    import torch
    from PIL import Image
    from ray import tune
    from safetensors.torch import load_file
    from torch.nn import functional
    from torch.utils.data import DataLoader, Dataset
    from torchvision import datasets, transforms  # type: ignore[import-untyped]

    import trainers.models  # noqa: F401 (registers the networks with timm)
    from tests.benchmarks import textbook_partition

    torch.set_num_threads(config["threads"])
    torch.manual_seed(config["seed"])

    class Pictures(Dataset[Any]):
        def __init__(self, name: str, transform: Any) -> None:
            content = np.load(Path(config["root"]) / f"{name}.npz")
            self.images, self.labels = content["images"], content["labels"]
            self.transform = transform

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> Any:
            return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])

    plain = [transforms.ToTensor(), transforms.Normalize(config["mean"], config["std"])]
    moved = [transforms.RandomCrop(config["side"], padding=config["pad"], fill=config["fill"])]
    moved += [transforms.RandomHorizontalFlip()] if config["flip"] else []
    seen: list[Dataset[Any]]
    if config.get("folder"):
        moved = [transforms.RandomResizedCrop(config["side"]), transforms.RandomHorizontalFlip()]
        still = [transforms.Resize(config["side"] * 8 // 7), transforms.CenterCrop(config["side"])]
        parts = {"train": transforms.Compose([*moved, *plain]), "val": transforms.Compose([*still, *plain])}
        seen = [datasets.ImageFolder(Path(config["folder"]) / part, how) for part, how in parts.items()]
    else:
        seen = [Pictures("train", transforms.Compose([*moved, *plain])), Pictures("test", transforms.Compose(plain))]
    batches, tests = DataLoader(seen[0], config["batch"], shuffle=True), DataLoader(seen[1], config["batch"])
    of_method = {
        "ce": lambda student, wanted, target: student.sum() * 0,
        "kd": lambda student, wanted, target: textbook_partition.kd(student, wanted, temperature=4.0),
        "dkd": lambda student, wanted, target: textbook_partition.dkd(
            student, wanted, target, alpha=1.0, beta=8.0, temperature=4.0
        ),
        "gdkd": lambda student, wanted, target: textbook_partition.gdkd(
            student, wanted, k=config["k"], w0=1.0, w1=1.0, w2=8.0, temperature=4.0
        ),
        "gdkd3": lambda student, wanted, target: textbook_partition.gdkd3(
            student, wanted, k=config["k"], w0=1.0, w1=1.0, w2=8.0, temperature=4.0
        ),
    }
    distil = of_method[config["method"]]
    classes = config.get("classes", 100)
    teacher = timm.create_model(config["teacher"], num_classes=classes, in_chans=config["channels"])
    teacher.load_state_dict(load_file(config["weights"]))
    teacher.eval()
    student = timm.create_model(config["student"], num_classes=classes, in_chans=config["channels"])
    optimizer = torch.optim.SGD(student.parameters(), lr=config["rate"], momentum=0.9, weight_decay=5e-4)
    for epoch in range(1, config["epochs"] + 1):
        student.train()
        for images, labels in batches:
            with torch.no_grad():
                wanted = teacher(images)
            logits = student(images)
            ramp = min(epoch / config["warmup"], 1.0)
            loss = functional.cross_entropy(logits, labels) + ramp * distil(logits, wanted, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        student.eval()
        right = 0
        with torch.no_grad():
            for images, labels in tests:
                right += int((student(images).argmax(1) == labels).sum())
        tune.report({"test_top1": 100 * right / len(tests.dataset), "epoch": epoch})  # type: ignore[arg-type]


def main() -> None:
    """Run all trials; print their accuracies as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", help="JSON: what all trials share, and the list `points` of what they differ in")
    settings = json.loads(parser.parse_args().settings)
    os.environ |= {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_AIR_NEW_OUTPUT": "0"}
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.optuna import OptunaSearch

    points, shared = settings.pop("points"), settings
    names = ("ce", "kd", "dkd", "gdkd", "gdkd3")
    space = {"k": tune.randint(1, 99), "method": tune.choice(names), "seed": tune.randint(0, 1000)}
    space["epochs"] = tune.randint(1, 1000)
    started = time.perf_counter()
    ray.init("local", num_cpus=shared["threads"] * shared["at_once"], include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        callback = MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name="vanilla")
        tuner = tune.Tuner(
            tune.with_resources(train, {"cpu": shared["threads"]}),
            param_space={**space, **shared},
            tune_config=tune.TuneConfig(
                metric="test_top1",
                mode="max",
                num_samples=len(points),
                search_alg=ConcurrencyLimiter(
                    OptunaSearch(points_to_evaluate=points, seed=0), max_concurrent=shared["at_once"]
                ),
            ),
            run_config=tune.RunConfig(storage_path=folder, callbacks=[callback], verbose=0),
        )
        results = tuner.fit()
    ended = [result.metrics for result in results if result.metrics]
    assert len(ended) == len(points), "trials of the plain script have failed"
    told = {"accuracies": [one["test_top1"] for one in ended], "trial_seconds": [one["time_total_s"] for one in ended]}
    print(json.dumps({"seconds": time.perf_counter() - started, **told}))


if __name__ == "__main__":
    main()
