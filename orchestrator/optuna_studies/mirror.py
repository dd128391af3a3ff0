"""The persistent Optuna study: a copy of every ended proposal, for optuna-dashboard and whoever reads studies."""

import datetime
from pathlib import Path
from typing import Any

from orchestrator.ledger import Ledger
from orchestrator.records import ProposalRow
from trainers.addresses import without_password
from trainers.errors import RequestError
from trainers.files import replaced

TARGET = "optuna"
CONNECT_SECONDS = 5


class StorageError(RequestError):
    """The Optuna storage that was asked for cannot be used: its address is wrong, or it does not answer."""


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
        """Add the proposal called `ref` ("STUDY:NUMBER") to its study, unless it is there.

        Raises:
            Exception: whatever the storage or the way to it raises; what a study holds is read anew after that, since
                a proposal whose answer was lost may be in it.
        """
        try:
            self._tell(ref)
        except Exception:
            self._studies.clear()
            self._storage = None
            raise

    def _tell(self, ref: str) -> None:
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
            self._storage = optuna.storages.RDBStorage(self._url, engine_kwargs=engine_options(self._url))
        return self._storage


def engine_options(url: str) -> dict[str, Any]:
    """Return how SQLAlchemy is to connect: to a server soon or not at all, and never by a connection that is dead."""
    if url.startswith("sqlite"):
        return {}
    connect = {"connect_timeout": CONNECT_SECONDS} if url.startswith(("postgresql", "mysql")) else {}
    return {"pool_pre_ping": True, "connect_args": connect}


def check_storage(url: str) -> None:
    """Find out whether the storage can be used; nothing is made where there is none yet.

    Raises:
        StorageError: it cannot; says where it was looked for, without a password.
    """
    import sqlalchemy as sql

    where = without_password(url)
    try:
        parsed = sql.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _check_file(where, parsed.database)
            return
        engine = sql.create_engine(parsed, **engine_options(url))
        with engine.connect():
            pass
        engine.dispose()
    except (sql.exc.ArgumentError, ModuleNotFoundError) as error:
        example = "sqlite:///optuna.db or postgresql://user:password@host/database"
        reason = without_password(str(error)).splitlines()[0]
        raise StorageError(f"the Optuna storage {where} cannot be used: {reason} (for example {example})") from error
    except sql.exc.SQLAlchemyError as error:
        reason = without_password(str(getattr(error, "orig", error))).strip().splitlines()[0]
        raise StorageError(f"the Optuna storage at {where} does not answer: {reason}") from error


def _check_file(where: str, database: str | None) -> None:
    """Raise where a SQLite storage could not be made or opened."""
    if not database or database == ":memory:":
        raise StorageError(f"the Optuna storage {where} names no file, so nothing of it would stay")
    path = Path(database).absolute()
    if path.is_dir() or (path.exists() and not path.read_bytes()[:16].startswith(b"SQLite format 3")):
        raise StorageError(f"the Optuna storage {where} is no SQLite database")
    if not path.parent.is_dir():
        raise StorageError(f"the Optuna storage {where} cannot be made: there is no folder {path.parent}")


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
