"""The searches of a run: whose turn it is to propose, what waits for which trial, and what follows from their ends."""

from collections import deque
from collections.abc import Callable, Collection

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ProposalRow
from orchestrator.planning.recording import Recording
from orchestrator.planning.roster import Roster
from orchestrator.planning.search.search_run import SearchRun
from orchestrator.planning.settling import Settling
from orchestrator.planning.teaching import Teaching
from search_spaces import Member, Search, Sweep


class Searches:
    """All searches. What they propose and choose becomes jobs and records; whoever calls commits, but `propose_next`.

    Args:
        chance: accuracy in percent of guessing, by data set.
        on_failed: called with a search that has no setting to confirm, when that is recorded.
    """

    def __init__(
        self,
        ledger: Ledger,
        recording: Recording,
        teaching: Teaching,
        roster: Roster,
        settling: Settling,
        *,
        chance: Callable[[str], float],
        on_failed: Callable[[Sweep, Search], None],
    ) -> None:
        self._ledger = ledger
        self._recording = recording
        self._teaching = teaching
        self._roster = roster
        self._settling = settling
        self._chance = chance
        self._on_failed = on_failed
        self._waiting: dict[str, list[SearchRun]] = {}
        """For a teacher, by the key of the trial that trains or scores it."""
        self._turns: deque[SearchRun] = deque()
        """Those that may propose, in the order of their turn; whoever has proposed goes to the end."""

    @property
    def open(self) -> bool:
        """Proposals can be made."""
        return any(run.standing() == "open" for run in self._turns)

    def take_up(self, sweep: Sweep, search: Search) -> None:
        """Take a search of a sweep, which waits where its teacher is not there."""
        run = SearchRun(sweep, search, self._ledger, self._chance(search.blueprint.info.name))
        self._recording.take_up(run)
        trainer = self._teaching.awaited(search.blueprint.info.name, search.blueprint.teacher)
        goes_on = bool(self._ledger.proposals(search.study_id))
        if trainer is not None and not self._teaching.is_good(trainer, goes_on=goes_on):
            self._waiting.setdefault(trainer.key, []).append(run)
            return
        self._replay(run)
        if trainer is not None and run.standing() == "open":
            self._roster.can_teach(trainer, goes_on=goes_on)  # asked before anything starts: its proposals come later

    def taught(self, key: str) -> None:
        """Let the searches begin that have waited for a teacher."""
        for run in self._waiting.pop(key, []):
            self._replay(run)

    def awaited(self) -> Collection[str]:
        """Return the keys of the teachers that searches wait for."""
        return self._waiting.keys()

    def _replay(self, run: SearchRun) -> None:
        """Take up a search where the ledger has it."""
        self._turns.append(run)
        while run.stored and run.standing() == "open":
            self._propose(run)
        self.conclude(run)

    def propose_next(self, *, running: bool) -> None:
        """Make a proposal where nothing that was proposed is left to hand out; more where nothing runs meanwhile, and
        none of them needs to be trained. It is committed."""
        while not self._roster.ready.has("search"):
            run = next((one for one in self._turns if one.standing() == "open"), None)
            if run is None:
                return
            self._turns.remove(run)
            self._turns.append(run)
            self._propose(run)
            self.conclude(run)
            self._recording.commit()
            if running:
                return  # a sampler may think for seconds: whoever drives sees to the rest, then asks again

    def _propose(self, run: SearchRun) -> None:
        """Make a proposal; where sampler or method refuse, the search ends."""
        try:
            row, member = run.propose()
        except Exception as error:  # noqa: BLE001 (Optuna raises what it likes; other rows go on)
            run.refusal = f"{type(error).__name__}: {error}"
            self._ledger.add_refusal(run.search.study_id, run.refusal)
        else:
            self._take(run, row, member)

    def _take(self, run: SearchRun, row: ProposalRow, member: Member) -> None:
        """Record a proposal; it is decided by what is known of its trial, or waits for the trial."""
        self._recording.record(run.sweep, [member], proposal=row.number)
        if row.state is None:
            known = {number: values for number, _, values in self._ledger.epochs(member.key)}
            for epoch, values in sorted((known | self._roster.curve(member.key)).items()):
                run.reached(member.key, epoch, values)
        if run.settled(member.key):
            return
        job = self._roster.add(run.sweep, member.key, member.trial, "search", reruns_pruned=False)
        if job.ended and job.state != "PRUNED":
            run.decide(self._recording.row(job.key))
            return
        if run not in job.searches:
            job.searches.append(run)
        if job.state == "PRUNED":  # by others: this search's pruner would have let it go on
            self._roster.rerun(job)

    def conclude(self, run: SearchRun) -> None:
        """Confirm what has been searched through, after the race of the best; say of a search that has nothing to
        confirm that it failed."""
        if run.confirmed or not run.finished or self._races(run):
            return
        run.confirmed = True
        self._turns.remove(run)
        best = [] if run.refusal else run.ranking()[: run.search.confirm]
        confirmed = [run.search.confirmed(row.params, rank) for rank, row in enumerate(best, start=1)]
        for row, members in zip(best, confirmed, strict=True):
            self._recording.record(run.sweep, members, proposal=row.number)
            for member in members:
                self._roster.add(run.sweep, member.key, member.trial, "confirm")
        if best:
            self._settling.searched(run, confirmed[0], best[0].number)
        else:
            self._settling.searched(run, (), None)
            self._recording.commit()
            self._on_failed(run.sweep, run.search)

    def _races(self, run: SearchRun) -> bool:
        """Have the best settings of a search trained with further seeds; return whether that is to be waited for."""
        while not run.racing() and (members := run.runners()):
            self._recording.record(run.sweep, members)
            for member in members:
                job = self._roster.add(run.sweep, member.key, member.trial, "search")
                if job.ended:
                    run.decide(self._recording.row(job.key))
                elif run not in job.searches:
                    job.searches.append(run)
        return run.racing()
