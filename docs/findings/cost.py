"""What three groups cost beside two: `python -m docs.findings.cost` writes cost.csv.

One call of each loss with its backward pass on 128 images of 100 classes, and one step of the student without any term
of a teacher, by turns on one thread: the median of the processor times, in microseconds, as others may be at work on
the machine.
"""

import time
from statistics import median

import torch
from torch.nn import functional

from docs.findings.collect import write
from docs.findings.tables import FOLDER
from tests.benchmarks.losses import Step, machine, steps
from trainers import models

BATCH, CLASSES, PIXELS = 128, 100, 16
LOSSES = ("kd", "dkd", "gdkd", "gdkd3")
ROUNDS = 300
CPU = torch.device("cpu")


def student_step() -> Step:
    """Return a step of the student with the labels alone."""
    student = models.create("cifar_tinycnn", classes=CLASSES, channels=1).train()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = torch.randn(BATCH, 1, PIXELS, PIXELS), torch.randint(CLASSES, (BATCH,))

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(student(images), labels).backward()
        optimizer.step()

    return step


def seconds(step: Step) -> float:
    """Return the processor time of one call."""
    start = time.process_time()
    step()
    return time.process_time() - start


def main() -> None:
    """Time and write."""
    torch.set_num_threads(1)
    timed = {"student": student_step()} | {name: steps(name, BATCH, CLASSES, CPU)[0] for name in LOSSES}
    found = [[seconds(step) for step in timed.values()] for _ in range(ROUNDS)]
    rows = [(name, round(1e6 * median(own))) for name, own in zip(timed, zip(*found, strict=True), strict=True)]
    write(FOLDER / "cost.csv", ("step", "microseconds"), rows)
    print(machine(CPU), *rows, sep="\n")


if __name__ == "__main__":
    main()
