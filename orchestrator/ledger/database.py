"""The file that the ledger is: one connection, its tables, its commits."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.home.filesystem import is_network
from trainers.errors import RequestError

SCHEMA = """
CREATE TABLE IF NOT EXISTS sweep (
    name TEXT PRIMARY KEY, accepted_at REAL NOT NULL, source TEXT NOT NULL, resolved TEXT NOT NULL,
    state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS acceptance (
    id INTEGER PRIMARY KEY, sweep TEXT NOT NULL, accepted_at REAL NOT NULL, source TEXT NOT NULL,
    resolved TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS member (
    sweep TEXT NOT NULL, position INTEGER NOT NULL, cell TEXT NOT NULL, entry TEXT NOT NULL, row TEXT NOT NULL,
    phase TEXT NOT NULL, rank INTEGER, seed INTEGER NOT NULL, key TEXT NOT NULL, proposal INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS member_once ON member (sweep, cell, row, phase, ifnull(rank, 0), seed, key);
CREATE TABLE IF NOT EXISTS trial (
    key TEXT PRIMARY KEY, config_key TEXT NOT NULL, spec TEXT NOT NULL, state TEXT NOT NULL, origin TEXT NOT NULL,
    metrics TEXT NOT NULL DEFAULT '{}', reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    started_at REAL, ended_at REAL, provenance TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS attempt (
    key TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL,
    reason TEXT NOT NULL DEFAULT '', seconds REAL, has_worker INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (key, number));
CREATE TABLE IF NOT EXISTS epoch (
    key TEXT NOT NULL, number INTEGER NOT NULL, attempt INTEGER NOT NULL, at REAL NOT NULL, metrics TEXT NOT NULL,
    PRIMARY KEY (key, number));
CREATE TABLE IF NOT EXISTS proposal (
    study TEXT NOT NULL, number INTEGER NOT NULL, params TEXT NOT NULL, key TEXT NOT NULL, state TEXT,
    value REAL, rungs TEXT NOT NULL DEFAULT '{}', attributes TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (study, number));
CREATE TABLE IF NOT EXISTS study (id TEXT PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refusal (study TEXT PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, ref TEXT NOT NULL, UNIQUE (target, ref));
CREATE TABLE IF NOT EXISTS told (target TEXT NOT NULL, ref TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (target, ref));
CREATE INDEX IF NOT EXISTS member_key ON member (key);
CREATE TABLE IF NOT EXISTS notice (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL);
"""
SCHEMA_VERSION = 4
ADDED_COLUMNS = (
    ("trial", "collapsed", "TEXT NOT NULL DEFAULT ''"),
    ("attempt", "seconds", "REAL"),
    ("attempt", "has_worker", "INTEGER NOT NULL DEFAULT 0"),
)
"""Table, name and type of the columns that an older version's tables lack."""
BUSY_SECONDS = 60.0
NO_SHARED_MEMORY = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL})
"""What SQLite answers to writing ahead on a file system that maps no memory, some of those over a network."""
WAY_OUT = "move it away and run again: results that were told are taken from the tracking store"


class LedgerError(RequestError):
    """The ledger file is damaged or was written by a newer kdsweep."""


class LedgerWriteError(RequestError):
    """The ledger cannot be written or read now, for want of disk for instance. What it holds is whole."""


class _Connection(sqlite3.Connection):
    """Says of a file that cannot be used now what it is, wherever that shows: in a decision or in a look."""

    path = Path()

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Do as the library does."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.OperationalError as error:
            done = "written" if self.in_transaction or sql.startswith("BEGIN") else "read"
            raise LedgerWriteError(f"{self.path} cannot be {done}: {error}") from error


class Database:
    """One connection to the ledger's file. Used by one thread at a time; others open their own.

    Args:
        path: the file; made if missing.
        clock: wall clock in seconds, for time stamps only; nothing is decided by it.
        timer: monotonic, in seconds; measures what something took.
        check: go through the whole file for damage first.
        on_commit: called with "before" and "after" around every commit (for tests that kill there).
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        on_commit: Callable[[str], None] = lambda moment: None,
        check: bool = False,
    ) -> None:
        self.path = path
        self.clock = clock
        self._timer = timer
        self._on_commit = on_commit
        self._committed = timer()
        self._depth = 0
        try:
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, factory=_Connection, check_same_thread=False
            )
            self._db.path = path
            self._prepare()
            if check:
                (answer,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
                if answer != "ok":
                    raise LedgerError(f"{path} is damaged: {answer}; {WAY_OUT}")
        except sqlite3.OperationalError as error:
            raise LedgerWriteError(f"{path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{path} is not a readable ledger: {error}; {WAY_OUT}") from error

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        self._choose_journal()
        self._db.execute("PRAGMA synchronous=FULL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise LedgerError(f"{self.path} was written by a newer kdsweep (ledger version {version})")
        if version < SCHEMA_VERSION:
            self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Make what an older version, or an empty file, lacks: all of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA.split(";"):
            self._db.execute(statement)
        for table, name, kind in ADDED_COLUMNS:
            if name not in {row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
        self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._db.execute("COMMIT")

    def _choose_journal(self) -> None:
        """Write ahead where the file system lets processes share memory, else the slower way that needs none."""
        if not is_network(self.path.parent):
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # maps the memory
            except LedgerWriteError as error:
                cause = error.__cause__
                if not isinstance(cause, sqlite3.Error) or cause.sqlite_errorcode & 0xFF not in NO_SHARED_MEMORY:
                    raise
            else:
                return
        self._db.execute("PRAGMA journal_mode=DELETE")

    def close(self) -> None:
        """Close without writing what is not committed."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all that is written in the block one commit; an error leaves none of it. May be nested.

        Raises:
            LedgerWriteError: the file cannot be written; says why.
        """
        if self._depth:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            yield
            self._write_gathered()
            self._on_commit("before")
            self._db.execute("COMMIT")
            self._forget_gathered()
            self._committed = self._timer()
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise LedgerWriteError(f"{self.path} cannot be written: {error}") from error
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth = 0
        self._on_commit("after")

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def rows(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """Return what a query finds: for those who look at the ledger and change nothing."""
        return self._db.execute(sql, parameters).fetchall()

    def _write_gathered(self) -> None:
        """Write what has waited for a commit."""

    def _forget_gathered(self) -> None:
        """Note that it has been committed."""
