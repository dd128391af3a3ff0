"""What trials are scored by: top-1 accuracy, or mean intersection over union where every pixel has a class."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.results.sweep import dataset_facts

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure of a trained network, in percent: which metrics hold it, and what it is called."""

    final: str
    """Metric on the test images after the last epoch."""
    best: str
    """Metric on the test images in the best epoch: chosen on test."""
    validation: str
    """Metric on the validation images after the last epoch, in a search."""
    label: str
    """Over a column."""
    short: str
    """In a sentence, and in the name of a figure's file."""
    long: str
    """At the beginning of a sentence."""

    @property
    def name(self) -> str:
        """For programs: top1, miou, top5."""
        return self.final.removeprefix("final_")


TOP1 = Measure(
    final="final_top1",
    best="best_top1",
    validation="final_val_top1",
    label="top-1 (%)",
    short="accuracy",
    long="Top-1 accuracy",
)
MIOU = Measure(
    final="final_miou",
    best="best_miou",
    validation="final_val_miou",
    label="mIoU (%)",
    short="mIoU",
    long="Mean intersection over union (mIoU)",
)
TOP5 = Measure(
    final="final_top5",
    best="",
    validation="",
    label="top-5 (%)",
    short="top-5 accuracy",
    long="Top-5 accuracy",
)
"""Of the same trainings as top-1: for a table of its own, nothing is chosen by it."""


def measure_of(trials: "pd.DataFrame") -> Measure:
    """Return what these trials, of one data set, are scored by."""
    names = [MIOU.final, MIOU.best, MIOU.validation]
    return MIOU if bool(trials[names].notna().any(axis=None)) else TOP1


def by_dataset(trials: "pd.DataFrame", resolved: Mapping[str, Any]) -> dict[str, Measure]:
    """Return the measure of each data set; before any trial has ended, as resolved.yaml knows its task."""
    found = {str(name): measure_of(part) for name, part in trials.groupby("dataset", sort=False)}
    infos = dataset_facts(resolved).items()
    told = {name for name, info in infos if isinstance(info, Mapping) and info.get("task") == "segmentation"}
    return found | dict.fromkeys(told, MIOU)
