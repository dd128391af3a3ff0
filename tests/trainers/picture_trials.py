"""Small trials on pictures in files: real training on a few generated ones, in seconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from trainers import data, methods, models
from trainers.data.formats.picture_files import read_picture
from trainers.data.view_sets import view_set
from trainers.files.store import Store
from trainers.files.tensor_files import save_tensors
from trainers.training.distill import Epoch, distill
from trainers.trials.randomness import from_stream
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Teacher, Trial, Value
from trainers.views.device_data import on_device

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
TEACHER = "ab" * 32
TIMES = ("epoch_seconds", "images_per_second")
CPU = torch.device("cpu")


def recipe(**changes: Any) -> Recipe:
    """Return two short epochs, with changes."""
    given: dict[str, Any] = {"epochs": 2, "batch_size": 8, "learning_rate": 0.05, "schedule": "constant"}
    return Recipe(**{**given, **changes})


def trial(
    root: Path,
    method: str = "ce",
    *,
    dataset: str = "imagefolder",
    student: str = "cifar_tinycnn",
    student_args: dict[str, Value] | None = None,
    views: str = "rrc16-flip",
    count: int = 3,
    teacher: Teacher | None = None,
    changes: Recipe | None = None,
    **others: Any,
) -> Trial:
    """Return a trial on the data set in a folder."""
    info = data.describe(dataset, root)
    return Trial(
        dataset=dataset,
        data_digest=info.digest,
        view_set=views,
        views=count,
        teacher=teacher,
        student=student,
        student_args=student_args or {},
        method=method,
        method_version=methods.get(method).version,
        hyperparameters=methods.get(method).canonical(others.pop("hyperparameters", {}), info.classes),
        recipe=changes or recipe(),
        seed=others.pop("seed", 0),
        **others,
    )


def new_teacher(store: Store, model: str, classes: int, *, channels: int = 3, **others: Any) -> Teacher:
    """Put random weights into the store, and return the teacher that has them. Its logits are large, so that they
    differ from image to image."""
    network = from_stream(
        lambda: models.create(model, classes=classes, channels=channels, arguments=others.get("model_args")),
        "teacher",
        model,
    )
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and module.weight.shape[0] == classes:
                module.weight.mul_(20)
    save_tensors(store.weights(TEACHER), network.state_dict())
    return Teacher(id=TEACHER, model=model, **others)


def run(of: Trial, store: Store, root: Path | None, **options: Any) -> list[Epoch]:
    """Train a trial to its end."""
    return list(distill(of, store, data_root=root, **options))


def numbers(epochs: list[Epoch]) -> list[dict[str, float]]:
    """Return the values of epochs but for the clock's."""
    return [{name: value for name, value in epoch.values.items() if name not in TIMES} for epoch in epochs]


def state(epochs: list[Epoch]) -> dict[str, Tensor]:
    """Return all that the training is in at the end: weights, their average, the method's and the optimiser's."""
    training = epochs[-1].training
    found = {f"student {name}": value for name, value in training.student.state_dict().items()}
    found |= {f"method {name}": value for name, value in training.method.state_dict().items()}
    if training.average is not None:
        found |= {f"average {name}": value for name, value in training.average.module.state_dict().items()}
    for index, values in training.optimizer.state_dict()["state"].items():
        found |= {f"optimizer {index} {name}": torch.as_tensor(value) for name, value in values.items()}
    return {name: value.clone() for name, value in found.items()}


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Return whether two states are the same, bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def part_shown(root: Path, dataset: str, views: str, number: int, view: int) -> Image.Image:
    """Return the part of a training picture that a view shows, as it is in the file: not scaled, not mirrored.

    Drawn a second time by the rule, from the stream that picture and view name.
    """
    from trainers.trials.streams import stream_seed
    from trainers.views.crops import part_box

    files = data.load(dataset, root)
    picture = read_picture(files.folder / str(files.train_files[number]))
    random = np.random.Generator(np.random.Philox(key=stream_seed("view", views, number, view)))
    return picture.crop(part_box(picture.height, picture.width, random))


def mirrored(root: Path, dataset: str, views: str, number: int, view: int) -> bool:
    """Return whether a view of a random part is mirrored."""
    from trainers.trials.streams import stream_seed
    from trainers.views.crops import part_box

    files = data.load(dataset, root)
    picture = read_picture(files.folder / str(files.train_files[number]))
    random = np.random.Generator(np.random.Philox(key=stream_seed("view", views, number, view)))
    part_box(picture.height, picture.width, random)
    return view_set(views).flip and bool(random.random() < 0.5)


def by_hand(part: Image.Image, size: int, *, mirror: bool, mean: np.ndarray = MEAN, std: np.ndarray = STD) -> Tensor:
    """Return what a network sees of a part of a picture [3, size, size]."""
    scaled = part.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(scaled)[:, ::-1] if mirror else np.asarray(scaled)
    values = (pixels / 255 - mean) / std
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1))).float()


def inputs_of(root: Path, dataset: str, views: str, images: Tensor, which: Tensor) -> Iterator[Tensor]:
    """Yield what a student sees of these views."""
    size = view_set(views).height
    for number, view in zip(images.tolist(), which.tolist(), strict=True):
        part = part_shown(root, dataset, views, number, view)
        yield by_hand(part, size, mirror=mirrored(root, dataset, views, number, view))


def targets_of(root: Path, dataset: str, images: Tensor) -> Tensor:
    """Return the classes of training images."""
    return on_device(dataset, root, CPU).train_targets[images]
