"""What the store knows of runs beside their last values, read when it is asked for: there is much of it.

curves = histories(results, run_ids=some)
curves[run_id]["test_top1"]  # [(1, 20.1), (2, 25.3), ...]
"""

from collections.abc import Collection

from reports.results.results import Results
from reports.stores import Curves, RunDetails

NAMES = ("test_top1", "test_miou", "val_top1", "val_miou", "train_loss")
"""What a curve is usually drawn of."""


def histories(results: Results, names: Collection[str] = NAMES, *, run_ids: Collection[str] | None = None) -> Curves:
    """Return what runs recorded of these metrics: by run id, then by metric, (epoch, value) by rising epoch.

    A run or a metric that has nothing is left out, and so are values that are not numbers, such as the loss of a
    training that diverged.

    Args:
        run_ids: of the runs to read; by default all of the sweep.

    Raises:
        StoreUnavailableError: the store does not answer any more.
    """
    if results.curves_of is None:
        return {}
    wanted = results.trials["run_id"].dropna().tolist() if run_ids is None else run_ids
    return results.curves_of(sorted(set(wanted)), tuple(names)) if len(wanted) else {}


def run_details(results: Results, run_ids: Collection[str] | None = None) -> dict[str, RunDetails]:
    """Return what the tracking store says of each run of a sweep, by run id; nothing where there is no store.

    Args:
        run_ids: of the runs to read; by default all of the sweep.

    Raises:
        StoreUnavailableError: the store does not answer any more.
    """
    wanted = sorted(set(results.trials["run_id"].dropna() if run_ids is None else run_ids))
    return {} if results.details_of is None or not wanted else results.details_of(wanted)
