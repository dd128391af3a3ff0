"""Requests of ours whose answer was lost: a slow server may have carried them out, or may do so yet.

Two things follow. A run that was asked for may come to be after we looked for it and found none: so every request for
a run carries a token that the ledger has before the request is sent, and of several runs with tokens of ours all but
one are removed. And an older write may land on top of a newer one: so what was told after a lost answer is told again
when the lost request can no longer be under way.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from orchestrator.ledger import Ledger

TARGET = "mlflow-doubt"
SETTLE_SECONDS = 10.0
"""After this a request that we gave up is done or will never be: a server that works again has worked off its queue."""
GIVE_UP_SECONDS = 600.0
"""After this a run that was asked for and has not turned up is looked for no more."""


@dataclass(slots=True)
class Doubt:
    """What may still happen to one thing. Times are the ledger's wall clock, in seconds."""

    creates: dict[str, float] = field(default_factory=dict)
    """Token of a request for a run -> when it was sent; those that have not been seen to be done."""
    lost_at: float | None = None
    """When an answer was last lost."""

    @property
    def since(self) -> float:
        """When something was last sent of which we do not know what became of it."""
        return max([*self.creates.values(), self.lost_at or 0.0])


class Doubts:
    """The doubts about one store, by ref. They outlive the process: the ledger keeps them.

    Args:
        settle_seconds: how long a request that was given up may be under way.
    """

    def __init__(self, ledger: Ledger, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._ledger = ledger
        self._settle_seconds = settle_seconds
        kept = {ref: json.loads(text) for ref, text in ledger.all_remembered(TARGET).items()}
        self._doubts = {ref: Doubt(**content) for ref, content in kept.items()}
        self._looked_at: set[str] = set()

    def creating(self, ref: str) -> str:
        """Note that a run is about to be asked for; return the token that it is to carry."""
        token = secrets.token_hex(8)
        self._doubt(ref).creates[token] = self._ledger.clock()
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
        """Note it when the request in the block gets no good answer: it may be done nevertheless, now or later."""
        try:
            yield
        except Exception:
            self._doubt(ref).lost_at = self._ledger.clock()
            self._keep(ref)
            raise

    def is_fresh(self, ref: str) -> bool:
        """Return whether a request about this may still be under way."""
        return ref in self._doubts and self._age(self._doubts[ref]) < self._settle_seconds

    def due(self) -> list[str]:
        """Return what is to be told again now."""
        return [ref for ref in self._doubts if ref not in self._looked_at and not self.is_fresh(ref)]

    def settled(self, ref: str) -> None:
        """Note that this has been told again; a run that has not turned up is still looked for when it is told."""
        doubt = self._doubt(ref)
        doubt.lost_at = None
        if self._age(doubt) >= GIVE_UP_SECONDS:
            doubt.creates = {}
        self._keep(ref)
        self._looked_at.add(ref)

    @property
    def waiting(self) -> bool:
        """Whether anything is too fresh to be told again."""
        return any(self.is_fresh(ref) for ref in self._doubts if ref not in self._looked_at)

    def _age(self, doubt: Doubt) -> float:
        return abs(self._ledger.clock() - doubt.since)  # a clock that was set back must not make it wait for ever

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
