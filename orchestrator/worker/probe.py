"""How much memory trials take: one step of each on the device, with random weights in place of a teacher's.

`python -m orchestrator.worker.probe DEVICE`, in a process of its own, so that it leaves nothing on the device: reads
trials and folders of data as JSON, writes bytes.
"""

import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from trainers import models
from trainers.files.store import Store
from trainers.files.tensor_files import save_tensors
from trainers.machine import is_out_of_memory
from trainers.teachers import has_bank
from trainers.training.distill import Training
from trainers.training.starting import example
from trainers.trials.trial import Trial, from_json

STEPS = 2
"""Of the optimiser: the first one makes what it keeps, and in the second that is there from the beginning."""


def step_bytes(trial: Trial, device: torch.device, data_root: Path | None) -> int:
    """Return what a trial takes at most, with what its process holds for it: data, teacher, on a CPU the program; by
    steps of its training, a batch that is scored, and one that its teacher answers to be stored."""
    trial = dataclasses.replace(trial, initial="")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        if trial.teacher is not None:
            from trainers import data

            info, of = data.describe(trial.dataset, data_root), trial.teacher
            network = models.create(of.model, classes=info.classes, channels=info.channels, arguments=of.model_args)
            save_tensors(store.weights(of.id), network.state_dict())
        training = Training(trial, store, device=device, data_root=data_root, bank=False)
        steps = training.steps()
        for _ in range(1 + STEPS * trial.recipe.accumulate):
            next(steps, None)
        with torch.inference_mode():
            _answer_once(training)
        training.memory.sample()
        steps.close()
        return training.memory.held_bytes + training.memory.peak_bytes


def _answer_once(training: Training) -> None:
    """Have student and teacher answer as many images as they do together outside of a step."""
    data, teacher = training.data, training.teacher
    one = example(data)
    with training._autocast():
        training.scored.eval().forward(one.expand(data.scored_together, *one.shape[1:]))
    if teacher is not None and has_bank(training.trial, data.info.task):
        one = example(data, teacher.size)
        teacher.logits(one.expand(teacher.rows, *one.shape[1:]))


def main() -> None:
    """Write a number for each trial: 0 where the device has no room for it."""
    device, found = torch.device(sys.argv[1]), []
    asked: list[dict[str, Any]] = json.load(sys.stdin)
    for one in asked:
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
