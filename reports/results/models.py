"""Networks of a sweep that has been trained: a reported student, or its teacher, with its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reports.errors import ReportError
from reports.results.states import TEACHER, is_reported
from trainers.data import DataInfo
from trainers.files.store import Store
from trainers.texts.nearest import unknown
from trainers.trials.trial import Teacher, Trial, Value

if TYPE_CHECKING:
    from torch import nn

    from reports.results.results import Results
    from search_spaces import Sweep
    from search_spaces.sweeps.blueprint import Blueprint

Item = TypeVar("Item")
BESIDE = "the weights of a student stay in the home that trained it"


@dataclass(frozen=True, slots=True)
class Trained:
    """What is needed to load a network."""

    key: str
    """Of its trial; of a given teacher, the SHA-256 of its file."""
    run_id: str
    """MLflow run of its trial; empty where it has none."""
    network: str
    """timm's name."""
    arguments: Mapping[str, Value]
    info: DataInfo
    method: str = "ce"
    teacher: Teacher | None = None
    sees: int = 0
    """Height and width in pixels of what a teacher sees; 0: as the data set has it."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what it sees, in pixels."""
        return (self.sees, self.sees) if self.sees else (self.info.size, self.info.width)

    def load(self, store: Store) -> "nn.Module":
        """Return the network in evaluation mode.

        Raises:
            ReportError: its weights are not in the store.
        """
        from trainers.training.trained import trained_network

        given = (self.key, self.network, self.arguments, self.info, store)
        try:
            return trained_network(*given, method=self.method, teacher=self.teacher)
        except FileNotFoundError as error:
            raise ReportError(f"{error.filename or store.weights(self.key)} is not there: {BESIDE}") from error


def find(results: "Results", row: str, pair: str = "", seed: int | None = None) -> Trained:
    """Return what is needed to load a network.

    Raises:
        ReportError: there is no such row, pair or seed, or its training has not ended.
    """
    sweep = _sweep(results)
    cell = _one("pair", pair, {name: c for c in sweep.cells for name in (c.id, f"{c.teacher} -> {c.student}")})
    trials = results.trials
    (info,) = (dataset.info for dataset in sweep.datasets if dataset.name == cell.dataset)
    if row == TEACHER:
        plans = [plan for plan in sweep.teachers if (plan.dataset, plan.model) == (cell.dataset, cell.teacher)]
        plan = next((plan for plan in plans if plan.variant == "plain"), None) or next(iter(plans), None)
        if plan is None:
            raise ReportError(f"no row of {results.name} needs the teacher {cell.teacher}")
        runs = trials[(trials["trial_key"] == (plan.trial is not None and plan.id)) & trials["run_id"].notna()]
        run_id = "" if runs.empty else str(runs["run_id"].iloc[0])
        taught = [*(m.trial.teacher for m in sweep.fixed), *(search.blueprint.teacher for search in sweep.searches)]
        sees = next((of.size for of in taught if of is not None and of.id == plan.id), 0)
        return Trained(plan.id, run_id, plan.timm_name, plan.model_args, info, sees=sees)
    rows = {str(label) for label in trials.loc[trials["phase"] != TEACHER, "row"]}
    label = _one("row", row, {name: name for name in (*sorted(rows), TEACHER)})
    own = trials[is_reported(trials) & (trials["cell"] == cell.id) & (trials["row"] == label)]
    ended = own[own["state"] == "COMPLETE"].sort_values("seed")
    if seed is not None and seed not in own["seed"].tolist():
        raise ReportError(unknown("seed", str(seed), [str(one) for one in own["seed"].tolist()]))
    line = (ended if seed is None else ended[ended["seed"] == seed]).head(1)
    if line.empty:
        which = "" if seed is None else f" seed {seed}"
        raise ReportError(f"{label}{which} of {cell.id} has not been trained to its end: run the sweep again")
    made = _made(sweep, cell.id, label)
    method = made.method if isinstance(made.method, str) else made.method.name
    place = str(line["trial_key"].iloc[0]), str(line["run_id"].iloc[0])
    return Trained(*place, made.student, made.student_args, info, method, made.teacher)


def _made(sweep: "Sweep", cell: str, row: str) -> "Trial | Blueprint":
    """Return what all trials of a row in a cell have in common."""
    for member in sweep.fixed:
        if (member.cell, member.row) == (cell, row):
            return member.trial
    (search,) = (search for search in sweep.searches if (search.cell, search.row) == (cell, row))
    return search.blueprint


def _sweep(results: "Results") -> "Sweep":
    from search_spaces import SweepFileError, restore

    if "sweeps" in results.resolved:
        raise ReportError("networks are loaded from one sweep: reports.load(NAME).model(…)")
    try:
        return restore(results.resolved)
    except (KeyError, ValueError, SweepFileError) as error:
        raise ReportError(f"what {results.name} was decided to be cannot be read: {error}") from error


def _one(kind: str, given: str, known: Mapping[str, Item]) -> Item:
    """Return what a name stands for; without a name, all there is."""
    if given in known:
        return known[given]
    distinct = list(dict.fromkeys(known.values()))
    if not given and len(distinct) == 1:
        return distinct[0]
    if not given:
        raise ReportError(f"name one {kind} of several: {', '.join(known)}")
    raise ReportError(unknown(kind, given, list(known)))
