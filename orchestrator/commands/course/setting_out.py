"""What a run sets out with: sweeps as accepted, results that others have of them, and a plan of the rest."""

from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.acceptance.accept import Adoption, accept, adopt, import_checkpoints
from orchestrator.acceptance.changed_data import remember_pictures
from orchestrator.acceptance.left_behind import told_at_acceptance
from orchestrator.acceptance.renewed_students import under_known_weights
from orchestrator.commands.course.ends import Ends
from orchestrator.display import Screen
from orchestrator.ledger.known_code import note_code
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, TrackingError
from orchestrator.planning.planner import Planner
from orchestrator.sweep_run.beginning import what_there_is
from orchestrator.sweep_run.teacher_weights import TeacherWeights, TeacherWeightsError
from orchestrator.sweep_run.tellers import retarget
from search_spaces import Sweep
from trainers.files.store import Store


class RunPlan:
    """The plan of a run, which is made again where weights of a teacher turn out to be others than before.

    Attributes:
        sweeps: with the keys that students have by the weights known now; the list stays the same one.
    """

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        ledger: Ledger,
        home: Path,
        uri: str,
        storage: str | None,
        screen: Screen,
        store: Store,
        ends: Ends,
    ) -> None:
        self.sweeps = [under_known_weights(sweep, ledger) for sweep in sweeps]
        self._ledger = ledger
        self._home = home
        self._uri = uri
        self._storage = storage
        self._screen = screen
        self._store = store
        self._ends = ends
        self._weights: TeacherWeights | None = None

    def take_up(self, *, answers: bool) -> Planner:
        """Record what is asked for, take over what the tracking store has of it, and plan the rest.

        Args:
            answers: the tracking store did when it was asked.

        Raises:
            TeacherWeightsError: students wait for a teacher whose weights cannot be had.
        """
        ledger, sweeps = self._ledger, self.sweeps
        ledger.begin_run()
        import_checkpoints(sweeps, self._store)
        retarget(ledger, self._home, self._uri, self._storage)
        ledger.interrupt_running()
        ledger.interrupt_sweeps()
        for sweep in sweeps:
            for line in told_at_acceptance(sweep, ledger):
                self._screen.say(line)
            accept(sweep, ledger)
            remember_pictures(sweep, ledger)
            note_code(ledger, sweep.own)
        adoption = self._adoption() if answers else None
        if adoption is not None:
            adopt(sweeps, adoption, ledger)
        target = MlflowTarget(self._uri, self._home, ledger)
        self._weights = weights = TeacherWeights(ledger, self._store, target, self._uri, answers=adoption is not None)
        planner = Planner(
            sweeps,
            ledger,
            chance=_chances(sweeps),
            has_weights=weights.found,
            is_renewed=weights.are_others,
            adopt=adoption.take if adoption is not None else lambda key: False,
            on_end=self._ends.on_end,
            on_trouble=self._ends.on_trouble,
            on_search_failed=self._ends.on_search_failed,
        )
        try:
            weights.check()
        except TeacherWeightsError:
            ledger.interrupt_sweeps()
            raise
        if self.are_others():
            return self.take_up(answers=answers)
        taken = adoption.taken if adoption is not None else frozenset()
        for sweep in sweeps:
            for line in what_there_is(sweep, ledger, taken, frozenset(weights.gone)):
                self._screen.say(line)
        for line in weights.told():
            self._screen.say(line)
        return planner

    def are_others(self) -> bool:
        """Return whether weights of teachers turned out to be others than before; students then get other keys."""
        assert self._weights is not None
        for line in self._weights.told_changed():
            self._screen.say(line)
        if self._weights.changed:
            self.sweeps[:] = [under_known_weights(sweep, self._ledger) for sweep in self.sweeps]  # the watch's too
        return bool(self._weights.changed)

    def _adoption(self) -> Adoption | None:
        """Return what the tracking store knows; None where it has gone away since it was asked."""
        try:
            return Adoption(self._ledger, self._uri)
        except TrackingError as error:
            self._screen.say(f"{error}; results are told later")
            return None


def _chances(sweeps: Sequence[Sweep]) -> Callable[[str], float]:
    """Return the accuracy of guessing in percent, by data set."""
    return {plan.name: 100.0 / plan.info.classes for sweep in sweeps for plan in sweep.datasets}.__getitem__
