"""What a GPU does with what a CPU's tests cannot show: `python tests/device/check.py --out FOLDER`.

On one GPU, in some minutes: a bank that was filled on the CPU beside what the teacher answers there; resumption bit by
bit; steps that wait for nothing, and steps as CUDA graphs, by every method of logits; memory that is back after each
trial; a cohort without room; and students an hour for cohorts of several sizes, of 32 pixels from memory and of 224
from JPEG files. A table at the end, and the same as JSON in FOLDER/check.json. Ends with 1 where something does not
hold.

`--device cpu --small` goes the same way in seconds; what is a GPU's alone is then left out, and its rates say nothing.
"""

import argparse
import dataclasses
import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from search_spaces import expand, read
from tests.benchmarks.shaped_data import write_cifar_shaped
from tests.benchmarks.together import write_pictures
from trainers import methods, models
from trainers.files.store import Store
from trainers.files.tensor_files import save_tensors
from trainers.machine import is_out_of_memory
from trainers.teachers.bank import SAMPLE_TOLERANCE, open_bank
from trainers.training.arithmetic import CUBLAS, set_arithmetic
from trainers.training.distill import Training, distill
from trainers.training.turns import RandomState, Turns
from trainers.trials.randomness import from_stream
from trainers.trials.recipe import Compile
from trainers.trials.trial import Trial
from trainers.views.shared import Sharing

