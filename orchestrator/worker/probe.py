"""How much memory and time trials take: a few steps of each on the device, with random weights in place of a teacher's.

`python -m orchestrator.worker.probe DEVICE`, in a process of its own, so that it leaves nothing on the device: reads
trials and folders of data as JSON, writes bytes.
"""

import contextlib
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainers import models
from trainers.files.store import Store
from trainers.files.tensor_files import save_tensors
from trainers.machine import is_out_of_memory
from trainers.own import provide
from trainers.teachers import has_bank
from trainers.training.arithmetic import autocast
from trainers.training.distill import Training
from trainers.training.starting import example
from trainers.trials.batches import epoch_images
from trainers.trials.trial import Trial, from_json

STEPS = 2
"""Of the optimiser: the first one makes what it keeps, and in the second that is there from the beginning."""
TIMED_STEPS = 4
"""Of which the quickest counts: the first ones warm up, and others may be at work."""


def step_bytes(trial: Trial, device: torch.device, data_root: Path | None) -> int:
    """Return what a trial takes at most, with what its process holds for it: data, teacher, on a CPU the program; by
    steps of its training, a batch that is scored, and one that its teacher answers to be stored."""
    with _begun(trial, device, data_root) as training:
        steps = training.steps()
        for _ in range(1 + STEPS * trial.recipe.accumulate):
            next(steps, None)
        with torch.inference_mode():
            _answer_once(training)
        training.memory.sample()
        steps.close()
        return training.memory.held_bytes + training.memory.peak_bytes


@dataclass(frozen=True, slots=True)
class ImageSeconds:
    """Of a training, for an image."""

    trained: float
    """The teacher's answer included where it runs in the steps."""
    scored: float


def image_seconds(trial: Trial, device: torch.device, data_root: Path | None, *, stored: bool) -> ImageSeconds:
    """Return how long a trial takes for an image, by the quickest of a few steps and a batch that is scored.

    Args:
        stored: its teacher's answers are taken from the bank: what they take is left out.
    """
    with _begun(trial, device, data_root) as training, contextlib.closing(training.steps()) as steps:
        shown = epoch_images(trial.recipe, training.data.info.trained_on(trial.split))
        images = min(trial.recipe.batch_size, shown)
        batches = max(1, shown // images)
        next(steps)
        step = min(_took(lambda: next(steps), device) for _ in range(min(TIMED_STEPS, batches)))
        data, teacher, one = training.data, training.teacher, example(training.data)
        with torch.inference_mode(), autocast(training.trial.recipe.precision, training.device):
            seen, network = one.expand(data.scored_together, *one.shape[1:]), training.scored.eval()
            scored = min(_took(lambda: network.forward(seen), device) for _ in range(2)) / len(seen)
        answer = 0.0
        if stored and teacher is not None:
            one = example(data, teacher.size)
            asked = one.expand(images, *one.shape[1:])
            with torch.inference_mode():
                answer = min(_took(lambda: teacher.logits(asked), device) for _ in range(2)) / images
        return ImageSeconds(max(step / images - answer, scored), scored)


def _took(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that something takes, its end on a GPU included."""
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


@contextlib.contextmanager
def _begun(trial: Trial, device: torch.device, data_root: Path | None) -> Iterator[Training]:
    """Have a training that is ready for its first step, with networks of random weights and no bank."""
    trial = dataclasses.replace(trial, initial="")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        if trial.teacher is not None:
            from trainers import data

            info, of = data.describe(trial.dataset, data_root), trial.teacher
            network = models.create(of.model, classes=info.classes, channels=info.channels, arguments=of.model_args)
            save_tensors(store.weights(of.id), network.state_dict())
        yield Training(trial, store, device=device, data_root=data_root, bank=False)


def _answer_once(training: Training) -> None:
    """Have student and teacher answer as many images as they do together outside of a step."""
    data, teacher = training.data, training.teacher
    one = example(data)
    with autocast(training.trial.recipe.precision, training.device):
        training.scored.eval().forward(one.expand(data.scored_together, *one.shape[1:]))
    if teacher is not None and has_bank(training.trial, data.info.task):
        one = example(data, teacher.size)
        teacher.logits(one.expand(teacher.rows, *one.shape[1:]))


def main() -> None:
    """Write a number for each trial: 0 where the device has no room for it."""
    device, found = torch.device(sys.argv[1]), []
    asked: list[dict[str, Any]] = json.load(sys.stdin)
    for one in asked:
        provide(one.get("own", {}))
        root = None if one["data_root"] is None else Path(one["data_root"])
        try:
            found.append(step_bytes(from_json(one["trial"]), device, root))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            found.append(0)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
