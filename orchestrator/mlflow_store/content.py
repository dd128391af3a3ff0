"""What an MLflow run of a trial holds, worked out from the ledger's record. No MLflow in here."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestrator.ledger.records import MemberRow, TrialRow
from search_spaces.files.races import SEARCH_SEEDS
from trainers.texts.letters import fitting

STATUS = {
    "WAITING": "SCHEDULED",
    "RUNNING": "RUNNING",
    "COMPLETE": "FINISHED",
    "PRUNED": "KILLED",
    "INTERRUPTED": "KILLED",
    "DIVERGED": "FAILED",
    "FAIL": "FAILED",
}
"""State of a trial -> status of its run."""

SWEEP_STATUS = {"RUNNING": "RUNNING", "COMPLETE": "FINISHED", "FAIL": "FAILED", "INTERRUPTED": "KILLED"}
REASON_CHARACTERS = 5000
KEY_CHARACTERS = 8
"""Of a trial's key, in a run's name: seeds, rows and pairs come again when a sweep is changed."""
MEMBER_COLUMNS = ("cell", "entry", "row", "phase", "rank", "seed", "trial_key", "run_id", "experiment_id")

PARAMS = {
    "dataset": "name of the data set",
    "split": "`search`: trained on fit images, scored on validation; `full`: trained on both, scored on test",
    "teacher": "timm's name of the network (ours begin with `cifar_`); empty where there is no teacher",
    "student": "timm's name of the network that is trained; of a teacher's run, the teacher",
    "method": "name of the method",
    "seed": "of the trial",
    "method.*": "every hyperparameter of the method, defaults included; those that change nothing are at their default",
    "recipe.*": "every field of the recipe as trained; `recipe.method_warmup_epochs` is 0, for it has become "
    "`method.warmup_epochs`",
    "last_image": "`joined`, where an epoch's single last image joins the batch before it",
    "norm_parts": "parts of a batch that BatchNorm normalised each for itself, where it did: ranks with `local`",
}
"""Contract of a run's params."""

TAGS = {
    "kind": "`trial` or `teacher`; `sweep` of the parent run",
    "trial_key": "identifies the trial",
    "config_key": "the key without the seed",
    "teacher_id": "of a student: key of the trial that trained its teacher, or SHA-256 of the teacher's weights file",
    "teacher_weights": "of a student whose teacher was trained: digest of the weights it learnt from",
    "teacher_variant": "of a student: `plain`, or `strong` where its teacher's training images were strongly augmented",
    "state": "WAITING, RUNNING, COMPLETE, PRUNED, DIVERGED, INTERRUPTED or FAIL",
    "attempts": "how often it was started",
    "seconds": "how long it was worked at, over all attempts, pauses left out; measured by a clock that nobody can set",
    "sweep": "name of the sweep that asked first; of the parent run, its own",
    "current": "`false` where that sweep, as last accepted, does not ask for the trial any more; else `true`",
    "cell": "data set and pair, of the sweep that asked first, like the following",
    "entry": "line under `methods:`",
    "row": "the entry with its grid values",
    "phase": "`fixed`, `search`, `confirm` or `teacher`",
    "rank": "of a confirmed setting",
    "proposal": "number of the proposal: of a search's trial, and of a confirmed setting",
    "collapsed": "why the training is thought to have come to nothing, where it is",
    "reason": "why it ended, where it did not complete: its last 5000 characters",
    "host": "the machine it ran on, last",
    "device": "name of the GPU or the processor",
    "threads": "threads it computed with, or each of its ranks",
    "ranks": "processes that trained it together",
    "bank": "`on` or `off`",
    "deterministic": "`on`, where `resources.deterministic` asked for it",
    "torch": "version",
    "cuda": "version that torch was built for",
    "python": "version",
    "data_root": "folder with the files of the data set, if it has one",
}
"""Contract of a run's tags; those that say nothing are left out."""

Point = tuple[str, float, int, int]
"""Metric name, value, milliseconds since 1970, step."""


def params(row: TrialRow) -> dict[str, str]:
    """Return what the trial's key decides, as MLflow params."""
    spec = row.spec
    teacher = spec["teacher"]
    values = {
        "dataset": spec["dataset"],
        "split": spec["split"],
        "teacher": teacher["model"] if teacher else "",
        "student": spec["student"],
        "method": spec["method"],
        "seed": spec["seed"],
        **{f"method.{name}": _hyperparameter(value) for name, value in spec["hyperparameters"].items()},
        **{f"recipe.{name}": value for name, value in spec["recipe"].items()},
        **({"last_image": spec["last_image"]} if spec.get("last_image", "alone") != "alone" else {}),
        **({"norm_parts": spec["norm_parts"]} if spec.get("norm_parts", 1) != 1 else {}),
    }
    return {name: _text(value) for name, value in values.items()}


