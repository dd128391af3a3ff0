"""Requests of ours whose answer was lost: a slow server may have carried them out, or may do so yet.

Two things follow. A run that was asked for may come to be after we looked for it and found none: so every request for
a run carries a token that the ledger has before the request is sent, and of several runs with tokens of ours all but
one are removed. And an older write may land on top of a newer one: so what was told after a lost answer is told again
when the lost request can no longer be under way.
"""

import json
import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from orchestrator.ledger.ledger import Ledger

TARGET = "mlflow-doubt"
SETTLE_SECONDS = 10.0
"""After this a request that we gave up is done or will never be: a server that works again has worked off its queue."""
UNACCEPTABLE = "INVALID_PARAMETER_VALUE"
REFUSALS = frozenset({UNACCEPTABLE, "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE", "BAD_REQUEST"})
"""MLflow's words for what it has not done and another try does not mend: the run has been deleted, for one."""
GIVE_UP_SECONDS = 600.0
"""After this a run that was asked for and has not turned up is looked for no more."""


@dataclass(slots=True)
class Doubt:
    """What may still happen to one thing. Times are stamps of the ledger's wall clock, in seconds."""

    creates: dict[str, float] = field(default_factory=dict)
    """Token of a request for a run -> when it was sent; those that have not been seen to be done."""
    lost_at: float | None = None
    """When an answer was last lost."""


class Doubts:
    """The doubts about one store, by ref. They outlive the process: the ledger keeps them, and the next process waits
    anew, for nobody knows how long ago the last one ended.

    Args:
        settle_seconds: how long a request that was given up may be under way.
        timer: monotonic, in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        settle_seconds: float = SETTLE_SECONDS,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._settle_seconds = settle_seconds
        self._timer = timer
        self._opened = timer()
        self._sent: dict[tuple[str, str], float] = {}
        """By ref and token (empty: a write): when that was sent from here."""
        kept = {ref: json.loads(text) for ref, text in ledger.all_remembered(TARGET).items()}
        self._doubts = {ref: Doubt(**content) for ref, content in kept.items()}
        self._looked_at: set[str] = set()

    def creating(self, ref: str) -> str:
        """Note that a run is about to be asked for; return the token that it is to carry."""
        token = secrets.token_hex(8)
        self._doubt(ref).creates[token] = self._ledger.clock()
        self._sent[ref, token] = self._timer()
        self._keep(ref)
        return token

    def created(self, ref: str, token: str) -> None:
        """Note that the run with this token is known."""
        self._doubt(ref).creates.pop(token, None)
        self._keep(ref)

    def tokens(self, ref: str) -> frozenset[str]:
        """Return the tokens of runs that were asked for and have not been seen."""
        return frozenset(self._doubts[ref].creates) if ref in self._doubts else frozenset()

    @contextmanager
    def writing(self, ref: str) -> Iterator[None]:
        """Note it when the request in the block gets no answer: it may be done nevertheless, now or later."""
        try:
            yield
        except Exception as error:
            if getattr(error, "error_code", "") in REFUSALS:
                raise
            self._doubt(ref).lost_at = self._ledger.clock()
            self._sent[ref, ""] = self._timer()
            self._keep(ref)
            raise

    def is_fresh(self, ref: str) -> bool:
        """Return whether a request about this may still be under way."""
        if ref not in self._doubts:
            return False
        doubt = self._doubts[ref]
        sent = [*doubt.creates, *([""] if doubt.lost_at is not None else [])]
        last = max((self._sent.get((ref, token), self._opened) for token in sent), default=-math.inf)
        return self._timer() - last < self._settle_seconds

    def due(self) -> list[str]:
        """Return what is to be told again now."""
        return [ref for ref in self._doubts if ref not in self._looked_at and not self.is_fresh(ref)]

    def settled(self, ref: str) -> None:
        """Note that this has been told again; a run that has not turned up is still looked for when it is told."""
        doubt = self._doubt(ref)
        doubt.lost_at = None
        sent = max(doubt.creates.values(), default=0.0)
        if abs(self._ledger.clock() - sent) >= GIVE_UP_SECONDS:  # a clock that is set costs a search more or less
            doubt.creates = {}
        self._keep(ref)
        self._looked_at.add(ref)

    @property
    def waiting(self) -> bool:
        """Whether anything is too fresh to be told again."""
        return any(self.is_fresh(ref) for ref in self._doubts if ref not in self._looked_at)

    def _doubt(self, ref: str) -> Doubt:
        return self._doubts.setdefault(ref, Doubt())

    def _keep(self, ref: str) -> None:
        doubt = self._doubts[ref]
        self._looked_at.discard(ref)
        if doubt.creates or doubt.lost_at is not None:
            self._ledger.remember(TARGET, ref, json.dumps(asdict(doubt)))
        else:
            del self._doubts[ref]
            self._ledger.forget(TARGET, ref)
