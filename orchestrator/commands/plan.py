"""A plan in five lines: what a sweep comes to on this machine, and what it lacks here."""

import contextlib
import dataclasses
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.commands.estimate.machine_time import MachineTime, machine_time
from orchestrator.display.words import duration
from orchestrator.home.home import existing_part
from orchestrator.ledger.ledger import Ledger
from search_spaces import Plan, Sweep
from trainers.texts.counting import counted, size_text

ENGINES = ("ray", "mlflow", "optuna")
"""Packages that `run` needs and `plan` does not."""
SHOWN = 6
"""Names of what is missing that a line has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHere:
    """A plan, and what it means on this machine and in a home."""

    plan: Plan
    time: MachineTime
    datasets: tuple[str, ...]
    free_bytes: int
    """On the home's disk."""
    missing: tuple[str, ...]
    """Data sets, weights and packages that are not here, in words."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values, with what is known of this machine."""
        return {**self.plan.to_json(), "machine": dataclasses.asdict(self.time), "missing": list(self.missing)}

    def to_lines(self) -> list[str]:
        """Return five lines for people."""
        plan = self.plan
        first, searched = counted(len(plan.seeds), "seed"), sum(bool(row.searched) for row in plan.rows)
        counts = (
            f"{counted(len(plan.cells), 'pair')} on {', '.join(self.datasets)}",
            counted(len(plan.rows), "row") + (f" ({searched} searched)" if searched else ""),
            f"{first} or more" if plan.settling else first,
        )
        return [
            f"{plan.name}: {', '.join(counts)}",
            f"trainings  {self._trainings()}",
            f"time       {self._time()}",
            f"disk       {self._disk()}",
            f"missing    {_named(self.missing)}",
        ]

    def more(self) -> str:
        """Return what else there is to know, and how it is asked for."""
        notes = [counted(len(self.plan.notes), "note")] if self.plan.notes else []
        return f"{', '.join([*notes, 'rows, recipes, teachers, what the figures rest on'])}: --details"

    def _trainings(self) -> str:
        plan = self.plan
        students = f"{plan.most_trainings:,} student{'s' * (plan.most_trainings != 1)}"
        total = plan.most_trainings + plan.teacher_trainings
        most = " at most" if plan.most_trainings > plan.distinct_trainings else ""
        many = f"{total:,}{most}: {counted(plan.teacher_trainings, 'teacher')}, {students}"
        if plan.least_trainings < plan.most_trainings and plan.settling:
            many = f"{plan.least_trainings + plan.teacher_trainings:,} to {many}"
        has = "has" if self.time.ended == 1 else "have"
        return many + (f"; {self.time.ended:,} {has} ended here before" if self.time.ended else "")

    def _time(self) -> str:
        time, hours = self.time, self.plan.work.hours_text
        estimate = "" if self.plan.work.on_cpu else f"; {hours} GPU hours by multiply-adds, not measured"
        if not time.left:
            return "none: all has ended here before"
        if time.no_gpu:
            return f"this machine has no GPU, which the sweep asks for{estimate}"
        if time.unknown == time.left:
            return f"not known: nothing like it has run here (--probe times a few steps of each kind){estimate}"
        first = " with the first seeds" if self.plan.settling else ""
        slots = f"{counted(time.slots, 'trial')} at a time"
        told = f"about {duration(time.seconds)} on this machine{first}, {slots}, {time.by}"
        rest = f"; without {counted(time.unknown, 'training')} of which nothing is known" if time.unknown else ""
        return told + rest

    def _disk(self) -> str:
        disk = self.plan.disk
        running = min(self.time.slots, max(1, self.plan.most_trainings)) * disk.checkpoint_bytes
        logits = [f"{size_text(disk.logits_bytes)} of stored logits"] if disk.logits_bytes else []
        predictions = [f"{size_text(disk.predictions_bytes)} of predictions"] if disk.predictions_bytes else []
        weights = f"{size_text(disk.weights_bytes)} of weights"
        parts = [*logits, weights, *predictions, f"{size_text(running)} of checkpoints"]
        total = size_text(disk.logits_bytes + disk.weights_bytes + disk.predictions_bytes + running)
        return f"{total} at most: {', '.join(parts)}; {size_text(self.free_bytes)} are free"


def plan_here(
    plan: Plan, sweep: Sweep, home: Path | str, *, probe: bool = False, say: Callable[[str], None] = lambda line: None
) -> PlanHere:
    """Return what a plan means on this machine. Makes nothing.

    Args:
        home: folder with what has run before; need not be there.
        probe: time a few steps of each kind of training, in this process.
        say: called before each of them.

    Raises:
        LedgerError: the ledger is damaged.
    """
    home = Path(home)
    with _ledger(home) as ledger:
        time = machine_time(sweep, ledger, probe=probe, say=say)
    return PlanHere(
        plan=plan,
        time=time,
        datasets=tuple(one.name for one in sweep.datasets),
        free_bytes=shutil.disk_usage(existing_part(home)).free,
        missing=tuple(_missing(plan, sweep)),
    )


@contextlib.contextmanager
def _ledger(home: Path) -> Iterator[Ledger | None]:
    if not (home / "ledger.db").exists():
        yield None
        return
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        yield ledger


def _missing(plan: Plan, sweep: Sweep) -> Iterator[str]:
    data = [one.name for one in sweep.datasets if not one.info.found]
    yield from (f"data set {name}" for name in data)
    names = dict.fromkeys(line.partition(": ")[0] for line in plan.assumed)
    yield from (f"weights of {name.removeprefix('teachers.')}" for name in names if name not in data)
    yield from (f"package {name}" for name in ENGINES if importlib.util.find_spec(name) is None)


def _named(missing: tuple[str, ...]) -> str:
    if not missing:
        return "nothing: data sets, weights and packages are here"
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return f"{', '.join(missing[:SHOWN])}{more}"
