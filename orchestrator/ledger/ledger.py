"""The ledger: what has been accepted, started, ended and told, in one SQLite file that is always true.

Every decision is committed here before anyone acts on it or hears of it, so a driver that is killed between any two
statements leaves a ledger from which the next one goes on. Values of epochs are written in groups, with the next
decision or after a moment. All JSON, no pickles.

Times of day are stamps for people. How long something took is measured by a clock that nobody can set, and added up
over attempts: two stamps are never subtracted.
"""

import functools
import secrets

from orchestrator.ledger.searches import Searches
from orchestrator.ledger.sweeps import Sweeps
from orchestrator.ledger.trials import Trials

LIFE = "life"


class Ledger(Sweeps, Trials, Searches):
    """One connection to the ledger, with all that it holds. Used by one thread; another thread opens its own."""

    @functools.cached_property
    def life(self) -> str:
        """Return what tells this ledger from every other that its home has had: each counts attempts from 1."""
        with self.transaction():
            life = self.remembered(LIFE, LIFE) or secrets.token_hex(4)
            self.remember(LIFE, LIFE, life)
        return life
