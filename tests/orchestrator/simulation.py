"""Trials without training: accuracies that are a function of the trial, driven through the real planner and ledger."""

import hashlib
import random
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.acceptance.accept import accept, expand_all
from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.planner import Planner
from orchestrator.worker.attempts import Attempt, Outcome, Signal, Verdict
from search_spaces import Sweep, read
from trainers.trials.trial import Trial, trial_key

SWEEP = """
name: small
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 4}
methods:
  ce:
  kd:
  gdkd (by k): {method: gdkd, k: {grid: [1, 5]}}
  gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}, w2: {low: 1, high: 16, log: true}}
search: {trials: 8, parallel: 2, sampler: tpe}
seeds: 2
"""


class Killed(BaseException):
    """Stands for kill -9: nothing catches it on its way out."""


def sweep_of(text: str, folder: Path) -> Sweep:
    """Return the sweep of a sweep file's text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sweep.yaml"
    path.write_text(textwrap.dedent(text))
    (sweep,) = expand_all([read(path)], None)
    return sweep


def accuracy(trial: Trial, epoch: int) -> float:
    """Return an accuracy in percent that rises with the epochs and depends on everything in the trial."""
    draw = int.from_bytes(hashlib.sha256(trial_key(trial).encode()).digest()[:4], "big") / 2**32
    return 30.0 + 20.0 * draw + 10.0 * epoch / trial.recipe.epochs


def run_trial(planner: Planner, attempt: Attempt, ending: Callable[[Attempt], Outcome | None]) -> None:
    """Report the attempt's epochs to the planner, then its end: `ending`'s where that gives one."""
    name = "val_top1" if attempt.trial.split == "search" else "test_top1"
    for number in range(1, attempt.trial.recipe.epochs + 1):
        if planner.epoch(attempt, number, {name: accuracy(attempt.trial, number)}) is Verdict.STOP:
            planner.ended(attempt, Outcome(ending="INTERRUPTED"))
            return
    final = "final_val_top1" if attempt.trial.split == "search" else "final_top1"
    value = accuracy(attempt.trial, attempt.trial.recipe.epochs)
    planner.ended(attempt, ending(attempt) or Outcome(ending="COMPLETE", metrics={final: value}))


def new_planner(ledger: Ledger, *sweeps: Sweep) -> Planner:
    """Do what `run` does before it drives."""
    ledger.interrupt_running()
    for sweep in sweeps:
        accept(sweep, ledger)
    return Planner(sweeps, ledger, chance=lambda dataset: 1.0)


def drive(
    planner: Planner, *, slots: int = 1, ending: Callable[[Attempt], Outcome | None] = lambda attempt: None
) -> list[Attempt]:
    """Run everything with `slots` attempts in flight, the oldest ending first; return the attempts in their order."""
    flight: list[Attempt] = []
    handed: list[Attempt] = []
    while True:
        step = planner.next() if len(flight) < slots else Signal.WAIT
        if isinstance(step, Attempt):
            flight.append(step)
            handed.append(step)
        elif flight:
            run_trial(planner, flight.pop(0), ending)
        else:
            assert step is Signal.DONE
            return handed


def drive_interleaved(planner: Planner, *, slots: int, seed: int) -> None:
    """Run everything with the epochs of up to `slots` trials in any order, drawn from `seed`."""
    draw = random.Random(seed)
    flight: list[tuple[Attempt, Iterator[bool]]] = []
    while True:
        step = planner.next() if len(flight) < slots else Signal.WAIT
        if isinstance(step, Attempt):
            flight.append((step, epoch_by_epoch(planner, step)))
        elif flight:
            chosen = draw.randrange(len(flight))
            if not next(flight[chosen][1]):
                flight.pop(chosen)
        else:
            assert step is Signal.DONE
            return


def epoch_by_epoch(planner: Planner, attempt: Attempt) -> Iterator[bool]:
    """Report an epoch at each step; yield whether there is more to come."""
    search = attempt.trial.split == "search"
    name, final = ("val_top1", "final_val_top1") if search else ("test_top1", "final_top1")
    for number in range(1, attempt.trial.recipe.epochs + 1):
        if planner.epoch(attempt, number, {name: accuracy(attempt.trial, number)}) is Verdict.STOP:
            planner.ended(attempt, Outcome(ending="INTERRUPTED"))
            yield False
            return
        yield True
    value = accuracy(attempt.trial, attempt.trial.recipe.epochs)
    planner.ended(attempt, Outcome(ending="COMPLETE", metrics={final: value}))
    yield False


def content(ledger: Ledger, sweep: str) -> dict[str, object]:
    """Return all that a table could be made of: members with their results, and every proposal."""
    members = sorted(
        (m.cell, m.row, m.phase, m.rank or 0, m.seed, m.proposal or 0, m.key) for m in ledger.members(sweep)
    )
    results = {key: (ledger.trial(key).state, ledger.trial(key).metrics) for *_, key in members}
    studies = [row[0] for row in ledger._db.execute("SELECT id FROM study ORDER BY id")]
    proposals = {study: [(p.params, p.key, p.state, p.value) for p in ledger.proposals(study)] for study in studies}
    return {"members": members, "results": results, "proposals": proposals}


def kill_at(count: int) -> Callable[[str], None]:
    """Return a commit hook that kills at the `count`-th call (two a commit: before it and after it)."""
    calls = iter(range(count))

    def hook(moment: str) -> None:
        if next(calls, None) is None:
            raise Killed

    return hook


def moments(count: int, step: int) -> Iterator[int]:
    """Yield which commits to kill at."""
    yield from range(1, count, step)
