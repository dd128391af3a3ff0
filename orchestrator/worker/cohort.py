"""The attempts of one worker, trained in step: each batch is read and taught once. One alone is a cohort of one.

Imports nothing heavy before the first round: every worker process pays for it before its first step.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.worker.attempts import Report
from orchestrator.worker.worker import Company, Order, order_steps

if TYPE_CHECKING:
    from trainers.training.turns import Turns


class Cohort:
    """Runs attempts round by round: in each, those that have come least far are trained for an epoch.

    Args:
        on_step: called after every step of training or scoring.
        way: by which files and other ranks are reached, as `order_steps` takes it.
    """

    def __init__(self, orders: Sequence[Order], on_step: Callable[[], None] = lambda: None, **way: Any) -> None:
        self._orders = orders
        self._on_step = on_step
        self._way = way
        self._turns: Turns[str, Report] | None = None
        self._open = {order.key for order in orders}
        self._failed = False

    @property
    def is_over(self) -> bool:
        """Whether every attempt has ended, and none by an exception, which is still to be raised."""
        return not self._open and not self._failed

    def round(self) -> list[tuple[str, Report]]:
        """Return what the attempts report, by their keys. Empty where there are none any more.

        Raises:
            Exception: of an attempt, once all have ended: it has been reported, but the process may be out of order.
        """
        turns = self._turns = self._turns or self._begun()
        said = turns.round()
        for key, report in said:
            self._failed |= report.ending == "FAIL"
            if report.ending != "":
                self._open.discard(key)
        if not said:
            self._open.clear()  # nobody listens to those that have said nothing: newer attempts have replaced them
            for error in turns.errors.values():
                raise error
        return said

    def _begun(self) -> "Turns[str, Report]":
        from trainers.training.turns import Turns

        company = Company(len(self._orders))
        return Turns(
            {order.key: order_steps(order, self._on_step, company=company, **self._way) for order in self._orders}
        )

    def said(self) -> list[tuple[str, Report]]:
        """Return what was reported in a round that was ended from outside."""
        return [] if self._turns is None else self._turns.said()

    def drop(self, key: str) -> None:
        """End an attempt after its last report."""
        self._open.discard(key)
        if self._turns is not None:
            self._turns.drop(key)

    def close(self) -> None:
        """End all attempts."""
        if self._turns is not None:
            self._turns.close()
