"""What it costs that nodes do not see the home: `python tests/benchmarks/keeper.py [--trials N]`.

First the files: what a checkpoint of ResNet-18 with SGD's momentum takes until it is safe in the home, written there
and by the keeper, and how long it takes to be fetched. All in one machine's memory and on its disk, without a network
between; an epoch of the same network on so many 32×32 images is worked out from a few of its steps here.

Then scheduling: trials that train nothing, each with a pulse, a checkpoint of a few bytes and a report, through
planner, ledger, Tune and Ray workers, with the home seen and by the keeper, in turns.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import orchestrator.ray_tune  # isort: skip  # before Ray: its settings
import ray
import torch

from orchestrator.ledger.ledger import Ledger
from orchestrator.ray_tune import driver
from orchestrator.ray_tune.bridge import Bridge
from orchestrator.ray_tune.nodes.keeper import clear_copies, copies_name, far_files, start_keeper
from orchestrator.ray_tune.nodes.wanted import Wanted
from orchestrator.ray_tune.trainable import AttemptTrainable
from orchestrator.worker import cohort
from orchestrator.worker.attempts import Attempt, Report
from orchestrator.worker.checkpoints import checkpoints
from orchestrator.worker.pulse import Pulse
from orchestrator.worker.worker import Order, make_order, store_of
from tests.benchmarks.overhead import sweep_text
from tests.orchestrator.simulation import new_planner, sweep_of
from trainers import models
from trainers.files.store import Keeper, Store
from trainers.files.tensor_files import save_tensors

IMAGES, BATCH, STEPS, REPEATS = 50_000, 64, 12, 7
assert orchestrator.ray_tune


def start() -> None:
    """Start Ray."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)


def traffic(folder: Path) -> None:
    """Print what a checkpoint costs."""
    network = models.create("cifar_resnet18", classes=100, channels=3, arguments={})
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    pictures, classes = torch.randn(BATCH, 3, 32, 32), torch.randint(0, 100, (BATCH,))
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        torch.nn.functional.cross_entropy(network(pictures), classes).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
    epoch = statistics.median(seconds) * IMAGES / BATCH
    tensors = dict(network.state_dict())
    tensors |= {f"momentum.{i}": state["momentum_buffer"] for i, state in enumerate(optimizer.state.values())}
    home = folder / "home"
    home.mkdir()
    keeper = start_keeper(home, "files")
    here, far = Store(home), Store(folder / "copies", keeper=far_files("files"))
    far.touch(far.home / "there")
    for name, store in (("written into the home", here), ("by the keeper", far)):
        taken = [_kept(store, tensors, f"{name[:2]}{number}") for number in range(REPEATS)]
        print(f"{name:24} {_told(taken, epoch)}")
    taken = []
    for number in range(REPEATS):
        started = time.perf_counter()
        far.fetched(far.weights(f"by{number}"))
        taken.append(time.perf_counter() - started)
    size = here.weights("by0").stat().st_size / 1e6
    print(f"{'fetched':24} {_told(taken, epoch)}")
    del keeper  # it ends with whoever refers to it
    print(f"a checkpoint has {size:.1f} MB; an epoch of {IMAGES} images takes {epoch:.0f} s here")


def _kept(store: Store, tensors: dict[str, torch.Tensor], name: str) -> float:
    started = time.perf_counter()
    save_tensors(store.weights(name), tensors)
    store.keep(store.weights(name))
    return time.perf_counter() - started


def _told(seconds: list[float], epoch: float) -> str:
    middle = statistics.median(seconds)
    return f"{middle:.3f} s ({min(seconds):.3f}-{max(seconds):.3f}), {100 * middle / epoch:.3f} % of an epoch"


def no_op(
    order: Order, on_step: object, *, keeper: Keeper | None = None, copies: Path | None = None, **_: object
) -> Iterator[Report]:
    """Do what a worker does, but for training."""
    pulses, store = Store(Path(order.home), keeper=keeper), store_of(order, keeper, copies)
    with Pulse(pulses.checkpoints(order.key), order.number, life=order.life, through=pulses) as pulse:
        pulse.beat()
        assert not pulse.is_superseded()
        place = store.checkpoints(order.key) / "epoch-00001.safetensors"
        save_tensors(place, {})
        store.keep(place)
        assert checkpoints(store, order.key)
        yield Report(number=1, values={"test_top1": 1.0}, ending="COMPLETE", metrics={"final_top1": 1.0})


class NoOpTrainable(AttemptTrainable):
    """Trains nothing."""

    def _begin(self, config: dict[str, Any]) -> None:
        cohort.order_steps = no_op  # type: ignore[assignment]  # in this process, which trains nothing else
        super()._begin(config)


class Alive:
    """A cluster that lives."""

    def is_alive(self) -> bool:
        """Say so."""
        return True


def scheduling(trials: int, folder: Path, *, by_keeper: bool) -> float:
    """Return seconds a trial."""
    home = folder / "home"
    home.mkdir(parents=True)
    sweep = sweep_of(sweep_text(trials), folder)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        for_workers = None
        if by_keeper:
            keeper = start_keeper(home, "trials")
            for_workers = {"marker": str(folder / "none"), "copies": copies_name(home), "keeper": "trials"}

        def order_for(attempt: Attempt) -> Order:
            return make_order(attempt, home=home, threads=1, device="cpu")

        bridge = Bridge(
            new_planner(ledger, sweep),
            order_for,
            Store(home),
            Alive(),
            most_in_flight=lambda: 4,
            stall_seconds=lambda _: 1e9,
            for_workers=for_workers,
        )
        started = time.perf_counter()
        driver.drive(bridge, Wanted(home=home, cpus=1, gpus=0), slots=2, folder=folder / "tune")
        seconds = time.perf_counter() - started
        states = list(ledger.states().values())
        assert states and set(states) == {"COMPLETE"}
    if by_keeper:
        ray.kill(keeper)
        clear_copies(copies_name(home), [])
    return seconds / len(states)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(2)
    driver.AttemptTrainable = NoOpTrainable  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        start()
        traffic(Path(folder))
        ray.shutdown()
    for turn in range(options.rounds):
        for by_keeper in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                ray.init(
                    address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False
                )
                seconds = scheduling(options.trials, Path(folder) / "home", by_keeper=by_keeper)
                ray.shutdown()
            how = "by the keeper" if by_keeper else "home seen"
            print(f"round {turn + 1}, {options.trials} trials, {how:14} {1000 * seconds:8.1f} ms a trial", flush=True)


if __name__ == "__main__":
    main()
