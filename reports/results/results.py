"""What a report is made from, and the contract of its columns.

What runs recorded epoch by epoch is read when it is asked for: there is much of it.

curves = histories(results, run_ids=some)
curves[run_id]["test_top1"]  # [(1, 20.1), (2, 25.3), ...]
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.results.predictions import Predictions
from reports.stores import Curves, RunRecord

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

MEMBER_COLUMNS = {
    "cell": "str",
    "entry": "str",
    "row": "str",
    "phase": "str",
    "rank": "Int64",
    "seed": "Int64",
    "trial_key": "str",
    "run_id": "str",
    "experiment_id": "str",
}
"""Columns of members.csv and of `Results.members`: name -> pandas dtype."""

TRIAL_COLUMNS: dict[str, tuple[str, str]] = {
    "cell": ("str", "data set and pair; of a teacher, data set and network"),
    "dataset": ("str", "name of the data set"),
    "teacher": ("str", "name of the teacher as the sweep file has it; missing for a teacher's own trial"),
    "student": ("str", "name of the student as the sweep file has it; of a teacher's own trial, the network trained"),
    "entry": ("str", "line under `methods:`; missing for a teacher"),
    "row": ("str", "entry with its grid values fixed; `teacher`"),
    "method": ("str", "the method's name; missing while there is no run"),
    "phase": ("str", "fixed, search, confirm or teacher"),
    "rank": ("Int64", "of a confirmed setting: 1 is the one that the search chose; missing elsewhere"),
    "seed": ("Int64", "of the trial; from 1000000 on in a search"),
    "trial_key": ("str", "identifies the trial"),
    "config_key": ("str", "the key without the seed: the group of one mean"),
    "run_id": ("str", "MLflow run; missing while the trial has none"),
    "experiment_id": ("str", "MLflow experiment that the run is in"),
    "state": ("str", "COMPLETE, PRUNED, DIVERGED, FAIL, INTERRUPTED, RUNNING; WAITING where there is no run yet"),
    "status": ("str", "MLflow's status of the run"),
    "final_top1": ("float64", "test accuracy after the last epoch, percent; missing in search"),
    "best_top1": ("float64", "highest test accuracy of any epoch, percent; chosen on test, so never in the main table"),
    "final_top5": ("float64", "test top-5 accuracy after the last epoch, percent"),
    "final_val_top1": ("float64", "validation accuracy after the last epoch, percent; in search alone"),
    "final_miou": (
        "float64",
        "of a segmentation, instead of `final_top1`: mIoU on the test images after the last epoch, percent",
    ),
    "best_miou": (
        "float64",
        "of a segmentation, instead of `best_top1`: highest mIoU on the test images of any epoch, percent",
    ),
    "final_val_miou": (
        "float64",
        "of a segmentation, instead of `final_val_top1`: mIoU on the validation images, percent; in search alone",
    ),
    "train_seconds": ("float64", "wall-clock seconds of training, without scoring"),
    "teacher_images": ("float64", "images that the teacher answered for this trial; 0 where stored logits did"),
    "extra_parameters": (
        "float64",
        "numbers that the method learned beside the student's; the student does without them",
    ),
    "peak_memory_bytes": (
        "float64",
        "most memory that the trial took, allocated on a GPU (reserved for CUDA graphs), resident on a CPU",
    ),
    "epochs": ("Int64", "of the recipe"),
    "collapsed": ("str", "of COMPLETE: why the training is thought to have come to nothing; missing where it is not"),
}
"""The contract: columns of `Results.trials` and results.parquet: name -> (pandas dtype, meaning).

They are followed by `method.<hyperparameter>`, sorted by name: boolean, Int64, float64 or str, whichever holds all
values; missing where a method has no such hyperparameter. In results.parquet of a home that has kept predictions these
are followed by `fidelity.<measure>` (`reports.board.fidelity.COLUMNS`). A metric that is NaN or infinite in MLflow is
missing here. One line a member, in the order of members.csv: a run that serves several rows has a line in each.
"""


CURVES = ("test_top1", "test_miou", "val_top1", "val_miou", "train_loss")
"""Metrics that a curve is usually drawn of."""


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """A sweep as last accepted, with what its trials have given so far."""

    name: str
    members: "pd.DataFrame"
    """Which trials serve which row: members.csv."""
    trials: "pd.DataFrame"
    """The trials themselves; `TRIAL_COLUMNS` says what each column is."""
    resolved: Mapping[str, Any]
    """The sweep with nothing `auto` in it: resolved.yaml."""
    runs: Mapping[str, RunRecord] = field(default_factory=dict)
    """By trial key, of each trial that has one, as MLflow has it: params (networks by timm's names, hyperparameters,
    recipe) and tags of how it came about; none where the results did not come from a store."""
    curves_of: Callable[[Collection[str], Collection[str]], Curves] | None = None
    """Reads metrics epoch by epoch, of the runs and the metrics named: see `histories`. None where the results did not
    come from a store."""
    home: Path | None = None
    """Where kdsweep keeps its files on this machine, stored logits among them."""
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    """By trial key, of each network whose answers to the test images the home has kept."""
    mlflow: str = ""
    """Address of MLflow's pages, without a password; empty where runs are read from something that has none."""
    notes: tuple[str, ...] = ()
    """What a reader must know of how these results came together, in sentences."""

    def params(self, key: str) -> Mapping[str, str]:
        """Return how the trial of a key was trained; empty where it has no run."""
        return self.runs[key].params if key in self.runs else {}

    def model(self, row: str, pair: str = "", seed: int | None = None) -> "nn.Module":
        """Return a trained network with its final weights, on the CPU and in evaluation mode.

        It takes normalised images [B, channels, height, width] in float32, as trainings do.

        Args:
            row: of the table, by its label; `teacher` for that of the pair. Of a searched row it is a student of the
                confirmed setting.
            pair: `teacher -> student`, with or without the data set before it; may be left out where there is one.
            seed: by default the lowest that has ended.

        Raises:
            ReportError: there is none of it; or its weights are not in the home, which keeps those of students alone.
        """
        from reports.errors import ReportError
        from reports.results.models import find
        from trainers.files.store import Store

        if self.home is None:
            raise ReportError(f"results of {self.name} came from no home, which has the weights")
        return find(self, row, pair, seed).load(Store(self.home))


def histories(results: Results, names: Collection[str] = CURVES, *, run_ids: Collection[str] | None = None) -> Curves:
    """Return what runs recorded of these metrics: by run id, then by metric, (epoch, value) by rising epoch.

    A run or a metric that has nothing is left out, and so are values that are not numbers, such as the loss of a
    training that diverged.

    Args:
        run_ids: of the runs to read; by default all of the sweep.

    Raises:
        StoreUnavailableError: the store does not answer any more.
    """
    wanted = sorted(set(results.trials["run_id"].dropna() if run_ids is None else run_ids))
    return {} if results.curves_of is None or not wanted else results.curves_of(wanted, tuple(names))
