"""Requests of ours whose answer was lost: a slow server may have carried them out, or may do so yet.

A run that was asked for may come to be after we looked for it and found none, and an older write may land on top of a
newer one. So what was told in vain is looked up and told again once the lost request can no longer be under way; what
another process has lost, the next one finds when it holds the store against the ledger.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SETTLE_SECONDS = 10.0
"""After this a request that we gave up is done or will never be: a server that works again has worked off its queue."""
UNACCEPTABLE = "INVALID_PARAMETER_VALUE"
REFUSALS = frozenset({UNACCEPTABLE, "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE", "BAD_REQUEST"})
"""MLflow's words for what it has not done and another try does not mend: the run has been deleted, for one."""


class LostAnswers:
    """What got no answer in this process, by ref.

    Args:
        settle_seconds: how long a request that was given up may be under way.
        timer: monotonic, in seconds.
    """

    def __init__(self, settle_seconds: float = SETTLE_SECONDS, timer: Callable[[], float] = time.monotonic) -> None:
        self._settle_seconds = settle_seconds
        self._timer = timer
        self._lost: dict[str, float] = {}

    def __contains__(self, ref: str) -> bool:
        return ref in self._lost

    @contextmanager
    def noted(self, ref: str) -> Iterator[None]:
        """Note it when the request in the block gets no answer: it may be done nevertheless, now or later."""
        try:
            yield
        except Exception as error:
            if getattr(error, "error_code", "") not in REFUSALS:
                self._lost[ref] = self._timer()
            raise

    def is_fresh(self, ref: str) -> bool:
        """Return whether a request about this may still be under way."""
        return ref in self._lost and self._timer() - self._lost[ref] < self._settle_seconds

    def due(self) -> list[str]:
        """Return what is to be looked up and told again now."""
        return [ref for ref in self._lost if not self.is_fresh(ref)]

    def settled(self, ref: str) -> None:
        """Note that this has been told again since."""
        if not self.is_fresh(ref):
            self._lost.pop(ref, None)

    @property
    def waiting(self) -> bool:
        """Whether anything is too fresh to be told again."""
        return any(map(self.is_fresh, self._lost))
