"""The persistent Optuna study: a copy of every ended proposal, for optuna-dashboard and whoever reads studies."""

import datetime
from typing import Any

from orchestrator.ledger import Ledger
from orchestrator.optuna_studies.storage import StorageError, check_storage, open_storage, storage_url
from orchestrator.records import ProposalRow

__all__ = ["OptunaTarget", "StorageError", "check_storage", "storage_url"]

TARGET = "optuna"


class OptunaTarget:
    """The persistent storage as a listener of the ledger. One thread uses it."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._url = url
        self._ledger = ledger
        self._storage: Any = None
        self._studies: dict[str, tuple[Any, set[int]]] = {}

    def tell(self, ref: str) -> None:
        """Add the proposal called `ref` ("STUDY:NUMBER") to its study, unless it is there.

        Raises:
            Exception: whatever Optuna or the way to the database raises; nothing is lost, it can be told again.
        """
        try:
            self._tell(ref)
        except Exception:
            self._start_anew()
            raise

    def settle(self) -> bool:
        """Return that nothing is in doubt: a database does not do later what it has not done when a connection breaks,
        and what the study holds is read again after that."""
        return False

    def _tell(self, ref: str) -> None:
        study_id, _, number = ref.rpartition(":")
        row = self._ledger.proposal(study_id, int(number))
        study, present = self._study(study_id)
        if row.state in (None, "FAIL") or row.number in present:
            return  # a failed proposal is tried again: it is told when it has a result, and then once
        _, content = self._ledger.study(study_id)
        study.add_trial(_frozen(row, content, self._ledger))
        present.add(row.number)

    def _start_anew(self) -> None:
        """Forget what was read: a proposal whose adding failed may be there all the same."""
        self._studies = {}
        if self._storage is not None:
            self._storage.engine.dispose()
            self._storage = None

    def _study(self, study_id: str) -> tuple[Any, set[int]]:
        """Return the study and the proposals it holds; read once, and again after an error."""
        if study_id not in self._studies:
            import optuna

            if self._storage is None:
                self._storage = open_storage(self._url)
            name, content = self._ledger.study(study_id)
            study = optuna.create_study(
                study_name=name, storage=self._storage, direction="maximize", load_if_exists=True
            )
            known = study.user_attrs
            for key, value in content["attributes"].items():
                if known.get(key) != value:
                    study.set_user_attr(key, value)
            trials = study.get_trials(deepcopy=False)
            present = {trial.user_attrs.get("proposal") for trial in trials}
            self._studies[study_id] = (study, present)
        return self._studies[study_id]


def _frozen(row: ProposalRow, content: dict[str, Any], ledger: Ledger) -> Any:
    """Return the proposal as a finished Optuna trial. A diverged one is PRUNED there, with its state as attribute."""
    import optuna
    from optuna.trial import TrialState

    distributions = {
        name: optuna.distributions.json_to_distribution(text) for name, text in content["distributions"].items()
    }
    state = TrialState.COMPLETE if row.state == "COMPLETE" else TrialState.PRUNED
    trial = optuna.trial.create_trial(
        state=state,
        value=row.value if state is TrialState.COMPLETE else None,
        params=row.params,
        distributions=distributions,
        intermediate_values=dict(row.rungs),
        system_attrs=dict(row.attributes),
        user_attrs={"proposal": row.number, "trial_key": row.key, "state": row.state},
    )
    record = ledger.trial(row.key)
    if record is not None and record.started_at is not None and record.ended_at is not None:
        trial.datetime_start = datetime.datetime.fromtimestamp(record.started_at)  # noqa: DTZ006 (Optuna's are naive)
        trial.datetime_complete = datetime.datetime.fromtimestamp(record.ended_at)  # noqa: DTZ006
    return trial
