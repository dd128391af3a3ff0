"""The persistent Optuna study: a copy of every ended proposal, for optuna-dashboard and whoever reads studies."""

import datetime
from pathlib import Path
from typing import Any

from orchestrator.ledger import Ledger
from orchestrator.records import ProposalRow
from trainers.files import replaced

TARGET = "optuna"


def storage_url(home: Path, storage: str | None) -> str:
    """Return the storage that was asked for, else the database in the home."""
    return storage or f"sqlite:///{(home / 'optuna.db').absolute()}"


class OptunaTarget:
    """The persistent storage as a listener of the ledger. One thread uses it."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._url = url
        self._ledger = ledger
        self._storage: Any = None
        self._studies: dict[str, tuple[Any, set[int]]] = {}

    def tell(self, ref: str) -> None:
        """Add the proposal called `ref` ("STUDY:NUMBER") to its study, unless it is there."""
        study_id, _, number = ref.rpartition(":")
        row = self._ledger.proposals(study_id)[int(number)]
        study, present = self._study(study_id)
        if row.state in (None, "FAIL") or row.number in present:
            return  # a failed proposal is tried again: it is told when it has a result, and then once
        _, content = self._ledger.study(study_id)
        study.add_trial(_frozen(row, content, self._ledger))
        present.add(row.number)

    def _study(self, study_id: str) -> tuple[Any, set[int]]:
        """Return the study and the proposals it holds; read once."""
        if study_id not in self._studies:
            import optuna

            name, content = self._ledger.study(study_id)
            study = optuna.create_study(
                study_name=name, storage=self._open(), direction="maximize", load_if_exists=True
            )
            for key, value in content["attributes"].items():
                study.set_user_attr(key, value)
            trials = study.get_trials(deepcopy=False)
            present = {trial.user_attrs.get("proposal") for trial in trials}
            self._studies[study_id] = (study, present)
        return self._studies[study_id]

    def _open(self) -> Any:
        if self._storage is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            path = Path(self._url.removeprefix("sqlite:///"))
            if self._url.startswith("sqlite:///") and not path.exists():
                with replaced(path) as temporary:
                    optuna.storages.RDBStorage(f"sqlite:///{temporary}").engine.dispose()
            self._storage = optuna.storages.RDBStorage(self._url)
        return self._storage


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
