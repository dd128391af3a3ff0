"""A search under way: which proposals are made, which trial each one is, what came of them, and of the race."""

from collections.abc import Sequence
from typing import Literal

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import VALIDATION_SCORES, ProposalRow, TrialRow
from orchestrator.optuna_studies.live import LiveStudy, should_prune
from orchestrator.planning.search.outcomes import MAX_REPEATS, final_validation, outcome_in_race, ranking
from orchestrator.planning.search.race import Outcome, Race, race
from search_spaces import Member, Search, Sweep
from trainers.trials.recipe import rungs

Standing = Literal["open", "waiting", "over"]


class SearchRun:
    """The proposals of one search, then the race of the best.

    What is proposed, reached and decided is worked out here, outside of any transaction: a sampler may think for
    minutes. `save` writes it, as part of the caller's commit.

    Args:
        sweep: the sweep that it belongs to.
        search: what is searched.
        ledger: holds the proposals of earlier runs and gets the new ones.
        chance: accuracy in percent of guessing; what a diverged proposal is worth to the sampler.

    Attributes:
        refusal: why there are no more proposals, where sampler or method refused to go on; else empty.
    """

    def __init__(self, sweep: Sweep, search: Search, ledger: Ledger, chance: float) -> None:
        self.sweep = sweep
        self.search = search
        self.confirmed = False
        self.refusal = ""
        self._ledger = ledger
        self._chance = chance
        self._study = LiveStudy(search.study_id, search.dimensions, search.sampler, search.parallel)
        self._stored = ledger.proposals(search.study_id)
        self.rows: list[ProposalRow] = []
        self._rungs = {epoch: index for index, epoch in enumerate(rungs(search.recipe), start=1)}
        self._repeats = 0
        self._decided = 0
        self._by_key: dict[str, list[ProposalRow]] = {}
        self._changed: dict[int, ProposalRow] = {}
        """By number: what `save` is to write."""
        self._raced: dict[tuple[int, int], Outcome] = {}
        """By number of the proposal and place of the seed."""
        self._racers: dict[str, tuple[int, int]] = {}
        """The same by key of the trial."""

    @property
    def stored(self) -> bool:
        """The next proposal has been made by an earlier run."""
        return len(self.rows) < len(self._stored)

    def standing(self) -> Standing:
        """Return open: the next proposal can be made; waiting: it needs outcomes; over: there are no more."""
        if self.refusal or self._repeats >= MAX_REPEATS or len(self.rows) >= self.search.trials:
            return "over"
        while self._decided < len(self.rows) and self.rows[self._decided].state is not None:
            self._decided += 1
        return "open" if len(self.rows) - self.search.parallel < self._decided else "waiting"

    def propose(self) -> tuple[ProposalRow, Member]:
        """Make the next proposal, or repeat the one that the ledger has.

        Raises:
            Exception: whatever Optuna raises where it cannot propose; ValueError where the method refuses the settings.
        """
        number = len(self.rows)
        if self.stored:
            row = self._stored[number]
            row.state = None if row.state == "FAIL" else row.state  # it is tried again
            member = self.search.proposal(row.params, number)
        else:
            params = self._study.propose(number, self.rows)
            member = self.search.proposal(params, number)
            row = ProposalRow(number=number, params=params, key=member.key)
            self._changed[number] = row
        self.rows.append(row)
        self._repeats = self._repeats + 1 if row.key in self._by_key else 0
        self._by_key.setdefault(row.key, []).append(row)
        if self._by_key[row.key][0] is not row and row.state is None:
            self._change(row.key)
        return row, member

    def is_rung(self, epoch: int) -> bool:
        """Return whether a pruner may stop a trial after this epoch."""
        return epoch in self._rungs

    def reached(self, key: str, epoch: int, values: dict[str, float]) -> None:
        """Take an epoch's accuracy; at a rung the pruner may decide the trial's proposals here and now.

        Whether the trial itself stops depends on who else waits for it. A rung that is known already changes nothing,
        so a curve can be gone through again.
        """
        if key in self._racers:
            return  # no pruner stops a race
        rung, row = self._rungs.get(epoch), self._by_key[key][0]
        score = next((values[name] for name in VALIDATION_SCORES if name in values), None)
        if rung is None or rung in row.rungs or row.state is not None or score is None:
            return
        row.rungs[rung] = score
        if self._prunes(row):
            row.state = "PRUNED"
        self._change(key)

    def _prunes(self, row: ProposalRow) -> bool:
        if self.search.pruner == "none":
            return False
        peers = self.rows[: max(0, row.number - self.search.parallel + 1)]
        return should_prune(self.search.pruner, row, peers)

    def settled(self, key: str) -> bool:
        """Return whether the proposals of this trial are decided, which a training in the race is not among."""
        return key not in self._racers and self._by_key[key][0].state is not None

    def decide(self, trial: TrialRow) -> None:
        """Take the outcome of a trial for every proposal that waits for it, or for the race."""
        if trial.key in self._racers:
            self._raced[self._racers[trial.key]] = outcome_in_race(trial)
            return
        row = self._by_key[trial.key][0]
        if row.state is None:
            row.state, row.value = trial.state, self._value(trial)
            self._change(trial.key)

    def _change(self, key: str) -> None:
        """Note that a proposal has changed, and with it those that repeat it."""
        first, *repeats = self._by_key[key]
        for row in repeats:
            _copy_outcome(first, row)
        self._changed |= {row.number: row for row in (first, *repeats)}

    @property
    def unsaved(self) -> bool:
        """Something is to be written."""
        return bool(self._changed)

    def save(self) -> None:
        """Write what has changed.

        Raises:
            LedgerError: another driver has gone on with the search in the meantime.
        """
        with self._ledger.transaction():
            for number, row in sorted(self._changed.items()):
                if number >= len(self._stored):
                    self._ledger.add_proposal(self.search.study_id, number, row.params, row.key)
                if row.state is not None or row.rungs:  # another search of the same study may know more of a new one
                    self._ledger.save_proposal(self.search.study_id, row)

    def saved(self) -> None:
        """Note that what `save` wrote has been committed."""
        self._changed = {}

    def _value(self, trial: TrialRow) -> float | None:
        if trial.state == "DIVERGED":
            return self._chance
        return final_validation(trial) if trial.state == "COMPLETE" else None

    @property
    def finished(self) -> bool:
        """No proposal is outstanding and none will be made."""
        return self.standing() == "over" and all(row.state is not None for row in self.rows)

    def runners(self) -> Sequence[Member]:
        """Return the trials that the race needs next and has not asked for; proposals have finished."""
        if self.refusal:
            return ()
        asked = [pair for pair in self._standing().asked if (pair[0].number, pair[1]) not in self._raced]
        members = [self.search.proposal(row.params, row.number, place) for row, place in asked]
        for member, (row, place) in zip(members, asked, strict=True):
            self._racers[member.key] = row.number, place
            self._raced[row.number, place] = "open"
        return members

    def racing(self) -> bool:
        """Return whether the race waits for trials."""
        return "open" in self._raced.values()

    def ranking(self) -> list[ProposalRow]:
        """Return the settings that may be confirmed, the choice first; the race is over."""
        return [racer.proposal for racer in self._standing().racers]

    def _standing(self) -> Race:
        outcome = lambda row, place: self._raced.get((row.number, place), "open")  # noqa: E731
        return race(ranking(self.rows), self.search.race_sizes, outcome)


def _copy_outcome(first: ProposalRow, repeat: ProposalRow) -> None:
    repeat.state, repeat.value = first.state, first.value
    repeat.rungs, repeat.attributes = dict(first.rungs), dict(first.attributes)
