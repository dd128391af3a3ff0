"""One run for one thing, though the answer to its making may be lost on the way.

A server that is slow, or whose answer is lost, may make a run after we have given up on it and looked in vain for one.
So as long as the fate of an order is in doubt, the store is looked at again, and doubles are removed.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.ledger import Ledger

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TARGET = "mlflow"
DOUBT = "mlflow-doubt"
SETTLE_SECONDS = 30.0
"""So long after an order whose answer was lost it may still be carried out: longer than the client's time-out."""
MOST_DOUBLES = 100


class UnsettledError(Exception):
    """Everything is told, but a double may still appear: looked at again soon."""


class Once:
    """Makes runs and remembers them in the ledger.

    Args:
        clock: wall clock in seconds: doubts outlive the process.
    """

    def __init__(self, client: "MlflowClient", ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._ledger = ledger
        self._clock = clock

    def make(
        self,
        ref: str,
        experiment: str,
        query: str,
        make: Callable[[], str],
        then: Callable[[str], None] = lambda run_id: None,
    ) -> str:
        """Return the id of the run of `ref`: found by the query, or made.

        Args:
            make: makes the run, returns its id.
            then: completes a new run before it is remembered.
        """
        found = self._found(experiment, query)
        if found:
            run_id = found[0].info.run_id
        else:
            in_doubt = self._ledger.remembered(DOUBT, ref) is not None
            self._ledger.remember(DOUBT, ref, str(self._clock()))
            run_id = make()
            if not in_doubt:
                self._ledger.forget(DOUBT, ref)
        then(run_id)
        self._ledger.remember(TARGET, ref, f"{run_id} {experiment}")
        return str(run_id)

    def settle(self, ref: str, query: str) -> None:
        """Remove doubles of the run of `ref`, if there can be any.

        Raises:
            UnsettledError: there can still be some later.
        """
        since = self._ledger.remembered(DOUBT, ref)
        if since is None:
            return
        run_id, experiment = (self._ledger.remembered(TARGET, ref) or " ").split(" ", 1)
        for run in self._found(experiment, query):
            if run.info.run_id != run_id:
                self._client.delete_run(run.info.run_id)
        if abs(self._clock() - float(since)) < SETTLE_SECONDS:
            raise UnsettledError("an answer of the server was lost; doubles are looked for a while")
        self._ledger.forget(DOUBT, ref)

    def _found(self, experiment: str, query: str) -> "list[Run]":
        """Return the runs, the first one made first."""
        found = self._client.search_runs([experiment], query, max_results=MOST_DOUBLES)
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))
