"""What each logit loss costs, beside a textbook version of it: `python tests/benchmarks/losses.py`.

How to read it. A row is one call of the loss and its backward pass, in microseconds: ours, then the plain PyTorch of
`textbook_partition.py`, `textbook_logits.py` and `textbook_newer.py`, the least and the median of several timings. The
two take turns, so a machine that slows down slows both. The ratios are ours over the textbook's, of the least times, of
the median ones and of the most memory that the call has in use; under 1 is cheaper. Least times repeat to some 3 %; a
median far above the least one says that something else was running.
The line under each table compares gdkd3, three groups, with gdkd, two, timed by turns as well.

At few classes the number of tensor operations is the cost, and the backward pass has a price that no loss can avoid:
`one sum` is the cheapest loss there is. The textbooks of wkd, ikl and gkl hold a matrix of classes by classes for every
sample, so they are compared only where that fits into a quarter of a gigabyte.
"""

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script's own folder is all that it is given

from torch.profiler import ProfilerActivity, profile

from tests.benchmarks import textbook_logits, textbook_newer, textbook_partition
from trainers.methods.abkd import abkd_loss
from trainers.methods.akl import akl_loss
from trainers.methods.ctkd import ctkd_loss
from trainers.methods.deepkd import deepkd_loss
from trainers.methods.dist import dist_loss
from trainers.methods.dkd import dkd_loss
from trainers.methods.dtkd import dtkd_loss
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.gkl import gkl_loss
from trainers.methods.ikl import ikl_loss
from trainers.methods.kd import kd_loss
from trainers.methods.luminet import luminet_loss
from trainers.methods.mkl import FACTORS, mkl_loss
from trainers.methods.mlkd import mlkd_loss
from trainers.methods.nkd import nkd_loss
from trainers.methods.normkd import normkd_loss
from trainers.methods.ofa import ofa_loss
from trainers.methods.rld import rld_loss
from trainers.methods.sdd import sdd_loss
from trainers.methods.ttm import ttm_loss
from trainers.methods.wkd import class_costs, wkd_loss
from trainers.methods.wttm import wttm_loss

SHAPES = ((64, 100), (256, 1000))
GROUPS = {"k": 5, "w0": 1.0, "w1": 2.0, "w2": 8.0, "temperature": 4.0}
SETTINGS = {
    "kd": {"temperature": 4.0},
    "dkd": {"alpha": 1.0, "beta": 8.0, "temperature": 4.0},
    "gdkd": GROUPS,
    "gdkd3": GROUPS,
    "dist": {"temperature": 4.0, "beta": 2.0, "gamma": 2.0},
    "mlkd": {"temperatures": (2.0, 3.0, 4.0, 5.0, 6.0)},
    "nkd": {"gamma": 1.5, "temperature": 1.0},
    "ttm": {"power": 0.1},
    "wttm": {"power": 0.1},
    "rld": {"alpha": 1.0, "alpha_temperature": 1.0, "beta": 8.0, "temperature": 4.0},
    "ctkd": {"temperature": 4.0},
    "luminet": {"alpha": 5.0, "temperature": 2.0},
    "wkd": {"gamma": 20.0, "temperature": 2.0, "regularization": 0.05, "iterations": 10},
    "mkl": {"factors": FACTORS, "temperature": 4.0},
    "ikl": {"alpha": 1.0, "beta": 8.0, "temperature": 4.0, "weight_temperature": 100.0},
    "gkl": {"alpha": 1.0, "beta": 8.0, "gamma": 0.3, "temperature": 4.0, "weight_temperature": 4.0},
    "normkd": {"temperature": 2.0},
    "abkd": {"alpha": 0.8, "beta": 0.3, "temperature": 4.0},
    "akl": {"head": 0.5},
    "dtkd": {"alpha": 3.0, "beta": 1.0, "temperature": 4.0},
    "ofa": {"epsilon": 1.5, "temperature": 1.0},
    "deepkd": {"alpha": 1.0, "beta": 8.0, "temperature": 4.0},
    "sdd": {"alpha": 1.0, "beta": 8.0, "temperature": 4.0, "disagreeing": 2.0},
}
OURS = {
    "kd": kd_loss, "dkd": dkd_loss, "gdkd": gdkd_loss, "gdkd3": gdkd3_loss, "dist": dist_loss, "mlkd": mlkd_loss,
    "nkd": nkd_loss, "ttm": ttm_loss, "wttm": wttm_loss, "rld": rld_loss, "ctkd": ctkd_loss, "luminet": luminet_loss,
    "wkd": wkd_loss, "mkl": mkl_loss, "ikl": ikl_loss, "gkl": gkl_loss, "normkd": normkd_loss, "abkd": abkd_loss,
    "akl": akl_loss, "dtkd": dtkd_loss, "ofa": ofa_loss, "deepkd": deepkd_loss, "sdd": sdd_loss,
}  # fmt: skip
REGIONS = 5
"""The whole image and four quarters."""
TEXTBOOKS = (textbook_partition, textbook_logits, textbook_newer)
LABELLED = ("dkd", "nkd", "rld", "wkd", "mkl", "ofa", "deepkd", "sdd")
SQUARE = ("wkd", "ikl", "gkl")
"""Whose textbooks hold matrices of classes by classes for every sample."""
Step = Callable[[], None]


