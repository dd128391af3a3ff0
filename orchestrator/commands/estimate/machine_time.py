"""How long a sweep will train on this machine: by trainings of the same networks that ran here, or by a few steps of
each kind."""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.display.progress import Kind, Pace, left_seconds
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED
from orchestrator.planning.search.search_ends import SearchStanding, search_standing
from search_spaces import Search, Sweep
from trainers.machine import usable_cores
from trainers.trials.batches import epoch_images
from trainers.trials.trial import Trial

LEAST_TRAINED_SECONDS = 60.0
"""A run that has trained for less says nothing of how much of its time is training."""


@dataclass(frozen=True, slots=True)
class Left:
    """Trainings that cost the same and have not ended."""

    trial: Trial
    """One of them."""
    count: int
    """At most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTime:
    """What a sweep still takes on this machine, at most."""

    seconds: float
    """Of the trainings whose pace is known, so many at a time as `slots`."""
    slots: int
    left: int
    """Trainings, at most."""
    unknown: int
    """Those of them whose pace nothing says."""
    ended: int
    """Trainings of the sweep that have ended in the home."""
    by: str
    """What it is taken from, in words."""
    no_gpu: bool = False
    """The sweep asks for a GPU, and there is none here."""


def machine_time(
    sweep: Sweep, ledger: Ledger | None, *, probe: bool = False, say: Callable[[str], None] = lambda line: None
) -> MachineTime:
    """Return how long what is left of a sweep takes on this machine.

    Args:
        ledger: of the home; None: nothing has been run in it.
        probe: time a few steps of each kind of training, in this process; else by what was measured in the home.
        say: called before each kind that is probed.
    """
    slots, no_gpu = _slots(sweep)
    known = {} if ledger is None else ledger.states()
    left, ended = _left(sweep, ledger, known), _ended(sweep, ledger, known)
    if probe and not no_gpu:
        from orchestrator.commands.estimate.probing import probed_seconds

        each, by = probed_seconds(sweep, [one.trial for one in left], say), "by a few steps of each kind of training"
    else:
        measured = {} if ledger is None or no_gpu else _measured(sweep, ledger)
        each = [_training_seconds(sweep, one.trial, measured) for one in left]
        by = "by trainings of these networks that ran here"
    work = sum((seconds or 0.0) * one.count for seconds, one in zip(each, left, strict=True))
    unknown = sum(one.count for seconds, one in zip(each, left, strict=True) if seconds is None)
    seconds = work / slots
    if ledger is not None and not probe and ledger.run_trained() >= LEAST_TRAINED_SECONDS:
        elapsed = ledger.run_elapsed()  # with all that lies between trainings
        seconds = left_seconds(work, ledger, slots=slots, elapsed_seconds=elapsed) or 0.0
    many = sum(one.count for one in left)
    return MachineTime(seconds=seconds, slots=slots, left=many, unknown=unknown, ended=ended, by=by, no_gpu=no_gpu)


def _slots(sweep: Sweep) -> tuple[int, bool]:
    """Return how many trials `run` trains at a time on this machine, and whether a GPU that they ask for is lacking."""
    resources = sweep.resources
    by_cores = max(1, usable_cores() // (resources.cpus * resources.ranks))
    if not resources.gpus:
        return by_cores, False
    import torch

    cards = torch.cuda.device_count()
    return max(1, min(by_cores, int(cards / resources.gpus))), cards < resources.gpus


def _left(sweep: Sweep, ledger: Ledger | None, known: Mapping[str, str]) -> list[Left]:
    """Return what has not ended: with the seeds that every row has, and of searches all that they may ask for."""
    fixed = {plan.id: plan.trial for plan in sweep.teachers if plan.trial is not None}
    fixed |= {member.key: member.trial for member in sweep.fixed}
    left = [Left(trial, 1) for key, trial in fixed.items() if known.get(key) not in ENDED]
    for search in {search.study_id: search for search in sweep.searches}.values():
        left += [one for one in _of_search(sweep, search, ledger) if one.count]
    return left


def _of_search(sweep: Sweep, search: Search, ledger: Ledger | None) -> Iterator[Left]:
    coming, open_ones = _whole(search), {"search": 0, "confirm": 0}
    if ledger is not None:
        coming = search_standing(sweep.name, search, ledger, tries_again=True)
        marks = ", ".join("?" * len(ENDED))
        open_ones |= {
            row["phase"]: row["trials"]
            for row in ledger.rows(
                "SELECT m.phase, count(DISTINCT t.key) AS trials FROM member m JOIN trial t USING (key) "
                f"WHERE m.sweep = ? AND m.cell = ? AND m.row = ? AND t.state NOT IN ({marks}) GROUP BY 1",
                *(sweep.name, search.cell, search.row, *sorted(ENDED)),
            )
        }
    low = {dimension.name: dimension.starts[0] for dimension in search.dimensions}
    plan = search.blueprint
    proposals = coming.proposals + coming.racing + open_ones["search"]
    yield Left(plan.trial(low, split="search", epochs=search.recipe.epochs), proposals)
    confirming = coming.confirming + open_ones["confirm"]
    yield Left(plan.trial(low, split="full", epochs=plan.recipe.epochs), confirming)


def _whole(search: Search) -> SearchStanding:
    confirming = search.confirm * len(search.reported_seeds)
    racing = sum(search.race_sizes)
    return SearchStanding(search=search, proposals=search.trials, racing=racing, confirming=confirming)


def _ended(sweep: Sweep, ledger: Ledger | None, known: Mapping[str, str]) -> int:
    """Return how many trainings have ended that the sweep asks for."""
    keys = {plan.id for plan in sweep.teachers if plan.trial is not None} | {member.key for member in sweep.fixed}
    if ledger is not None:
        rows = {(search.cell, search.row) for search in sweep.searches}
        members = ledger.rows(
            "SELECT DISTINCT cell, row, key FROM member WHERE sweep = ? AND phase IN ('search', 'confirm')", sweep.name
        )
        keys |= {one["key"] for one in members if (one["cell"], one["row"]) in rows}
    return sum(known.get(key) in ENDED for key in keys)


def _measured(sweep: Sweep, ledger: Ledger) -> dict[Kind, float]:
    """Return the seconds that an image took in training, by kind, in trials that ran on this machine as these will."""
    from orchestrator.planning.gpu_share import this_gpu

    device = this_gpu()[0] if sweep.resources.gpus else platform.processor() or "cpu"
    rows = ledger.rows(
        "SELECT json_extract(t.spec, '$.dataset') AS dataset, json_extract(t.spec, '$.student') AS student, "
        "json_extract(t.spec, '$.method') AS method, json_extract(t.spec, '$.split') AS split, "
        "sum(json_extract(e.metrics, '$.epoch_seconds')) / "
        "sum(json_extract(e.metrics, '$.epoch_seconds') * json_extract(e.metrics, '$.images_per_second')) AS seconds "
        "FROM trial t JOIN epoch e USING (key) WHERE json_extract(t.provenance, '$.host') = ? "
        "AND json_extract(t.provenance, '$.device') = ? GROUP BY 1, 2, 3, 4",
        *(platform.node(), device),
    )
    return {
        Kind(row["dataset"], row["student"], row["method"], row["split"]): row["seconds"]
        for row in rows
        if row["seconds"]
    }


def _training_seconds(sweep: Sweep, trial: Trial, measured: Mapping[Kind, float]) -> float | None:
    """Return what a training takes, by others of the same network on the same data; None where there were none."""
    kind = Kind(trial.dataset, trial.student, trial.method, trial.split)
    alike = {other: seconds for other, seconds in measured.items() if other[:2] == kind[:2]}
    each = Pace(alike).epoch_seconds(kind)
    info = next(plan.info for plan in sweep.datasets if plan.name == trial.dataset)
    return (
        None if each is None else each * epoch_images(trial.recipe, info.trained_on(trial.split)) * trial.recipe.epochs
    )
