"""What a worker does with an attempt: train, leave checkpoints, report. The same under Ray and in this process."""

import contextlib
import json
import os
import platform
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orchestrator.home.home import banks_folder
from orchestrator.worker.attempts import Attempt, RankFailedError, RankLostError, Report, file_stem
from orchestrator.worker.checkpoints import keep_checkpoint, readable_checkpoint
from orchestrator.worker.keeper import KeeperLostError
from orchestrator.worker.predictions import keep_predictions
from orchestrator.worker.pulse import Pulse
from trainers.files.files import remove
from trainers.files.store import Keeper, Store
from trainers.machine import is_out_of_memory
from trainers.texts.letters import fitting
from trainers.training.turns import frameless
from trainers.trials.trial import Trial, from_json, to_json

if TYPE_CHECKING:
    from trainers.ranks.ranks import Ranks
    from trainers.training.distill import Epoch
    from trainers.training.turns import Steps
    from trainers.views.shared import Sharing

SHARED_DATA = "KDSWEEP_DATA"
"""Environment variable that `trainers.data` reads, which a worker does not import before its first step."""
Joined: TypeAlias = "Callable[[Callable[[], None]], AbstractContextManager[Ranks | None]]"
"""Has other ranks train an order too, and gives this one, the first; what it is given is called while they come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An attempt with all that a worker needs to run it, as plain values that travel between processes."""

    key: str
    number: int
    trial: dict[str, Any]
    home: str
    banks: str
    """Folder with the teachers' stored logits, on the worker's node."""
    keep_weights: bool
    bank: bool
    threads: int
    device: str
    data_root: str | None = None
    shared_data: str | None = None
    """Folder with all data sets (KDSWEEP_DATA), where the driver knows one and the worker's node does not."""
    loaders: int = 0
    """Processes that read pictures ahead."""
    life: str = ""
    """Of the ledger that counts the attempts."""
    ranks: int = 1
    """Processes that train it together."""
    deterministic: bool = False
    """Only by algorithms that give the same bits again."""
    predictions: bool = False
    """What the network answers to the test images is kept."""
    own: dict[str, Any] = field(default_factory=dict)
    """The code of people's own that its networks and data come from, as `trainers.own.provide` takes it."""

    def to_text(self) -> str:
        """Return the order as JSON text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_text(text: str) -> "Order":
        """Return the order that `to_text` wrote."""
        return Order(**json.loads(text))


def make_order(
    attempt: Attempt,
    *,
    home: Path,
    threads: int,
    device: str,
    data_root: Path | None = None,
    loaders: int = 0,
    ranks: int = 1,
    deterministic: bool = False,
    own: Mapping[str, Any] | None = None,
) -> Order:
    """Return the order for an attempt.

    Args:
        own: code of people's own that its sweep was accepted with.
        ranks: processes that train it together, each with so many threads.
        threads: CPU threads of the trial; fixed by the sweep, because sums over threads round differently.
        device: "cpu" or "cuda".
        deterministic: only by algorithms that give the same bits again.
    """
    return Order(
        key=attempt.key,
        number=attempt.number,
        trial=to_json(attempt.trial),
        home=str(home),
        banks=str(banks_folder(home)),
        keep_weights=attempt.keep_weights,
        bank=attempt.bank,
        predictions=attempt.predictions,
        threads=threads,
        device=device,
        loaders=loaders,
        life=attempt.life,
        ranks=ranks,
        deterministic=deterministic,
        own=dict(own or {}),
        data_root=None if data_root is None else str(data_root),
        shared_data=shared_data(),
    )


def shared_data() -> str | None:
    """Return the folder with all data sets that this process knows, as it is found from any other."""
    known = os.environ.get(SHARED_DATA)
    return str(Path(known).absolute()) if known else None


def alone(_on_step: Callable[[], None]) -> "AbstractContextManager[Ranks | None]":
    """Train without other ranks."""
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Company:
    """Those whom a worker trains in step."""

    size: int
    pulses: list[Pulse] = field(default_factory=list)
    """Of all that have begun: whoever makes a step beats for those that wait for it, too."""
    _shared: "list[Sharing]" = field(default_factory=list)

    def share(self) -> "Sharing | None":
        """Return what they see together; None for one alone."""
        from trainers.views.shared import Sharing  # which loads torch

        if self.size > 1 and not self._shared:
            self._shared.append(Sharing())
        return self._shared[0] if self._shared else None


def run_order(order: Order, on_step: Callable[[], None] = lambda: None, **way: Any) -> Generator[Report, None, None]:
    """Run the attempt and report after every epoch, as `order_steps` does. Whoever iterates may stop between two
    reports."""
    with contextlib.closing(order_steps(order, on_step, **way)) as steps:
        for said in steps:
            if isinstance(said, Report):
                yield said


def order_steps(
    order: Order,
    on_step: Callable[[], None] = lambda: None,
    *,
    company: Company | None = None,
    joined: "Joined" = alone,
    keeper: Keeper | None = None,
    copies: Path | None = None,
) -> "Steps[Report]":
    """Run the attempt step by step and report after every epoch, and what the training raises, before it leaves here.

    Args:
        on_step: called after every step of training or scoring.
        company: those that are trained in step with it.
        joined: has the other ranks train it, where the order asks for several, and gives this one, the first.
        keeper: whom the pulse goes to, on a cluster that is not ours.
        copies: where this node, which does not see the home, has its copies of the home's files, and its banks.

    Raises:
        RankLostError: one of them has died; nothing has been reported of it.
        Exception: whatever the training raises, once its traceback has been reported: a process that goes on may be
            out of order.
    """
    pulses = Store(Path(order.home), keeper=keeper)
    store, company = store_of(order, keeper, copies), company or Company(1)

    def step() -> None:
        for each in company.pulses:
            each.beat()
        on_step()

    try:
        with Pulse(pulses.checkpoints(order.key), order.number, life=order.life, through=pulses) as pulse:
            company.pulses.append(pulse)
            trial = from_json(order.trial)
            if trial.role == "given":
                yield _scored(order, store, trial, step)
            else:
                with joined(step) as ranks:
                    yield from _epochs(order, store, step, ranks, pulse, company.share())
    except (KeeperLostError, RankLostError):
        raise
    except Exception as error:  # noqa: BLE001 (whatever a training raises is reported first, and raised then)
        reason = fitting(str(error) if isinstance(error, RankFailedError) else traceback.format_exc())
        crowded = company.size > 1 and is_out_of_memory(error)
        raised = frameless(error)
    else:
        return
    finally:
        company.pulses[:] = [other for other in company.pulses if not other.is_of(order.key)]
        if copies is not None:
            remove(store.checkpoints(order.key))
    if crowded:
        yield Report(number=0, ending="LOST", reason=reason, crowd=company.size)
        return
    yield Report(number=0, ending="FAIL", reason=reason)
    raise raised


def store_of(order: Order, keeper: Keeper | None = None, copies: Path | None = None) -> Store:
    """Return where the files are that an order reads and writes."""
    home, banks = Path(order.home), Path(order.banks)
    if copies is None:
        return Store(home, banks)
    return Store(copies, copies / "banks" if banks.is_relative_to(home) else banks, keeper)


def train(
    order: Order,
    store: Store,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[], None] = lambda: None,
    ranks: "Ranks | None" = None,
    share: "Sharing | None" = None,
) -> "Steps[Epoch]":
    """Train what an order asks for, in this process with its threads."""
    import torch

    from trainers.training.distill import Training
    from trainers.views.shared import alone

    _prepare(order)
    training = Training(
        from_json(order.trial),
        store,
        device=torch.device(order.device),
        data_root=None if order.data_root is None else Path(order.data_root),
        bank=order.bank,
        loaders=order.loaders,
        checkpoint=checkpoint,
        on_step=on_step,
        ranks=ranks,
        share=share or alone,
        predictions=order.predictions,
    )
    return training.steps()


def _prepare(order: Order) -> None:
    """Have this process compute as the order says, and find the data sets where the driver finds them, if this node
    says nothing of its own."""
    from trainers.own import provide
    from trainers.training.arithmetic import set_arithmetic

    set_arithmetic(threads=order.threads, deterministic=order.deterministic)
    provide(order.own)
    if order.shared_data is not None and not os.environ.get(SHARED_DATA):
        os.environ[SHARED_DATA] = order.shared_data


def _scored(order: Order, store: Store, trial: Trial, beat: Callable[[], None]) -> Report:
    """Score a given teacher; nothing is trained."""
    from trainers.training.teaching.teacher_scores import score_teacher

    _prepare(order)
    root = None if order.data_root is None else Path(order.data_root)
    way: dict[str, Any] = {"device": order.device, "data_root": root, "loaders": order.loaders, "on_step": beat}
    found = score_teacher(trial, store, **way, predictions=order.predictions)
    warnings = keep_predictions(found.predictions, store, order.key, trial)
    return Report(
        number=found.number,
        values=found.values,
        ending="COMPLETE",
        metrics=found.metrics,
        collapsed=found.collapsed,
        provenance=_provenance(order),
        warnings=warnings,
    )


def _epochs(
    order: Order,
    store: Store,
    beat: Callable[[], None],
    ranks: "Ranks | None",
    pulse: Pulse,
    share: "Sharing | None",
) -> "Steps[Report]":
    from trainers.training.turns import Step

    earlier_told = False
    warnings: list[str] = []
    checkpoint = readable_checkpoint(store, order.key, warnings)  # a first attempt may follow those of a lost ledger

    def report(epoch: "Epoch") -> Report:
        ending: Literal["", "COMPLETE", "DIVERGED"] = ""
        if epoch.last:
            ending = "DIVERGED" if epoch.diverged else "COMPLETE"
        return Report(
            number=epoch.number,
            values=epoch.values,
            earlier={} if earlier_told else dict(enumerate(epoch.training.history[:-1], start=1)),
            ending=ending,
            metrics=epoch.summary() if ending else {},
            collapsed=epoch.collapsed,
            provenance={} if earlier_told else _provenance(order),
            warnings=[*warnings, *epoch.training.warnings],
        )

    with contextlib.closing(
        train(order, store, checkpoint=checkpoint, on_step=beat, ranks=ranks, share=share)
    ) as steps:
        for epoch in steps:
            if isinstance(epoch, Step):
                beat()
                yield epoch
                continue
            if pulse.is_superseded():
                return  # taken for lost and replaced: nobody listens, and what is on disk is another's now
            if not epoch.last:
                warnings += keep_checkpoint(epoch, store, order.key, file_stem(order.number, order.life))
            elif not epoch.diverged:
                warnings += _keep_result(epoch, order, store)
            yield report(epoch)
            earlier_told = True
            warnings.clear()
            epoch.training.warnings.clear()


def _keep_result(epoch: Any, order: Order, store: Store) -> list[str]:
    """Keep what outlives the trial before anyone is told that it has ended; return what could not be kept, and can be
    done without.

    Raises:
        TeacherError: nobody can learn from a teacher that was trained.
    """
    if epoch.training.trial.role == "teacher":
        epoch.training.check_finite()
    if order.keep_weights:
        epoch.save_weights(store.weights(order.key))
        store.keep(store.weights(order.key))
    training = epoch.training
    return keep_predictions(training.scores.predictions, store, order.key, training.trial)


def _provenance(order: Order) -> dict[str, str]:
    """Return where and with what an order runs; the folder with the data too, where it has one."""
    root = {} if order.data_root is None else {"data_root": order.data_root}
    how = {"deterministic": "on"} if order.deterministic else {}
    return provenance(threads=order.threads, device=order.device, bank=order.bank, ranks=order.ranks) | root | how


def provenance(*, threads: int, device: str, bank: bool, ranks: int = 1) -> dict[str, str]:
    """Return where and with what an attempt runs, for tags."""
    import torch

    return {
        "host": platform.node(),
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu",
        "threads": str(threads),
        "ranks": str(ranks),
        "bank": "on" if bank else "off",
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "",
        "python": platform.python_version(),
    }