SWEEP = """name: check
datasets: {data}
pairs: {teacher} -> {student}
teachers: {{{teacher}: {{checkpoint: teacher.safetensors}}}}
recipe: {{base: cifar, epochs: 240, batch_size: {batch}}}
methods: {{{methods}}}
seeds: 1
precision: {precision}
"""
SAME_LOSS = 1e-2
"""Of 8 steps in float32, whose sums a GPU adds up in another order each time; relative."""
ROWS = "gdkd: {k: {grid: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}, dkd: , kd: , at: "
OF_LOGITS = [name for name in methods.names() if methods.get(name).needs is methods.Needs.LOGITS]


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the table."""

    name: str
    figure: str
    verdict: str
    """holds, FAILS, measured, or left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is checked, and with how much."""

    device: torch.device
    sizes: Sequence[int] = (1, 2, 4, 8, 16)
    """Of cohorts."""
    modes: Sequence[Compile] = (False, True, "graph")
    pair: tuple[str, str] = ("resnet32x4", "resnet8x4")
    pictures_pair: tuple[str, str] = ("timm:resnet34", "timm:resnet18")
    pictures: int = 2000
    pixels: int = 224
    batch: int = 64
    steps: int = 200
    seconds: float = 6.0
    """That a rate is measured for, at most."""

    @property
    def is_gpu(self) -> bool:
        return self.device.type == "cuda"


def plan_of(device: str, *, small: bool) -> Plan:
    """Return the plan for a device."""
    on = torch.device(device)
    if not small:
        return Plan(device=on, modes=(False, True, "graph") if on.type == "cuda" else (False, True))
    return Plan(
        device=on, sizes=(1, 2), modes=(False,), pair=("tinyresnet", "tinycnn"), pictures_pair=("resnet8", "tinycnn"),
        pictures=40, pixels=32, batch=8, steps=8, seconds=0.5,
    )  # fmt: skip


class World:
    """Data, a teacher with random weights, and trials on them."""

    def __init__(self, plan: Plan, root: Path, *, pictures: bool) -> None:
        self.plan, self.root, self.store = plan, root, Store(root / "home")
        root.mkdir()
        teacher, student = plan.pictures_pair if pictures else plan.pair
        if pictures:
            write_pictures(root / "pictures", plan.pictures)
            self.data, where, classes = root / "pictures", f"root: pictures, size: {plan.pixels}", 10
        else:
            write_cifar_shaped(root, train=max(1000, 10 * plan.batch), test=100)
            self.data, where, classes = root, f"root: {root}", 100
        name = teacher.partition(":")[2] or f"cifar_{teacher}"
        network = from_stream(lambda: models.create(name, classes=classes, channels=3), "teacher")
        save_tensors(root / "teacher.safetensors", network.state_dict())
        of_data = f"{{{'imagefolder' if pictures else 'cifar100'}: {{{where}}}}}"

        def trials(rows: str, precision: str) -> dict[str, Trial]:
            given = {"teacher": teacher, "student": student, "batch": plan.batch, "precision": precision}
            file = root / "check.yaml"
            file.write_text(SWEEP.format(data=of_data, methods=rows, **given))
            sweep = expand(read(file))
            save_tensors(self.store.weights(sweep.teachers[0].id), network.state_dict())
            return {member.row: member.trial for member in sweep.fixed}

        self.trials = {precision: trials(ROWS, precision) for precision in ("float32", "bfloat16")}
        self.of_logits = trials("".join(f"{name}: , " for name in OF_LOGITS), "float32")

    def trial(self, row: str = "kd", precision: str = "float32", **changes: Any) -> Trial:
        """Return a trial with changes of its recipe."""
        return self.short(self.trials[precision][row], **changes)

    def short(self, found: Trial, **changes: Any) -> Trial:
        """Return a trial of few steps."""
        given = {"epochs": 2, "epoch_steps": self.plan.steps, "milestones": (), **changes}
        return dataclasses.replace(found, recipe=found.recipe.replaced(**given))

    def training(self, trial: Trial, device: torch.device | None = None, **given: Any) -> Training:
        """Return a trial in training."""
        return Training(trial, self.store, device=device or self.plan.device, data_root=self.data, **given)


# --- what must hold -----------------------------------------------------------------------------------------------


def bank_of_a_cpu(world: World) -> Iterator[Finding]:
    """What a teacher answers on the device differs from what it answered on the CPU by less than a bank may."""
    for precision in ("float32", "bfloat16"):
        trial = world.trial(precision=precision)
        assert trial.teacher is not None
        filled = world.training(trial, torch.device("cpu"))
        images = torch.arange(64)
        assert filled.replies is not None and filled.replies.bank is not None and filled.teacher is not None
        filled.replies.bank.prepare(images, images % filled.data.train.count)
        here = world.training(trial, bank=False)
        assert here.teacher is not None
        rows = next(here.data.train.batches(images, images % here.data.train.count, 64))
        live = here.teacher.logits(here.data.lens(rows.pixels)).float().cpu()
        stored = filled.replies.bank.rows(rows)[0].float()
        worst, size = float((live - stored).abs().max()), max(1.0, float(live.abs().max()))
        allowed = SAMPLE_TOLERANCE[trial.teacher.logit_type]
        opened = open_bank(trial.teacher, here.teacher, here.data, world.store)
        kept = bool(opened.rows(rows)[1] == 0)
        figure = f"{worst / size:.1e} of the largest logit, {allowed:.0e} allowed; {'kept' if kept else 'set aside'}"
        yield Finding(f"bank of a CPU, {precision}", figure, "holds" if kept else "FAILS")


def resumption(world: World) -> Iterator[Finding]:
    """A training that goes on from its checkpoint ends in the same bits, with `deterministic: on`."""
    set_arithmetic(threads=torch.get_num_threads(), deterministic=True)
    trial, path = world.trial(epoch_steps=min(20, world.plan.steps)), world.root / "one.safetensors"
    ends = []
    for checkpoint in (None, path):
        given: dict[str, Any] = {"device": world.plan.device, "data_root": world.data, "checkpoint": checkpoint}
        for epoch in distill(trial, world.store, **given):
            if epoch.number == 1:
                epoch.save(path)
        ends.append({name: one.cpu().clone() for name, one in epoch.training.student.state_dict().items()})
    set_arithmetic(threads=torch.get_num_threads())
    same = all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    yield Finding("resumption", f"{len(ends[0])} tensors compared", "holds" if same else "FAILS")


def no_waiting(world: World) -> Iterator[Finding]:
    """No step of a training waits for the device."""
    if not world.plan.is_gpu:
        yield Finding("no synchronisation in a step", "of a GPU", "left out")
        return
    for row, trial in {**world.of_logits, "at": world.trials["float32"]["at"]}.items():
        steps, verdict, figure = world.training(world.short(trial)).steps(), "holds", "5 steps"
        for _ in range(4):
            next(steps)
        torch.cuda.set_sync_debug_mode("error")
        try:
            for _ in range(5):
                next(steps)
        except RuntimeError as error:
            verdict, figure = "FAILS", str(error).splitlines()[0]
        finally:
            torch.cuda.set_sync_debug_mode("default")
        steps.close()
        yield Finding(f"no synchronisation in a step, {row}", figure, verdict)


def as_graphs(world: World) -> Iterator[Finding]:
    """Steps of every method of logits can be captured, and are the same as without."""
    if not world.plan.is_gpu:
        yield Finding("a step as a graph", "of a GPU", "left out")
        return
    for row, trial in world.of_logits.items():
        losses = []
        for mode in (False, "graph"):
            training = world.training(world.short(trial, compile=mode, epochs=1, epoch_steps=8))
            try:
                losses.append(training.train_epoch().values["train_loss"])
            except RuntimeError as error:
                yield Finding(f"a step as a graph, {row}", str(error).splitlines()[0], "FAILS")
                break
        else:
            apart = abs(losses[1] - losses[0]) / max(1e-9, abs(losses[0]))
            verdict = "holds" if apart < SAME_LOSS else "FAILS"
            yield Finding(f"a step as a graph, {row}", f"losses {apart:.1e} apart, {SAME_LOSS:.0e} allowed", verdict)


def memory_back(world: World) -> Iterator[Finding]:
    """What a trial takes is there again at its end, without the collector."""
    if not world.plan.is_gpu:
        yield Finding("memory after a trial", "of a GPU", "left out")
        return
    left = []
    gc.collect()
    gc.disable()
    for row in ("kd", "kd", "dkd", "at"):  # the first one loads data and teacher, which stay
        before = torch.cuda.memory_allocated()
        for _ in distill(world.trial(row, epoch_steps=5), world.store, device="cuda", data_root=world.data, bank=False):
            pass
        del _
        left.append(torch.cuda.memory_allocated() - before)
    gc.enable()
    yield Finding("memory after a trial", f"{max(left[1:])} bytes are left", "FAILS" if max(left[1:]) > 0 else "holds")


def no_room(world: World) -> Iterator[Finding]:
    """Of a cohort without room those end that find none, by an error that is known, and the others go on."""
    if not world.plan.is_gpu:
        yield Finding("a cohort without room", "of a GPU", "left out")
        return
    one = world.training(world.trial())
    one.train_epoch()
    need, total = one.memory.peak_bytes, torch.cuda.get_device_properties(0).total_memory
    del one
    torch.cuda.empty_cache()
    share = Sharing()
    begun = {row: world.training(world.trial(row), share=share) for row in world.trials["float32"]}
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_allocated() + 0.5 * need) / total))
    cohort = Turns({row: training.steps() for row, training in begun.items()})
    del begun
    while cohort.round():
        pass
    torch.cuda.set_per_process_memory_fraction(1.0)
    known = cohort.errors and all(is_out_of_memory(error) for error in cohort.errors.values())
    figure = f"{len(cohort.errors)} of {len(world.trials['float32'])} ended"
    yield Finding("a cohort without room", figure, "holds" if known else "FAILS")


# --- what is measured ---------------------------------------------------------------------------------------------


def rates(world: World, name: str, steps_of_a_student: int, modes: Sequence[Compile]) -> Iterator[Finding]:
    """Yield students an hour by size of cohort; a student that is compiled or a graph trains alone."""
    for mode in modes:
        for size in world.plan.sizes if mode is False else (1,):
            rows = [*world.trials["float32"]]
            trials = [world.trial(rows[at % len(rows)], _precision(world), compile=mode) for at in range(size)]
            title = f"{name}, {'eager' if mode is False else 'compiled' if mode is True else 'graph'}, {size} together"
            try:
                seconds = seconds_of_a_turn(world, trials)
            except RuntimeError as error:
                yield Finding(title, str(error).splitlines()[0], "FAILS")
                continue
            an_hour = 3600 * size / (seconds * steps_of_a_student)
            yield Finding(title, f"{1000 * seconds / size:.2f} ms a step, {an_hour:.3g} students an hour", "measured")


def _precision(world: World) -> str:
    return "bfloat16" if world.plan.is_gpu else "float32"


def seconds_of_a_turn(world: World, trials: Sequence[Trial]) -> float:
    """Return the seconds in which each of a cohort makes a step, once all have made some."""
    share = {"share": Sharing()} if len(trials) > 1 else {}
    members = [(world.training(trial, **share).steps(), RandomState()) for trial in trials]

    def turn() -> None:
        for steps, random in members:
            with random.switched():
                next(steps)

    for _ in range(1 + min(8, world.plan.steps // 2)):  # the first one comes before the first batch
        turn()
    _wait(world.plan)
    began, made = time.perf_counter(), 0
    while made < world.plan.steps // 2 - 1 and time.perf_counter() - began < world.plan.seconds:
        turn()
        made += 1
    _wait(world.plan)
    seconds = (time.perf_counter() - began) / made
    for steps, _ in members:
        steps.close()
    return seconds


def _wait(plan: Plan) -> None:
    if plan.is_gpu:
        torch.cuda.synchronize()


CHECKS: Sequence[Callable[[World], Iterator[Finding]]] = (
    bank_of_a_cpu, resumption, no_waiting, as_graphs, memory_back, no_room,
)  # fmt: skip
CIFAR_STEPS, IMAGENET_STEPS = 240 * 50_000 // 64, 100 * 1_281_167 // 64
"""Steps of a student by the usual recipes: CIFAR-100 at batch 64, ImageNet counted in batches of as many."""


def findings(plan: Plan, root: Path) -> Iterator[Finding]:
    """Yield the lines of the table as they are found."""
    small = World(plan, root / "small", pictures=False)
    for check in CHECKS:
        yield from check(small)
    yield from rates(small, " -> ".join(plan.pair), CIFAR_STEPS, plan.modes)
    large = World(plan, root / "large", pictures=True)
    yield from rates(large, f"{' -> '.join(plan.pictures_pair)} at {plan.pixels}", IMAGENET_STEPS, (False,))


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print the table, write it; return 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for check.json")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="tiny networks, few steps")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; --device cpu --small goes the same way without")
    os.environ.setdefault(*CUBLAS)  # read when cuBLAS is used first
    plan = plan_of(options.device, small=options.small)
    began, found = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for one in findings(plan, Path(folder)):
            print(f"{time.perf_counter() - began:6.1f} s  {one.verdict:<9} {one.name}", flush=True)
            found.append(one)
    machine = torch.cuda.get_device_name() if plan.is_gpu else platform.processor() or platform.machine()
    print(f"\n{machine}, torch {torch.__version__}, CUDA {torch.version.cuda}, {time.perf_counter() - began:.0f} s")
    width = max(len(one.name) for one in found)
    print("\n".join(f"{one.name:<{width}}  {one.verdict:<9} {one.figure}" for one in found))
    options.out.mkdir(parents=True, exist_ok=True)
    content = {"device": machine, "torch": torch.__version__, "cuda": torch.version.cuda, "small": options.small}
    lines = [dataclasses.asdict(one) for one in found]
    (options.out / "check.json").write_text(json.dumps({**content, "findings": lines}, indent=1))
    return int(any(one.verdict == "FAILS" for one in found))


if __name__ == "__main__":
    sys.exit(main())
