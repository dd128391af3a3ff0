"""Seeds that are added to the rows of a cell until comparisons with the declared one are settled."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from orchestrator.ledger.records import FINAL_TEST_SCORES, TrialRow
from orchestrator.planning.recording import Recording
from orchestrator.planning.roster import Roster
from orchestrator.planning.search.search_run import SearchRun
from reports.statistics.settling import standings
from search_spaces import Member, Sweep


class Column:
    """The rows of one cell, and which seeds each has by now.

    What it asks for is a function of outcomes: nothing is asked for before all searches of the cell are over and all
    trainings of a look have ended, so it is the same however many workers there are and in whatever order they end.
    """

    def __init__(self, sweep: Sweep, cell: str) -> None:
        self.sweep = sweep
        self.cell = cell
        self._rows: dict[str, dict[int, Member]] = {row.label: {} for row in sweep.rows}
        self._searching = {search.row for search in sweep.searches if search.cell == cell}
        self._scores: dict[str, float | None] = {}
        """Of trials that have ended, by key."""

    def take(self, members: Sequence[Member], proposal: int | None = None) -> None:
        """Take trials that are reported: of fixed rows, or of what a search has chosen."""
        for member in members:
            self._rows[member.row][member.seed] = replace(member, proposal=proposal)

    def searched(self, row: str) -> None:
        """Take that the search of a row is over, with a setting to confirm or without."""
        self._searching.discard(row)

    def has(self, key: str) -> bool:
        """Return whether a trial is one of its."""
        return any(member.key == key for members in self._rows.values() for member in members.values())

    def further(self, ended: Callable[[str], TrialRow | None]) -> Iterator[list[Member]]:
        """Yield the trials that are to be added, those of a row together.

        Args:
            ended: returns the record of a trial by its key; None where it has not ended.
        """
        settling = self.sweep.settling
        if settling is None or self._searching:
            return
        rows = [self._trained(members, ended) if members else None for members in self._rows.values()]
        declared = list(self._rows).index(settling.declared)
        found = standings(rows, declared, settling.looks, settling.level)
        for members, standing in zip(self._rows.values(), found, strict=True):
            seeds = tuple(seed for seed in range(standing.asked) if seed not in members)
            if seeds and members:
                base = members[min(members)]
                added = list(self.sweep.further(base, seeds))
                self.take(added, base.proposal)
                yield added

    def _trained(
        self, members: dict[int, Member], ended: Callable[[str], TrialRow | None]
    ) -> dict[int, tuple[str, float | None]]:
        for member in members.values():
            if member.key not in self._scores and (row := ended(member.key)) is not None:
                self._scores[member.key] = _score(row)
        return {seed: (one.key, self._scores[one.key]) for seed, one in members.items() if one.key in self._scores}


def _score(row: TrialRow) -> float | None:
    if row.state != "COMPLETE":
        return None
    return next((row.metrics[name] for name in FINAL_TEST_SCORES if name in row.metrics), None)


class Settling:
    """The columns of a run, and the trials that they ask for. Whoever calls commits."""

    def __init__(self, recording: Recording, roster: Roster) -> None:
        self._recording = recording
        self._roster = roster
        self._columns: list[Column] = []

    def take_up(self, sweep: Sweep) -> None:
        """Take the cells of a sweep that adds seeds; nothing of any other."""
        for cell in sweep.cells if sweep.settling is not None else ():
            column = Column(sweep, cell.id)
            column.take([member for member in sweep.fixed if member.cell == cell.id])
            self._columns.append(column)

    def begin(self) -> None:
        """Add what is asked for by now; all sweeps have been taken up."""
        self._add_seeds(self._columns)

    def ended(self, key: str) -> None:
        """Add what is asked for now that a trial has ended."""
        self._add_seeds([column for column in self._columns if column.has(key)])

    def searched(self, run: SearchRun, chosen: Sequence[Member], proposal: int | None) -> None:
        """Add what is asked for now that a search is over.

        Args:
            chosen: the trials that confirm its best setting; none where it has none.
            proposal: number of that setting.
        """
        for column in self._columns:
            if column.sweep is run.sweep and column.cell == run.search.cell:
                column.take(chosen, proposal)
                column.searched(run.search.row)
                self._add_seeds([column])

    def _add_seeds(self, to: Sequence[Column]) -> None:
        for column in to:
            while added := list(column.further(self._roster.ended_row)):
                for members in added:
                    self._recording.record(column.sweep, members, members[0].proposal)
                    for member in members:
                        self._roster.add(column.sweep, member.key, member.trial, member.phase)