class Timer:
    """Times steps by turns."""

    def __init__(self, device: torch.device, repeats: int, seconds: float) -> None:
        """Take how often each step is timed, and how long one timing takes at least."""
        self.device = device
        self.repeats = repeats
        self.seconds = seconds

    def by_turns(self, *steps: Step) -> list[list[float]]:
        """Return the microseconds of one call, for each step a list of all timings."""
        counts = [self._calls(step) for step in steps]
        rounds = [
            [self._timed(step, n) / n for step, n in zip(steps, counts, strict=True)] for _ in range(self.repeats)
        ]
        return [[1e6 * seconds for seconds in timings] for timings in zip(*rounds, strict=True)]

    def _calls(self, step: Step) -> int:
        """Return how many calls one timing needs; the step is warm afterwards."""
        self._timed(step, 3)
        return max(1, round(self.seconds / (self._timed(step, 3) / 3)))

    def _timed(self, step: Step, calls: int) -> float:
        self._wait()
        start = time.perf_counter()
        for _ in range(calls):
            step()
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def steps(name: str, batch: int, classes: int, device: torch.device) -> tuple[Step, Step]:
    """Return a training step's share of this loss, ours and the textbook's."""
    generator = torch.Generator().manual_seed(0)
    shape = (batch, classes, REGIONS) if name == "sdd" else (batch, classes)
    student, teacher = (torch.randn(shape, generator=generator).to(device) for _ in range(2))
    target = torch.randint(classes, (batch,), generator=generator).to(device)
    settings = dict(SETTINGS[name])
    if name == "wkd":
        settings["cost"] = class_costs(torch.randn(classes, 64, generator=generator).to(device), 1.0)
    labels = (target,) if name in LABELLED else ()
    textbook = next(getattr(book, name) for book in TEXTBOOKS if hasattr(book, name))
    ours, theirs = (bound(loss, student, 3 * teacher, labels, settings) for loss in (OURS[name], textbook))
    return ours, theirs


def peak_bytes(step: Step, device: torch.device) -> int:
    """Return the most memory that one call has in use beyond what was in use before."""
    step()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        return torch.cuda.max_memory_allocated(device) - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as told:
        step()
    assert told.profiler is not None
    events = [one for one in told.profiler.kineto_results.events() if one.name() == "[memory]"]
    return max(accumulate(one.nbytes() for one in sorted(events, key=lambda one: one.start_ns())))


def bound(loss: Callable[..., Tensor], student: Tensor, teacher: Tensor, labels: tuple[Tensor, ...], settings) -> Step:
    leaf = student.clone().requires_grad_()

    def step() -> None:
        leaf.grad = None
        loss(leaf, teacher, *labels, **settings).backward()

    return step


def table(names: Sequence[str], batch: int, classes: int, device: torch.device, timer: Timer) -> Iterator[str]:
    """Yield the lines of one shape's table, each when it is known."""
    yield f"\n{batch} x {classes}, forward + backward, µs"
    heads = f"{'ours':>12}{'median':>10}{'textbook':>12}{'median':>10}{'ratio':>8}{'median':>8}{'memory':>8}"
    yield f"{'method':<10}{heads}"
    for name in names:
        if name in SQUARE and 4 * batch * classes**2 > 2**28:
            yield f"{name:<10}  not compared: the textbook needs {4 * batch * classes**2 / 2**30:.1f} GiB a matrix"
            continue
        both = steps(name, batch, classes, device)
        ours, theirs = timer.by_turns(*both)
        memory = peak_bytes(both[0], device) / peak_bytes(both[1], device)
        numbers = f"{min(ours):>12.0f}{median(ours):>10.0f}{min(theirs):>12.0f}{median(theirs):>10.0f}"
        yield f"{name:<10}{numbers}{min(ours) / min(theirs):>8.3f}{median(ours) / median(theirs):>8.3f}{memory:>8.2f}"
    cheapest = bound(
        lambda student, _: student.sum(), torch.zeros(batch, classes, device=device), torch.empty(0), (), {}
    )
    (least,) = timer.by_turns(cheapest)
    yield f"{'one sum':<10}{min(least):>12.0f}{median(least):>10.0f}"
    two, three = timer.by_turns(*(steps(name, batch, classes, device)[0] for name in ("gdkd", "gdkd3")))
    yield f"three groups over two: {min(three):.0f} / {min(two):.0f} = {min(three) / min(two):.3f}"


def machine(device: torch.device) -> str:
    """Return what the numbers were measured on, in one line."""
    gpu = f", {torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    return f"{cpu()}, {torch.get_num_threads()} threads{gpu}, torch {torch.__version__}, float32"


def cpu() -> str:
    """Return the CPU's model, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time each logit loss against its textbook version.")
    parser.add_argument("methods", nargs="*", choices=[[], *SETTINGS], help="which losses; all where none is given")
    parser.add_argument("--threads", type=int, help="of PyTorch on the CPU; its own choice where not given")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--repeats", type=int, default=9, help="timings of each loss")
    parser.add_argument("--seconds", type=float, default=0.04, help="length of one timing, at least one call")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    print(machine(device))
    for batch, classes in SHAPES:
        for line in table(
            options.methods or [*SETTINGS], batch, classes, device, Timer(device, options.repeats, options.seconds)
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