def _hyperparameter(value: object) -> object:
    """Return a list as text in brackets, so that a list of one number is not taken for a number."""
    return f"[{_text(value)}]" if isinstance(value, list | tuple) else value


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return str(value)


def tags(
    row: TrialRow, seconds: float | None = None, teacher_weights: str = "", current: bool | None = None
) -> dict[str, str]:
    """Return what names the trial, who asked for it first, where it ran and how it stands, as MLflow tags.

    Args:
        seconds: that its attempts took together; None or 0 where that is not known.
        teacher_weights: digest of the first weights of the teacher that it learns from, where it was trained.
        current: whether the sweep that asked first asks for it still; None where that is not known.
    """
    origin = {name: str(value) for name, value in row.origin.items() if value is not None}
    reason = {"reason": fitting(row.reason[-REASON_CHARACTERS:])} if row.reason else {}
    collapsed = {"collapsed": row.collapsed[-REASON_CHARACTERS:]} if row.collapsed else {}
    teacher = row.spec["teacher"]
    learnt_from = {}
    if teacher is not None:  # told apart everywhere: students of a strongly augmented teacher score otherwise
        learnt_from = {"teacher_id": teacher["id"], "teacher_variant": teacher.get("variant", "plain")}
        weights = teacher.get("weights") or teacher_weights
        learnt_from |= {"teacher_weights": weights} if weights else {}
    return {
        "kind": "trial" if row.spec["role"] == "student" else "teacher",
        "trial_key": row.key,
        "config_key": row.config_key,
        "state": row.state,
        "attempts": str(row.attempts),
        **({"seconds": f"{seconds:.1f}"} if seconds else {}),
        "phase": "",
        **({} if current is None else {"current": str(current).lower()}),
        **learnt_from,
        **origin,
        **reason,
        **collapsed,
        **{name: fitting(value) for name, value in row.provenance.items() if value},
    }


def points(row: TrialRow, epochs: Sequence[tuple[int, float, Mapping[str, float]]], told: int = 0) -> Iterator[Point]:
    """Return the metrics of epochs at their own times and steps, so that telling them twice changes nothing, and the
    metrics at the end.

    Args:
        epochs: all of the trial: the metrics at the end stand at the last one's step.
        told: the epochs up to this one are left out.
    """
    last = epochs[-1][0] if epochs else 0
    for number, at, values in epochs:
        if number <= told:
            continue
        for name, value in values.items():
            yield name, _finite(value), _milliseconds(at), number
    for name, value in row.metrics.items():
        yield name, _finite(value), _milliseconds(row.ended_at or 0.0), last


def _finite(value: float) -> float:
    """MLflow turns an infinity into 1.8e308; not-a-number says what is meant."""
    return value if math.isfinite(value) else math.nan


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def end_time(row: TrialRow, seconds: float) -> float | None:
    """Return when the trial ended, for people; never before it had been at work for so long, for clocks are set."""
    if row.ended_at is None or row.started_at is None:
        return row.ended_at
    return max(row.ended_at, row.started_at + seconds)


def run_name(row: TrialRow) -> str:
    """Return a name for people, of one run alone: row and seed or the teacher's network, cell, and how the trial's key
    begins."""
    return " | ".join([_who(row), str(row.origin.get("cell") or row.spec["dataset"]), row.key[:KEY_CHARACTERS]])


def _who(row: TrialRow) -> str:
    if row.spec["role"] != "student":
        return f"teacher {row.spec['student']}"
    proposal = row.origin.get("proposal")
    label = f"{row.origin.get('row', row.spec['method'])}"
    if row.origin.get("phase") == "search":
        place = row.spec["seed"] // SEARCH_SEEDS
        return f"{label} proposal={proposal}{f' search_seed={place}' if place > 1 else ''}"
    return f"{label} seed={row.spec['seed']}"


def members_csv(members: Iterable[MemberRow], runs: Mapping[str, tuple[str, str]]) -> str:
    """Return the table of which runs serve which row.

    Args:
        runs: trial key -> run id and experiment id of those that have been told.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MEMBER_COLUMNS)
    for member in members:
        run_id, experiment_id = runs.get(member.key, ("", ""))
        rank = "" if member.rank is None else member.rank
        writer.writerow(
            [member.cell, member.entry, member.row, member.phase, rank, member.seed, member.key, run_id, experiment_id]
        )
    return text.getvalue()
