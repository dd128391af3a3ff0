"""The ledger: what has been accepted, started, ended and told, in one SQLite file that is always true.

Every decision is committed here before anyone acts on it or hears of it, so a driver that is killed between any two
statements leaves a ledger from which the next one goes on. Values of epochs are written in groups, with the next
decision or after a moment. All JSON, no pickles.

Times of day are stamps for people. How long something took is measured by a clock that nobody can set, and added up
over attempts: two stamps are never subtracted.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.home.filesystem import is_network
from orchestrator.ledger.records import AttemptRow, MemberRow, ProposalRow, SweepRow, TrialRow
from trainers.errors import RequestError
from trainers.texts.letters import fitting

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
EPOCH_GROUP = 100
EPOCH_SECONDS = 2.0
"""No epoch waits longer for its commit, and no two commits for epochs alone follow each other faster."""
ELAPSED_SECONDS = 30.0
"""How often a run writes how long it has been at work, where nothing else is written."""
DRIVER = "driver"
"""What is remembered of the run that is under way, or was the last."""
BUSY_SECONDS = 60.0
LIFE = "life"
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


class Ledger:
    """One connection to the ledger. Used by one thread; another thread opens its own.

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
        self._run_began: float | None = None
        self._began: dict[tuple[str, int], float] = {}
        """Attempts that were started here, and when."""
        self._epochs: list[tuple[str, int, int, float, str]] = []
        self._with_worker: list[tuple[str, int]] = []
        self._depth = 0
        self._life = ""
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, factory=_Connection)
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

    @property
    def life(self) -> str:
        """Return what tells this ledger from every other that its home has had: each counts attempts from 1."""
        if not self._life:
            with self.transaction():
                self._life = self.remembered(LIFE, LIFE) or secrets.token_hex(4)
                self.remember(LIFE, LIFE, self._life)
        return self._life

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
            self._write_epochs()
            self._write_workers()
            self._write_elapsed()
            self._on_commit("before")
            self._db.execute("COMMIT")
            self._epochs, self._with_worker = [], []
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

    # --- sweeps and their members -------------------------------------------------------------------------------

    def accept_sweep(self, name: str, source: str, resolved: dict[str, Any]) -> None:
        """Record the sweep as it is asked for now; what was accepted before stays in the history."""
        now, content = self.clock(), json.dumps(resolved)
        with self.transaction():
            self._db.execute(
                "INSERT INTO sweep VALUES (?, ?, ?, ?, 'RUNNING') ON CONFLICT (name) DO UPDATE SET "
                "accepted_at=excluded.accepted_at, source=excluded.source, resolved=excluded.resolved, state='RUNNING'",
                (name, now, source, content),
            )
            before = self._db.execute(
                "SELECT source, resolved FROM acceptance WHERE sweep = ? ORDER BY id DESC LIMIT 1", (name,)
            ).fetchone()
            if before is None or tuple(before) != (source, content):
                self._db.execute(
                    "INSERT INTO acceptance (sweep, accepted_at, source, resolved) VALUES (?, ?, ?, ?)",
                    (name, now, source, content),
                )
            self._db.execute("DELETE FROM member WHERE sweep = ?", (name,))
            self.to_tell("mlflow", f"sweep:{name}")

    def end_sweep(self, name: str, state: str) -> None:
        """Record how the sweep stands now that nothing of it runs: COMPLETE, FAIL or INTERRUPTED."""
        with self.transaction():
            self._db.execute("UPDATE sweep SET state = ? WHERE name = ?", (state, name))
            self.to_tell("mlflow", f"sweep:{name}")

    def sweep(self, name: str) -> SweepRow | None:
        """Return the sweep as last accepted."""
        row = self._db.execute("SELECT * FROM sweep WHERE name = ?", (name,)).fetchone()
        return None if row is None else SweepRow(row["name"], row["source"], json.loads(row["resolved"]), row["state"])

    def sweep_names(self) -> list[str]:
        """Return the names of all sweeps, the one accepted last at the end."""
        return [row["name"] for row in self._db.execute("SELECT name FROM sweep ORDER BY accepted_at")]

    def add_members(self, sweep: str, members: Iterable[MemberRow]) -> None:
        """Record which trials serve which rows of the sweep, in order; those already there are left as they are."""
        with self.transaction():
            (start,) = self._db.execute("SELECT count(*) FROM member WHERE sweep = ?", (sweep,)).fetchone()
            self._db.executemany(
                "INSERT OR IGNORE INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (sweep, start + i, m.cell, m.entry, m.row, m.phase, m.rank, m.seed, m.key, m.proposal)
                    for i, m in enumerate(members)
                ],
            )
            self.to_tell("mlflow", f"sweep:{sweep}")

    def members(self, sweep: str) -> list[MemberRow]:
        """Return the members of a sweep in the order of their recording."""
        rows = self._db.execute("SELECT * FROM member WHERE sweep = ? ORDER BY position", (sweep,))
        return [
            MemberRow(r["cell"], r["entry"], r["row"], r["phase"], r["rank"], r["seed"], r["key"], r["proposal"])
            for r in rows
        ]

    # --- trials and attempts ------------------------------------------------------------------------------------

    def add_trials(self, trials: Iterable[TrialRow]) -> None:
        """Record trials that are asked for; those that are known already stay as they are."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO trial (key, config_key, spec, state, origin, metrics) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (t.key, t.config_key, json.dumps(t.spec), t.state, json.dumps(t.origin), json.dumps(t.metrics))
                    for t in trials
                ],
            )

    def trial(self, key: str) -> TrialRow | None:
        """Return one trial."""
        row = self._db.execute("SELECT * FROM trial WHERE key = ?", (key,)).fetchone()
        return None if row is None else _trial_row(row)

    def states(self) -> dict[str, str]:
        """Return the state of every trial by its key."""
        return dict(self._db.execute("SELECT key, state FROM trial").fetchall())

    def keys_of_origin(self, sweep: str) -> list[str]:
        """Return the trials that a sweep asked for first and of which there is something to tell."""
        rows = self._db.execute(
            "SELECT key FROM trial WHERE json_extract(origin, '$.sweep') = ? AND state != 'WAITING'", (sweep,)
        )
        return [row["key"] for row in rows]

    def start_attempt(self, key: str) -> int:
        """Record that a new attempt of the trial starts; return its number, from 1."""
        now, began = self.clock(), self._timer()
        with self.transaction():
            self._db.execute(
                "UPDATE trial SET attempts = attempts + 1, state = 'RUNNING', reason = '', collapsed = '', "
                "ended_at = NULL, started_at = coalesce(started_at, ?) WHERE key = ?",
                (now, key),
            )
            (number,) = self._db.execute("SELECT attempts FROM trial WHERE key = ?", (key,)).fetchone()
            self._db.execute(
                "INSERT INTO attempt (key, number, state, started_at) VALUES (?, ?, 'RUNNING', ?)", (key, number, now)
            )
            self.to_tell("mlflow", f"trial:{key}")
        self._began[key, number] = began
        return int(number)

    def end_attempt(
        self,
        key: str,
        number: int,
        state: str,
        *,
        metrics: dict[str, float] | None = None,
        reason: str = "",
        collapsed: str = "",
        trial_state: str | None = None,
    ) -> None:
        """Record how the attempt ended and what that makes of the trial (the same state unless given)."""
        now, began = self.clock(), self._began.pop((key, number), None)
        seconds = None if began is None else self._timer() - began
        with self.transaction():
            self._db.execute(
                "UPDATE attempt SET state = ?, ended_at = ?, reason = ?, seconds = ? WHERE key = ? AND number = ?",
                (state, now, fitting(reason), seconds, key, number),
            )
            self._db.execute(
                "UPDATE trial SET state = ?, reason = ?, collapsed = ?, ended_at = ?, metrics = ? WHERE key = ?",
                (trial_state or state, fitting(reason), collapsed, now, json.dumps(metrics or {}), key),
            )
            self.to_tell("mlflow", f"trial:{key}")

    def attempts(self, key: str) -> list[AttemptRow]:
        """Return the attempts of a trial, first to last."""
        rows = self._db.execute("SELECT * FROM attempt WHERE key = ? ORDER BY number", (key,))
        return [
            AttemptRow(r["key"], r["number"], r["state"], r["started_at"], r["ended_at"], r["reason"], r["seconds"])
            for r in rows
        ]

    def set_worker(self, key: str, number: int) -> None:
        """Record, with the next commit, that an attempt has a worker; its seconds count from here."""
        self._began[key, number] = self._timer()
        self._with_worker.append((key, number))
        self.flush()

    def _write_workers(self) -> None:
        if self._with_worker:
            self._db.executemany("UPDATE attempt SET has_worker = 1 WHERE key = ? AND number = ?", self._with_worker)

    def trial_seconds(self, key: str) -> float:
        """Return how long the trial has been worked at, over all its attempts that have ended.

        Of an attempt whose driver was killed, what its recorded epochs took: nobody measured the rest.
        """
        ((seconds,),) = self._db.execute(
            "SELECT sum(coalesce(a.seconds, (SELECT sum(json_extract(e.metrics, '$.epoch_seconds')) FROM epoch e "
            "WHERE e.key = a.key AND e.attempt = a.number), 0)) "
            "FROM attempt a WHERE a.key = ? AND a.state != 'RUNNING'",
            (key,),
        )
        return float(seconds or 0.0)

    def interrupt_running(self) -> int:
        """Mark trials and attempts that are RUNNING, though nothing runs, as INTERRUPTED; return how many trials."""
        keys = [row["key"] for row in self._db.execute("SELECT key FROM trial WHERE state = 'RUNNING'")]
        if keys:
            with self.transaction():
                self._db.execute("UPDATE trial SET state = 'INTERRUPTED' WHERE state = 'RUNNING'")
                self._db.execute(
                    "UPDATE attempt SET state = 'INTERRUPTED', reason = 'the driver ended' WHERE state = 'RUNNING'"
                )
                for key in keys:
                    self.to_tell("mlflow", f"trial:{key}")
        return len(keys)

    def interrupt_sweeps(self) -> None:
        """Mark sweeps that a driver which is gone left RUNNING as INTERRUPTED."""
        for row in self._db.execute("SELECT name FROM sweep WHERE state = 'RUNNING'").fetchall():
            self.end_sweep(row["name"], "INTERRUPTED")

    def adopt_trial(
        self,
        key: str,
        state: str,
        metrics: dict[str, float],
        *,
        epochs: Iterable[tuple[int, float, dict[str, float]]] = (),
        attempts: int = 0,
        started_at: float | None = None,
        ended_at: float | None = None,
        reason: str = "",
        collapsed: str = "",
        provenance: dict[str, str] | None = None,
    ) -> None:
        """Record the result that a trial has elsewhere, with all that is known of it: it may have to be told again.

        Args:
            epochs: number, wall clock, values.
        """
        with self.transaction():
            self._db.execute(
                "UPDATE trial SET state = ?, metrics = ?, attempts = max(attempts, ?), started_at = ?, ended_at = ?, "
                "reason = ?, collapsed = ?, provenance = ? WHERE key = ?",
                (
                    state,
                    json.dumps(metrics),
                    attempts,
                    started_at,
                    self.clock() if ended_at is None else ended_at,
                    reason,
                    collapsed,
                    json.dumps(provenance or {}),
                    key,
                ),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, ?, ?)",
                [(key, number, attempts, at, json.dumps(values)) for number, at, values in epochs],
            )

    def set_provenance(self, key: str, provenance: dict[str, str]) -> None:
        """Record where and with what a trial runs (host, device, versions)."""
        with self.transaction():
            self._db.execute("UPDATE trial SET provenance = ? WHERE key = ?", (json.dumps(provenance), key))

    def add_notice(self, key: str, text: str) -> None:
        """Record something that went wrong with a trial on the way and changed none of its numbers."""
        with self.transaction():
            self._db.execute("INSERT INTO notice (at, key, text) VALUES (?, ?, ?)", (self.clock(), key, fitting(text)))

    # --- epochs -------------------------------------------------------------------------------------------------

    def add_epoch(self, key: str, number: int, attempt: int, values: dict[str, float]) -> None:
        """Record the values of an epoch: at once, unless there has just been a commit; then with the next one, which
        `flush` makes.

        The first record of an epoch stays: a later attempt that trains it again gets the same numbers, and what has
        been told must not change.
        """
        self._epochs.append((key, number, attempt, self.clock(), json.dumps(values)))
        self.flush()

    def flush(self) -> None:
        """Commit what has waited long enough, or is much; whoever drives calls it now and then, for no other event may
        come for a long time."""
        waited = self._timer() - self._committed
        gathered = len(self._epochs) + len(self._with_worker)
        due = gathered and (waited >= EPOCH_SECONDS or gathered >= EPOCH_GROUP)
        if due or (self._run_began is not None and waited >= ELAPSED_SECONDS):
            with self.transaction():
                pass

    def _write_epochs(self) -> None:
        if self._epochs:
            self._db.executemany("INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, ?, ?)", self._epochs)
            for key in {row[0] for row in self._epochs}:
                self.to_tell("mlflow", f"trial:{key}")

    def epochs(self, key: str) -> list[tuple[int, float, dict[str, float]]]:
        """Return (number, wall clock, values) of the trial's recorded epochs, in order."""
        rows = self._db.execute("SELECT number, at, metrics FROM epoch WHERE key = ? ORDER BY number", (key,))
        return [(row["number"], row["at"], json.loads(row["metrics"])) for row in rows]

    # --- the run ------------------------------------------------------------------------------------------------

    def begin_run(self) -> None:
        """Note that a driver begins: from here on commits tell others how long it has been at work."""
        self._run_began = self._timer()
        with self.transaction():
            (before,) = self._db.execute("SELECT ifnull(max(rowid), 0) FROM attempt").fetchone()
            self.remember(DRIVER, "attempts", str(before))

    def _write_elapsed(self) -> None:
        if self._run_began is not None:
            self.remember(DRIVER, "elapsed", repr(self._timer() - self._run_began))

    def run_elapsed(self) -> float:
        """Return the seconds that the run under way, or the last one, had been at work when it last wrote."""
        return float(self.remembered(DRIVER, "elapsed") or 0.0)

    def run_trained(self) -> float:
        """Return the training seconds of the trials that were begun and have ended in that run."""
        before = int(self.remembered(DRIVER, "attempts") or 0)
        ((seconds,),) = self._db.execute(
            "SELECT sum(json_extract(metrics, '$.train_seconds')) FROM trial t WHERE state = 'COMPLETE' AND key IN "
            "(SELECT key FROM attempt WHERE rowid > ? AND number = 1)",
            (before,),
        )
        return float(seconds or 0.0)

    # --- searches -----------------------------------------------------------------------------------------------

    def add_study(self, study: str, name: str, content: dict[str, Any]) -> None:
        """Record what a study is; its name is the one it was first given. What refused it is asked again."""
        with self.transaction():
            self._db.execute("DELETE FROM refusal WHERE study = ?", (study,))
            self._db.execute("INSERT OR IGNORE INTO study VALUES (?, ?, ?)", (study, name, json.dumps(content)))

    def study(self, study: str) -> tuple[str, dict[str, Any]]:
        """Return the name and the content of a study."""
        row = self._db.execute("SELECT name, content FROM study WHERE id = ?", (study,)).fetchone()
        return row["name"], json.loads(row["content"])

    def add_proposal(self, study: str, number: int, params: dict[str, Any], key: str) -> None:
        """Record a proposal before it is trained; the same again changes nothing.

        Raises:
            LedgerError: another one has been recorded under this number: whoever worked it out knew other outcomes.
        """
        with self.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO proposal (study, number, params, key) VALUES (?, ?, ?, ?)",
                (study, number, json.dumps(params), key),
            )
            (known,) = self._db.execute("SELECT key FROM proposal WHERE study = ? AND number = ?", (study, number))
            if known["key"] != key:
                raise LedgerError(f"{self.path}: another driver has made proposal {number} of a search; run again")

    def save_proposal(self, study: str, row: ProposalRow) -> None:
        """Record rungs, pruner's attributes and outcome of a proposal; one with an outcome is to be told."""
        with self.transaction():
            self._db.execute(
                "UPDATE proposal SET state = ?, value = ?, rungs = ?, attributes = ? WHERE study = ? AND number = ?",
                (row.state, row.value, json.dumps(row.rungs), json.dumps(row.attributes), study, row.number),
            )
            if row.state is not None:
                self.to_tell("optuna", f"{study}:{row.number}")

    def add_refusal(self, study: str, reason: str) -> None:
        """Record why nothing more can be proposed in a study."""
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO refusal VALUES (?, ?)", (study, reason))

    def refusal(self, study: str) -> str:
        """Return what `add_refusal` recorded since the study was last asked for; else an empty text."""
        row = self._db.execute("SELECT reason FROM refusal WHERE study = ?", (study,)).fetchone()
        return "" if row is None else str(row["reason"])

    def proposals(self, study: str) -> list[ProposalRow]:
        """Return the proposals of a study in order."""
        rows = self._db.execute("SELECT * FROM proposal WHERE study = ? ORDER BY number", (study,))
        return [_proposal_row(row) for row in rows]

    def told_proposals(self) -> dict[str, set[tuple[int, str]]]:
        """Return number and key of the proposals that Optuna has been told, by study."""
        rows = self._db.execute(
            "SELECT p.study, p.number, p.key FROM proposal p WHERE p.state IS NOT NULL AND p.state != 'FAIL' "
            "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.target = 'optuna' AND o.ref = p.study || ':' || p.number)"
        )
        told: dict[str, set[tuple[int, str]]] = {}
        for row in rows:
            told.setdefault(row["study"], set()).add((row["number"], row["key"]))
        return told

    def proposal(self, study: str, number: int) -> ProposalRow:
        """Return one proposal of a study."""
        row = self._db.execute("SELECT * FROM proposal WHERE study = ? AND number = ?", (study, number)).fetchone()
        return _proposal_row(row)

    # --- telling ------------------------------------------------------------------------------------------------

    def to_tell(self, target: str, ref: str) -> None:
        """Put a thing that has changed into the outbox; told once however often it changed before that."""
        with self.transaction():
            self._db.execute("DELETE FROM outbox WHERE target = ? AND ref = ?", (target, ref))
            self._db.execute("INSERT INTO outbox (target, ref) VALUES (?, ?)", (target, ref))

    def untold(self, target: str, limit: int = 1000) -> list[tuple[int, str]]:
        """Return (sequence, ref) of what is still to be told, oldest first; all of it with a limit of -1."""
        rows = self._db.execute(
            "SELECT sequence, ref FROM outbox WHERE target = ? ORDER BY sequence LIMIT ?", (target, limit)
        )
        return [(row["sequence"], row["ref"]) for row in rows]

    def untold_count(self) -> int:
        """Return how many things are still to be told."""
        return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def mark_told(self, sequence: int) -> None:
        """Take a thing out of the outbox, unless it has changed again since (then it has a new sequence)."""
        with self.transaction():
            self._db.execute("DELETE FROM outbox WHERE sequence = ?", (sequence,))

    def remember(self, target: str, ref: str, value: str) -> None:
        """Keep what the target calls a thing (the run id of a trial)."""
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (target, ref, value))

    def remembered(self, target: str, ref: str) -> str | None:
        """Return what `remember` kept."""
        row = self._db.execute("SELECT value FROM told WHERE target = ? AND ref = ?", (target, ref)).fetchone()
        return None if row is None else str(row["value"])

    def forget(self, target: str, ref: str) -> None:
        """Drop what `remember` kept."""
        with self.transaction():
            self._db.execute("DELETE FROM told WHERE target = ? AND ref = ?", (target, ref))

    def all_remembered(self, target: str) -> dict[str, str]:
        """Return everything kept for the target, by ref."""
        return dict(self._db.execute("SELECT ref, value FROM told WHERE target = ?", (target,)).fetchall())

    def retarget(self, target: str, address: str) -> None:
        """Note where a target is; when it has moved, everything is to be told anew, there."""
        before = self.remembered("address", target)
        if before == address:
            return
        with self.transaction():
            self.remember("address", target, address)
            if before is not None:
                self._forget(target)

    def tell_anew(self, target: str) -> None:
        """Have everything told again to a target that knows nothing any more."""
        with self.transaction():
            self._forget(target)

    def _forget(self, target: str) -> None:
        kept = (target, f"{target}-epochs", f"{target}-doubt")
        self._db.execute("DELETE FROM told WHERE target IN (?, ?, ?)", kept)
        if target == "mlflow":
            self._db.execute("DELETE FROM told WHERE target = 'weights'")
            refs = [f"trial:{row[0]}" for row in self._db.execute("SELECT key FROM trial WHERE state != 'WAITING'")]
            refs += [f"sweep:{row[0]}" for row in self._db.execute("SELECT name FROM sweep")]
        else:
            ended = self._db.execute("SELECT study, number FROM proposal WHERE state IS NOT NULL")
            refs = [f"{row[0]}:{row[1]}" for row in ended]
        for ref in refs:
            self.to_tell(target, ref)


def _proposal_row(row: sqlite3.Row) -> ProposalRow:
    return ProposalRow(
        number=row["number"],
        params=json.loads(row["params"]),
        key=row["key"],
        state=row["state"],
        value=row["value"],
        rungs={int(step): value for step, value in json.loads(row["rungs"]).items()},
        attributes=json.loads(row["attributes"]),
    )


def _trial_row(row: sqlite3.Row) -> TrialRow:
    return TrialRow(
        key=row["key"],
        config_key=row["config_key"],
        spec=json.loads(row["spec"]),
        state=row["state"],
        origin=json.loads(row["origin"]),
        metrics=json.loads(row["metrics"]),
        reason=row["reason"],
        collapsed=row["collapsed"],
        attempts=row["attempts"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        provenance=json.loads(row["provenance"]),
    )
