"""How the runs behind a table came about: when, on what, from which state of the code."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.results.results import Results
    from reports.stores import RunDetails


def run_details(results: "Results") -> "dict[str, RunDetails]":
    """Return what the tracking store says of each run of a sweep, by run id; nothing where there is no store.

    Raises:
        StoreUnavailableError: the store does not answer any more.
    """
    run_ids = sorted(set(results.trials["run_id"].dropna()))
    return {} if results.details_of is None or not run_ids else results.details_of(run_ids)
