"""What becomes of trials and searches that have ended in a run, and what is told of them as they do."""

from orchestrator.display import Screen
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import TrialRow
from orchestrator.planning.search.search_ends import search_standing
from orchestrator.sweep_run.ends.endings import ending_line, last_line
from search_spaces import Search, Sweep
from trainers.files.files import remove
from trainers.files.store import Store

FINAL = frozenset({"COMPLETE", "DIVERGED"})
"""Nothing goes on from here: checkpoints are removed."""


class Ends:
    """Takes them from the planner.

    Attributes:
        count: attempts that have ended, INTERRUPTED ones among them.
    """

    def __init__(self, ledger: Ledger, store: Store, screen: Screen) -> None:
        self._ledger = ledger
        self._store = store
        self._screen = screen
        self.count = 0

    def on_end(self, row: TrialRow) -> None:
        """Take a trial whose end has been committed."""
        self.count += 1
        if row.state in FINAL:
            remove(self._store.checkpoints(row.key))
        reported = row.origin["phase"] != "search"
        trouble = row.state == "FAIL" or (reported and (row.state == "DIVERGED" or bool(row.collapsed)))
        self._screen.ended(ending_line(row), trouble=trouble)

    def on_trouble(self, row: TrialRow, text: str) -> None:
        """Take what went wrong on a trial's way."""
        self._screen.ended(f"{'NOTE':<11} {row.title}  {last_line(text)}", trouble=True)

    def on_search_failed(self, sweep: Sweep, search: Search) -> None:
        """Take a search that has nothing to confirm."""
        standing = search_standing(sweep.name, search, self._ledger, tries_again=False)
        self._screen.ended(f"{'FAIL':<11} {search.cell}  {search.row}  {standing.failure}", trouble=True)
