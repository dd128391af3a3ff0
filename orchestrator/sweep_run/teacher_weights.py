"""Weights of trained teachers: here, fetched from the tracking store, or gone, which is not the same as out of reach.

A teacher that is trained again is another one wherever sums round differently, so nobody trains one because a store
happened not to answer.
"""

from collections.abc import Iterator

from orchestrator.ledger.known_weights import note_weights
from orchestrator.ledger.ledger import Ledger
from orchestrator.mlflow_store import MlflowTarget, TrackingError
from orchestrator.mlflow_store.verifying import WEIGHTS_TOLD
from trainers.errors import RequestError
from trainers.files.store import Store
from trainers.files.tensor_digest import weights_digest
from trainers.texts.addresses import without_password


class TeacherWeightsError(RequestError):
    """Students wait for teachers whose weights are not here, and nobody can say whether they are in the store."""


class TeacherWeights:
    """Finds the weights of teachers that have been trained, each when it is first asked for.

    Args:
        uri: of the tracking store.
        answers: whether the store answered when the run began.
    """

    def __init__(self, ledger: Ledger, store: Store, target: MlflowTarget, uri: str, *, answers: bool) -> None:
        self._ledger = ledger
        self._store = store
        self._target = target
        self._uri = uri
        self._answers = answers
        self._found: set[str] = set()
        self._out_of_reach: dict[str, str] = {}
        self.gone: list[str] = []
        """Keys of the teachers of which the store has said that it has no weights."""
        self.changed: list[str] = []
        """Keys of the teachers whose weights turned out to be others than before: sweeps are to be read anew."""

    def found(self, key: str) -> bool:
        """Return whether the weights are here, or have been fetched just now."""
        if key not in self._found and self._find(key):
            self._found.add(key)
            self.are_others(key)
        return key in self._found

    def are_others(self, key: str) -> bool:
        """Return whether a teacher's weights are others than when they were last looked at; note what they are."""
        try:
            others = note_weights(self._ledger, key, weights_digest(self._store.weights(key)))
        except (OSError, ValueError):  # whoever learns from it says so
            return False
        if others:
            self.changed.append(key)
        return others

    def _find(self, key: str) -> bool:
        if self._store.weights(key).exists():
            return True
        if key in self.gone or key in self._out_of_reach:
            return False
        if not self._answers:
            self._out_of_reach[key] = f"the tracking store at {without_password(self._uri)} does not answer"
            return False
        try:
            fetched = self._target.fetch_weights(key)
        except TrackingError as error:
            self._out_of_reach[key] = str(error)
            return False
        if not fetched:
            self.gone.append(key)
            self._ledger.forget(WEIGHTS_TOLD, key)  # those that come are told
        return fetched

    def check(self) -> None:
        """Say what nobody could find out.

        Raises:
            TeacherWeightsError: students wait for weights that may be in a store that cannot be asked.
        """
        if not self._out_of_reach:
            return
        missing = "; ".join(f"of {self._name(key)} ({self._store.weights(key)})" for key in self._out_of_reach)
        reasons = "; ".join(dict.fromkeys(self._out_of_reach.values()))
        raise TeacherWeightsError(
            f"weights that students wait for are missing: {missing}; {reasons}. Bring store or files back; with "
            "another store (MLFLOW_TRACKING_URI) what is missing is trained again"
        )

    def told(self) -> Iterator[str]:
        """Yield a line for every teacher that is trained again."""
        for key in self.gone:
            yield (
                f"{self._name(key)} had been trained, and is trained again: its weights are neither in "
                f"{self._store.weights(key).parent} nor in the tracking store"
            )

    def told_changed(self) -> Iterator[str]:
        """Yield a line for every teacher whose weights are others."""
        for key in self.changed:
            yield (
                f"the weights of {self._name(key)} are others than those of before: students that have a result keep "
                "it, and in the keys of the others stands the digest of the new weights (tag teacher_weights)"
            )

    def _name(self, key: str) -> str:
        row = self._ledger.trial(key)
        assert row is not None  # students wait for it
        return f"the teacher {row.origin['cell']}"
