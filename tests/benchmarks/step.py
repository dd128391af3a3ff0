"""One step of resnet8x4 under resnet32x4, 64 images of 32 x 32: `python tests/benchmarks/step.py [--threads N]`.

The plain step is that of `vanilla.py`: float32, the teacher in every step, no memory format, GDKD as a textbook has it.
Ours goes through the training loop's own parts, with one thing after the other switched on: the teacher's logits from
the bank, then bfloat16, then torch.compile. A figure is the least of several steps. Below it, what the bank costs:
looking up the logits of a batch as a share of our fastest step, and filling it, in images a second, as a share of the
bare teacher's. Last, what the machine can do: the operations of the student's step in a second, beside those of a large
matrix product in the same precision.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[2]))

from search_spaces import expand, read
from tests.benchmarks.shaped_data import write_cifar_shaped
from tests.benchmarks.textbook_partition import gdkd
from trainers import models
from trainers.files.store import Store
from trainers.files.tensor_files import save_tensors
from trainers.training.distill import Training

BATCH = 64
CPU = torch.device("cpu")
TURNS = 4
SIDE = 2048
"""Of the matrices whose product says what the machine can do."""
FILE = """name: step
datasets: {{cifar100: {{root: {root}}}}}
pairs: resnet32x4 -> resnet8x4
teachers: {{resnet32x4: {{checkpoint: teacher.safetensors}}}}
recipe: {{base: cifar, compile: {compile}}}
methods: {{gdkd: }}
seeds: 1
precision: {precision}
"""


def plain_step(root: Path) -> Callable[[], None]:
    """Return a step as a plain script has it."""
    teacher = models.create("cifar_resnet32x4", classes=100, channels=3).eval()
    student = models.create("cifar_resnet8x4", classes=100, channels=3).train()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    images, labels = torch.randn(BATCH, 3, 32, 32), torch.randint(100, (BATCH,))

    def step() -> None:
        with torch.no_grad():
            wanted = teacher(images)
        logits = student(images)
        loss = functional.cross_entropy(logits, labels) + gdkd(
            logits, wanted, k=5, w0=1.0, w1=2.0, w2=8.0, temperature=4.0
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def training(root: Path, precision: str, *, bank: bool, compiled: bool = False) -> Training:
    """Return a trial in training, its bank filled with the first images' first views."""
    file = root / f"{precision}.yaml"
    file.write_text(FILE.format(root=root, precision=precision, compile="on" if compiled else "off"))
    sweep = expand(read(file))
    store = Store(root)
    weights = store.weights(sweep.teachers[0].id)
    if not weights.exists():
        weights.parent.mkdir(exist_ok=True)
        weights.write_bytes((root / "teacher.safetensors").read_bytes())
    found = Training(sweep.fixed[0].trial, store, device=CPU, data_root=root, bank=bank)
    found.student.train()
    return found


def our_step(found: Training) -> Callable[[], None]:
    """Return a step of the training loop on the same batch again and again."""
    numbers, views = torch.arange(BATCH), torch.zeros(BATCH, dtype=torch.int64)

    def step() -> None:
        (batch,) = found.data.train.batches(numbers, views, BATCH)
        found._gradients(batch, 1, None, 1)
        found._step(0.01)

    return step


def seconds(step: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_cifar_shaped(root, train=600, test=100)
        teacher = models.create("cifar_resnet32x4", classes=100, channels=3)
        save_tensors(root / "teacher.safetensors", teacher.state_dict(), {})
        live, banked = (training(root, "float32", bank=bank) for bank in (False, True))
        quick = training(root, "bfloat16", bank=True)
        compiled = training(root, "bfloat16", bank=True, compiled=True)
        ways = {
            "plain": plain_step(root),
            "ours, float32, teacher in every step": our_step(live),
            "ours, float32, bank": our_step(banked),
            "ours, bfloat16, bank": our_step(quick),
            "ours, bfloat16, bank, compiled": our_step(compiled),
        }
        first = {name: seconds(step) for name, step in ways.items()}
        least = {name: min(seconds(step) for _ in range(TURNS)) for name, step in ways.items()}
        for name, value in least.items():
            print(f"{name:<38} {1000 * value:8.1f} ms  {least['plain'] / value:5.2f} x")
        print(f"the first compiled step took {first['ours, bfloat16, bank, compiled']:.0f} s")
        print(*bank_lines(quick, least["ours, bfloat16, bank"]), sep="\n")
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            print(ceiling_line(quick, dtype, least[f"ours, {name}, bank"]))


def ceiling_line(found: Training, dtype: torch.dtype, step_seconds: float) -> str:
    """Return how many operations a second the student's step makes, forward and backward, and a matrix product."""
    inputs = torch.randn(BATCH, 3, 32, 32)
    with FlopCounterMode(display=False) as counter:
        found.student(inputs).sum().backward()
    ours = counter.get_total_flops() / step_seconds
    left, right = torch.randn(SIDE, SIDE, dtype=dtype), torch.randn(SIDE, SIDE, dtype=dtype)
    most = 2 * SIDE**3 / min(seconds(lambda: left @ right) for _ in range(5))
    return f"{dtype}: our step {ours / 1e9:.0f} GFLOP/s, a product of {SIDE} x {SIDE} matrices {most / 1e9:.0f} GFLOP/s"


def bank_lines(found: Training, step_seconds: float) -> list[str]:
    """Return what looking up and filling cost."""
    assert found.replies is not None and found.replies.bank is not None
    assert found.teacher is not None
    bank, teacher, data = found.replies.bank, found.teacher, found.data
    (batch,) = data.train.batches(torch.arange(BATCH), torch.zeros(BATCH, dtype=torch.int64), BATCH)
    look_up = min(seconds(lambda: bank.rows(batch)) for _ in range(200))
    images = torch.arange(512)
    (inputs,) = [data.lens(b.pixels) for b in data.train.batches(images, images % 162, 512)]
    bare = min(seconds(lambda: teacher.logits(inputs)) for _ in range(3))
    filled = min(seconds(lambda v=view: bank.prepare(images, torch.full_like(images, v))) for view in (7, 8, 9))  # type: ignore[misc]
    return [
        f"look-up of {BATCH} rows: {1e6 * look_up:.0f} us, {100 * look_up / step_seconds:.2f} % of our step",
        f"filling: {512 / filled:.0f} images/s, {bare / filled:.2f} of the bare teacher's {512 / bare:.0f}",
    ]


if __name__ == "__main__":
    main()
