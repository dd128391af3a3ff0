"""Trials, their attempts, what their epochs gave, and how long the run that trains them has been at work."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from orchestrator.ledger.outbox import Outbox
from orchestrator.ledger.records import AttemptRow, TrialRow
from trainers.texts.letters import fitting

EPOCH_GROUP = 100
EPOCH_SECONDS = 2.0
"""No epoch waits longer for its commit, and no two commits for epochs alone follow each other faster."""
ELAPSED_SECONDS = 30.0
"""How often a run writes how long it has been at work, where nothing else is written."""
DRIVER = "driver"
"""What is remembered of the run that is under way, or was the last."""


class Trials(Outbox):
    """Trials and their attempts; options as `Database` has them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._run_began: float | None = None
        self._began: dict[tuple[str, int], float] = {}
        """Attempts that were started here, and when."""
        self._epochs: list[tuple[str, int, int, float, str]] = []
        self._with_worker: list[tuple[int, str, int]] = []
        super().__init__(*arguments, **options)

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

    def set_worker(self, key: str, number: int, worker: int = 1) -> None:
        """Record, with the next commit, that an attempt has a worker; its seconds count from here.

        Args:
            worker: its number, 1 or greater: attempts under way that it trains in step have the same.
        """
        self._began[key, number] = self._timer()
        self._with_worker.append((worker, key, number))
        self.flush()

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

    def _write_gathered(self) -> None:
        if self._epochs:
            self._db.executemany("INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, ?, ?)", self._epochs)
            for key in {row[0] for row in self._epochs}:
                self.to_tell("mlflow", f"trial:{key}")
        if self._with_worker:
            self._db.executemany("UPDATE attempt SET has_worker = ? WHERE key = ? AND number = ?", self._with_worker)
        if self._run_began is not None:
            self.remember(DRIVER, "elapsed", repr(self._timer() - self._run_began))

    def _forget_gathered(self) -> None:
        self._epochs, self._with_worker = [], []

    def epochs(self, key: str) -> list[tuple[int, float, dict[str, float]]]:
        """Return (number, wall clock, values) of the trial's recorded epochs, in order."""
        rows = self._db.execute("SELECT number, at, metrics FROM epoch WHERE key = ? ORDER BY number", (key,))
        return [(row["number"], row["at"], json.loads(row["metrics"])) for row in rows]

    def begin_run(self) -> None:
        """Note that a driver begins: from here on commits tell others how long it has been at work."""
        self._run_began = self._timer()
        with self.transaction():
            (before,) = self._db.execute("SELECT ifnull(max(rowid), 0) FROM attempt").fetchone()
            self.remember(DRIVER, "attempts", str(before))

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
