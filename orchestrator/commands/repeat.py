"""`repeat`: train a trial again, here, and compare every number with what is recorded. Records nothing."""

import contextlib
import math
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.commands.status import UnknownSweepError
from orchestrator.home.home import banks_folder
from orchestrator.ledger.known_code import code_for
from orchestrator.ledger.known_weights import weights_of
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from search_spaces import Sweep, restore
from trainers import data
from trainers.errors import RequestError
from trainers.files.store import Store
from trainers.files.tensor_digest import weights_digest
from trainers.own import provide
from trainers.texts.counting import counted
from trainers.trials.trial import Trial, from_json

TIMES = frozenset({"epoch_seconds", "images_per_second", "train_seconds", "teacher_images"})
MEMORY = frozenset({"peak_memory_bytes", "held_memory_bytes"})
"""What may differ from time to time, with `TIMES`: speed and cost, not results."""
SHORTEST_PREFIX = 6


class UnknownTrialError(RequestError):
    """No trial, or several, have a key that begins so; or the trial has nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a trial, recorded and trained again."""

    where: str
    """`epoch 3` or `end`."""
    name: str
    stored: float
    again: float

    @property
    def is_equal(self) -> bool:
        """The same to the last bit; two that are not numbers are equal."""
        return self.stored == self.again or (math.isnan(self.stored) and math.isnan(self.again))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """A trial trained again."""

    key: str
    title: str
    numbers: tuple[Number, ...]
    recorded_with: dict[str, str]
    trained_with: dict[str, str]
    collapsed: tuple[str, str] = ("", "")
    """Why the training is thought to have come to nothing, as recorded and as trained here."""

    @property
    def differing(self) -> list[Number]:
        """The numbers that are not the same."""
        return [number for number in self.numbers if not number.is_equal]

    def to_text(self) -> str:
        """Return the comparison for people: every number, then the verdict."""
        lines = [f"{self.title}, {self.key}", f"{'':<10} {'':<16} {'recorded':>14} {'here':>14}"]
        for n in self.numbers:
            mark = "" if n.is_equal else f"  differs by {n.again - n.stored:.3g}"
            lines.append(f"{n.where:<10} {n.name:<16} {n.stored:>14.8g} {n.again:>14.8g}{mark}")
        for name, value in self.recorded_with.items():
            if self.trained_with.get(name, value) != value:
                lines.append(f"recorded with {name} {value}, here {self.trained_with[name]}")
        for where, why in zip(("recorded", "here"), self.collapsed, strict=True):
            lines += [f"{where} as collapsed: {why}"] if why else []
        differing = self.differing
        if not differing:
            all_equal = "its only number is" if len(self.numbers) == 1 else f"all {len(self.numbers)} numbers are"
            lines.append(f"{all_equal} equal, digit for digit")
        else:
            differ = "differs" if len(differing) == 1 else "differ"
            lines.append(f"{len(differing)} of {counted(len(self.numbers), 'number')} {differ}")
        return "\n".join(lines)


def repeat(
    key: str, home: Path | str, on_epoch: Callable[[int, int], None] = lambda number, epochs: None
) -> Repetition:
    """Train the trial whose key begins with `key` again and compare.

    Args:
        on_epoch: called with the number of the epoch that has been trained and how many there are.

    Raises:
        UnknownTrialError: no such trial, nothing to compare with, or what it was trained on is not here.
        LedgerError: the ledger is damaged.
    """
    home = Path(home)
    if not (home / "ledger.db").exists():
        raise UnknownSweepError(f"no sweep has been run in {home}; give another with --home")
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        row = _find(key, ledger)
        stored = {number: values for number, _, values in ledger.epochs(row.key)}
        sweep = ledger.sweep(str(row.origin["sweep"]))
        _check_teacher(from_json(row.spec), Store(home), ledger)
        _check_ranks(row)
        provide(dict(code_for(ledger, from_json(row.spec), row.provenance.get("data_root"))))
    _check_data(from_json(row.spec), _data_root(row))
    epochs = max(1, from_json(row.spec).recipe.epochs)
    last = max(stored, default=epochs)
    numbers: list[Number] = []
    trained_with: dict[str, str] = {}
    collapsed = ""
    for epoch, here in _train(row, home, None if sweep is None else restore(sweep.resolved)):
        numbers += _compared(f"epoch {epoch.number}", stored.get(epoch.number, {}), epoch.values)
        on_epoch(epoch.number, epochs)
        trained_with, collapsed = here, epoch.collapsed
        if epoch.last:
            numbers += _compared("end", row.metrics, epoch.summary())
        if epoch.number >= last:
            break  # where a pruner stopped it, there is nothing more to compare
    return Repetition(
        key=row.key,
        title=row.title,
        numbers=tuple(numbers),
        recorded_with=row.provenance,
        trained_with=trained_with,
        collapsed=(row.collapsed, collapsed),
    )


