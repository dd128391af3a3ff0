"""Where runs are read from, and what each gives: MLflow's database by SQL, or any other store by MLflow's client."""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Curves = dict[str, dict[str, list[tuple[int, float]]]]
"""By run id, then by metric: (epoch, value) by rising epoch."""

METRICS = (
    *("final_top1", "best_top1", "final_top5", "final_val_top1", "final_miou", "best_miou", "final_val_miou"),
    *("train_seconds", "teacher_images", "extra_parameters", "peak_memory_bytes"),
)
"""Metrics whose last value is read: columns of the trials have their names."""

PARAMS = ("dataset", "teacher", "student", "method")
"""Params that are read, besides all that begin with one of `PREFIXES`."""

METHOD_PREFIX, RECIPE_PREFIX = PREFIXES = ("method.", "recipe.")


def of_prefix(params: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the params with a prefix, without it."""
    return {name.removeprefix(prefix): text for name, text in params.items() if name.startswith(prefix)}


TEACHER_ID, TEACHER_VARIANT = "teacher_id", "teacher_variant"
COMMIT, DIRTY = "mlflow.source.git.commit", "mlflow.source.git.dirty"
TAGS = (
    *("state", "trial_key", "config_key", "collapsed", TEACHER_ID, TEACHER_VARIANT),
    *("attempts", "bank", "cuda", "device", "python", "ranks", "reason", "seconds", "threads", "torch", COMMIT, DIRTY),
)
"""Tags that are read: what a trial is, and how its run came about."""

INFINITE = 1.797e308
"""MLflow stores ±inf as the largest finite float; a metric of this size or more is no measurement."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a report needs of one MLflow run."""

    run_id: str
    experiment_id: str = ""
    status: str = ""
    start_time: int = 0
    """Milliseconds since 1970."""
    artifact_uri: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """Those of `TAGS` that it has."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Last values of metrics; those that are not finite are left out."""
    end_time: int | None = None
    """None while it has not ended."""

    @property
    def seconds(self) -> float | None:
        """How long it was worked at, over all attempts; None while it has not ended.

        Of runs that were told by an older kdsweep, from start to end, where the clock was not set in between.
        """
        if self.end_time is None:
            return None
        with contextlib.suppress(KeyError, ValueError):
            return float(self.tags["seconds"])
        return (self.end_time - self.start_time) / 1000 if self.end_time >= self.start_time else None


class Store(Protocol):
    """Reads one tracking store. Deleted runs and experiments are as if they were not there."""

    def sweeps(self) -> list[str]:
        """Return the names of all sweeps, sorted."""

    def parent(self, name: str) -> RunRecord | None:
        """Return the parent run of a sweep, the newest where there are several; params and metrics are left empty."""

    def runs(self, run_ids: Collection[str]) -> dict[str, RunRecord]:
        """Return the runs by id; those that are not there are left out."""

    def by_trial_key(self, keys: Collection[str], experiment_id: str) -> dict[str, RunRecord]:
        """Return one run for each trial key that has any, wherever it is; `experiment_id` is where most will be."""

    def curves(self, run_ids: Collection[str], names: Collection[str]) -> Curves:
        """Return what runs recorded of these metrics epoch by epoch; what is not there is left out."""

    def artifact(self, run: RunRecord, name: str) -> str:
        """Return an artifact of the run as text.

        Raises:
            StoreUnavailableError: it is not there, or out of reach from this machine.
        """


def preferred(records: Collection[RunRecord]) -> RunRecord:
    """Return the run to use where one trial has several: a complete one, then the latest, then by id."""
    return max(records, key=lambda run: (run.tags.get("state") == "COMPLETE", run.start_time, run.run_id))


def is_measured(value: float) -> bool:
    """Return whether a metric is a number: not NaN, and not what MLflow makes of an infinity."""
    return abs(value) < INFINITE


def gathered(points: Iterable[tuple[str, str, int, int, float]]) -> Curves:
    """Return (run id, metric, step, time, value) as curves: of one step that was told twice the later value.

    Values that are no numbers are left out, and the order of the points does not matter.
    """
    found: dict[str, dict[str, dict[int, float]]] = {}
    for run_id, name, step, _, value in sorted(points, key=lambda point: point[:4]):
        if is_measured(value):
            found.setdefault(run_id, {}).setdefault(name, {})[step] = value
    return {run_id: {name: [*steps.items()] for name, steps in of.items()} for run_id, of in found.items()}


DATABASES = frozenset({"sqlite", "postgresql", "mysql", "mssql"})


def is_database(tracking_uri: str) -> bool:
    """Return whether the URI names a database, with or without a driver (`postgresql+psycopg2://…`)."""
    return tracking_uri.partition(":")[0].partition("+")[0] in DATABASES


def open_store(tracking_uri: str) -> Store:
    """Return the store behind a tracking URI.

    Raises:
        StoreUnavailableError: there is none, or it does not answer. Nothing is created.
    """
    if is_database(tracking_uri):
        from reports.stores.database import Database

        return Database(tracking_uri)
    from reports.stores.client import Client

    return Client(tracking_uri)
