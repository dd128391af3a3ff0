"""What a user would write instead of a sweep file: Ray Tune, OptunaSearch, MLflow's callback, a plain training loop.

As a competent user writes it: a function trainable, the teacher in every trial, float32, torchvision's transforms in a
DataLoader, one report an epoch. Called by `sweep.py`; nothing of kdsweep but its networks is used, so that both train
the same ones.
"""

import argparse
import json
import os
import pickle
import tempfile
import time
from pathlib import Path
from typing import Any

MEAN, STD = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)


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
    from torchvision import transforms  # type: ignore[import-untyped]

    import trainers.models  # noqa: F401 (registers the networks with timm)
    from tests.benchmarks.textbook_partition import gdkd

    torch.set_num_threads(config["threads"])
    torch.manual_seed(config["seed"])

    class Pictures(Dataset[Any]):
        def __init__(self, name: str, transform: Any) -> None:
            content = pickle.loads((Path(config["root"]) / "cifar-100-python" / name).read_bytes(), encoding="bytes")
            self.images = np.asarray(content[b"data"]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            self.labels = content[b"fine_labels"]
            self.transform = transform

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> Any:
            return self.transform(Image.fromarray(self.images[index])), self.labels[index]

    plain = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    moved = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), *plain]
    batches = DataLoader(Pictures("train", transforms.Compose(moved)), batch_size=config["batch"], shuffle=True)
    tests = DataLoader(Pictures("test", transforms.Compose(plain)), batch_size=config["batch"])
    teacher = timm.create_model(config["teacher"], num_classes=100)
    teacher.load_state_dict(load_file(config["weights"]))
    teacher.eval()
    student = timm.create_model(config["student"], num_classes=100)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    for epoch in range(1, config["epochs"] + 1):
        student.train()
        for images, labels in batches:
            with torch.no_grad():
                wanted = teacher(images)
            logits = student(images)
            ramp = min(epoch / config["warmup"], 1.0)
            term = gdkd(logits, wanted, k=config["k"], w0=1.0, w1=1.0, w2=config["w2"], temperature=4.0)
            loss = functional.cross_entropy(logits, labels) + ramp * term
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
    space = {"k": tune.randint(1, 99), "w2": tune.uniform(1, 16)}
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
    accuracies = [result.metrics["test_top1"] for result in results if result.metrics]
    print(json.dumps({"seconds": time.perf_counter() - started, "accuracies": accuracies}))


if __name__ == "__main__":
    main()