def _find(prefix: str, ledger: Ledger) -> TrialRow:
    if len(prefix) < SHORTEST_PREFIX or not set(prefix) <= set(string.hexdigits.lower()):
        raise UnknownTrialError(
            f"a trial key must begin with at least {SHORTEST_PREFIX} of 0-9 and a-f, got '{prefix}'"
        )
    keys = [row["key"] for row in ledger.rows("SELECT key FROM trial WHERE key LIKE ? LIMIT 3", f"{prefix}%")]
    if len(keys) != 1:
        what = "no trial has" if not keys else "several trials have"
        raise UnknownTrialError(f"{what} a key that begins with '{prefix}' (keys: trial_key in MLflow, members.csv)")
    row = ledger.trial(keys[0])
    assert row is not None
    if not row.metrics and not ledger.epochs(row.key):
        raise UnknownTrialError(f"trial {keys[0]} has no numbers to compare with: {row.state}")
    return row


def _check_ranks(row: TrialRow) -> None:
    """Raise UnknownTrialError where one process cannot train the trial."""
    parts = from_json(row.spec).norm_parts
    if parts > 1:
        raise UnknownTrialError(
            f"trial {row.key} is one of {parts} ranks with batch_norm: local; one process, which trains it here, would "
            "come to other numbers"
        )


def _check_teacher(trial: Trial, store: Store, ledger: Ledger) -> None:
    """See to it that what the trial learnt from is here.

    Raises:
        UnknownTrialError: it is not, or others are under its name.
    """
    if trial.teacher is None:
        return
    weights = store.weights(trial.teacher.id)
    if not weights.exists():
        raise UnknownTrialError(f"the weights of its teacher {trial.teacher.id} are not in {store.home}")
    known = weights_of(ledger, trial.teacher.id)
    if known and weights_digest(weights) != (trial.teacher.weights or known[0]):
        raise UnknownTrialError(
            f"{weights} holds others than the weights that it learnt from: its teacher has been trained again"
        )


def _data_root(row: TrialRow) -> Path | None:
    return Path(row.provenance["data_root"]) if "data_root" in row.provenance else None


def _check_data(trial: Trial, root: Path | None) -> None:
    """See to it that the trial's data set is here, and still the same.

    Raises:
        UnknownTrialError: it is not.
    """
    try:
        found = data.describe(trial.dataset, root)
    except data.DataFilesError as error:
        raise UnknownTrialError(f"the data set {trial.dataset} cannot be read: {error}") from error
    if found.digest != trial.data_digest:
        where = "" if root is None or (path := data.folder_of(root)) is None else f" ({path})"
        raise UnknownTrialError(f"the data set {trial.dataset}{where} is another one than the trial was trained on")


def _train(row: TrialRow, home: Path, sweep: Sweep | None) -> Iterator[tuple[Any, dict[str, str]]]:
    """Yield the epochs of the trial, trained as it was, with where and with what they are trained."""
    import torch

    from orchestrator.worker.worker import provenance
    from trainers.training.arithmetic import set_arithmetic
    from trainers.training.distill import distill

    trial = from_json(row.spec)
    store = Store(home, banks_folder(home))
    device = "cuda" if sweep is not None and sweep.resources.gpus > 0 and torch.cuda.is_available() else "cpu"
    root = _data_root(row)
    threads = int(row.provenance.get("threads", "1"))
    bank = row.provenance.get("bank", "on") == "on"
    set_arithmetic(threads=threads, deterministic=row.provenance.get("deterministic") == "on")
    if trial.role == "given":
        from trainers.training.teaching.teacher_scores import score_teacher

        scored = score_teacher(trial, store, device=device, data_root=root)
        yield scored, provenance(threads=threads, device=device, bank=bank)
        return
    for epoch in distill(trial, store, device=device, data_root=root, bank=bank):
        yield epoch, provenance(threads=threads, device=device, bank=bank)


def _compared(where: str, stored: dict[str, float], again: dict[str, float]) -> Iterator[Number]:
    for name, value in stored.items():
        if name not in TIMES | MEMORY:
            yield Number(where, name, value, again.get(name, math.nan))
