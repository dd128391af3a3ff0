"""The persistent Optuna study: a copy of every ended proposal, for optuna-dashboard and whoever reads studies."""

import datetime
import json
from collections.abc import Collection
from typing import Any

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ProposalRow
from orchestrator.optuna_studies.storage import (
    NEEDED_TABLE,
    StorageError,
    check_storage,
    open_storage,
    storage_url,
)
from orchestrator.outbox.databases import tables_in
from orchestrator.outbox.telling import RefusedError
from trainers.texts.addresses import without_password

__all__ = ["OptunaTarget", "StorageError", "check_storage", "storage_url"]

TARGET = "optuna"
PRESENT = """
SELECT s.study_name, n.value_json, k.value_json FROM studies s JOIN trials t ON t.study_id = s.study_id
JOIN trial_user_attributes n ON n.trial_id = t.trial_id AND n.key = 'proposal'
JOIN trial_user_attributes k ON k.trial_id = t.trial_id AND k.key = 'trial_key'
"""


class OptunaTarget:
    """The persistent storage as a listener of the ledger. One thread uses it.

    Args:
        studies: ids of those that are held against the storage; None: all.
    """

    def __init__(self, url: str, ledger: Ledger, studies: Collection[str] | None = None) -> None:
        self._url = url
        self._wanted = studies
        self._ledger = ledger
        self._storage: Any = None
        self._studies: dict[str, tuple[Any, set[tuple[int, str]]]] = {}

    @property
    def notes(self) -> list[str]:
        """Nothing: what is to be known is said by `verify`."""
        return []

    def verify(self) -> list[str]:
        """Put proposals into the outbox that were told to studies which do not have them any more; return what people
        are to know of it.

        Raises:
            Exception: as `tell`.
        """
        told = self._ledger.told_proposals()
        wanted = {study: rows for study, rows in told.items() if self._wanted is None or study in self._wanted}
        if not wanted:
            return []
        present = self._present()
        notes = []
        for study, rows in wanted.items():
            name, _ = self._ledger.study(study)
            gone = sorted(rows - present.get(name, frozenset()))
            with self._ledger.transaction():
                for number, _ in gone:
                    self._ledger.to_tell(TARGET, f"{study}:{number}")
            if gone:
                notes.append(f"the Optuna study '{name}' lacks {len(gone)} of its proposals; it is told them again")
        return notes

    def _present(self) -> dict[str, frozenset[tuple[int, str]]]:
        """Return the number and the key of the proposals that the storage has, by study: by one question."""
        if NEEDED_TABLE not in tables_in(self._url, NEEDED_TABLE):
            return {}
        import sqlalchemy as sql

        found: dict[str, set[tuple[int, str]]] = {}
        with self._opened().engine.connect() as connection:
            for name, number, key in connection.execute(sql.text(PRESENT)):
                found.setdefault(name, set()).add((int(json.loads(number)), str(json.loads(key))))
        return {name: frozenset(proposals) for name, proposals in found.items()}

    def _opened(self) -> Any:
        if self._storage is None:
            self._storage = open_storage(self._url)
        return self._storage

    def tell(self, ref: str) -> None:
        """Add the proposal called `ref` ("STUDY:NUMBER") to its study, unless it is there.

        Raises:
            RefusedError: the study of that name is somebody else's.
            Exception: whatever Optuna or the way to the database raises; nothing is lost, it can be told again.
        """
        try:
            self._tell(ref)
        except RefusedError:
            raise
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
        if row.state in (None, "FAIL") or (row.number, row.key) in present:
            return  # a failed proposal is tried again: it is told when it has a result, and then once
        _, content = self._ledger.study(study_id)
        study.add_trial(_frozen(row, content, self._ledger))
        present.add((row.number, row.key))

    def _start_anew(self) -> None:
        """Forget what was read: a proposal whose adding failed may be there all the same."""
        self._studies = {}
        if self._storage is not None:
            self._storage.engine.dispose()
            self._storage = None

    def _study(self, study_id: str) -> tuple[Any, set[tuple[int, str]]]:
        """Return the study and the proposals it holds; read once, and again after an error."""
        if study_id not in self._studies:
            import optuna

            name, content = self._ledger.study(study_id)
            study = optuna.create_study(
                study_name=name, storage=self._opened(), direction="maximize", load_if_exists=True
            )
            if study.directions != [optuna.study.StudyDirection.MAXIMIZE]:  # it was there before us
                raise RefusedError(
                    f"the Optuna study '{name}' in {without_password(self._url)} does not maximise one value, so it is "
                    "not ours; rename or delete it there, or give another --storage"
                )
            set_before = study.user_attrs
            for key, value in content["attributes"].items():
                if set_before.get(key) != value:
                    study.set_user_attr(key, value)
            trials = study.get_trials(deepcopy=False)
            present = {
                (trial.user_attrs.get("proposal", -1), trial.user_attrs.get("trial_key", "")) for trial in trials
            }
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
        ended = max(record.ended_at, record.started_at + ledger.trial_seconds(row.key))
        trial.datetime_start = datetime.datetime.fromtimestamp(record.started_at)  # noqa: DTZ006 (Optuna's are naive)
        trial.datetime_complete = datetime.datetime.fromtimestamp(ended)  # noqa: DTZ006
    return trial
