"""Sweeps as they were accepted, and which trials serve which of their rows."""

import json
from collections.abc import Iterable
from typing import Any

from orchestrator.ledger.outbox import Outbox
from orchestrator.ledger.records import MemberRow, SweepRow

CURRENT_TOLD = "mlflow-current"
"""What is remembered of each trial under this: whether MLflow was told that its sweep asks for it still."""
STALE = """
SELECT t.key FROM trial t JOIN told r ON r.target = 'mlflow' AND r.ref = 'trial:' || t.key
JOIN told p ON p.target = 'mlflow' AND p.ref = 'sweep:' || :sweep
LEFT JOIN told c ON c.target = 'mlflow-current' AND c.ref = t.key
WHERE json_extract(t.origin, '$.sweep') = :sweep
AND (:searches OR json_extract(t.origin, '$.phase') NOT IN ('search', 'confirm'))
AND substr(r.value, instr(r.value, ' ')) = substr(p.value, instr(p.value, ' '))
AND ifnull(c.value, '') !=
    iif(EXISTS (SELECT 1 FROM member m WHERE m.sweep = :sweep AND m.key = t.key), 'true', 'false')
"""
"""Remembered of a run is the experiment behind its id: one in another experiment was taken over from another home, and
is not ours to mark."""


class Sweeps(Outbox):
    """Accepted sweeps and their members."""

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
            self.tell_current(name)

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

    def current(self, sweep: str, key: str) -> bool | None:
        """Return whether a sweep, as last accepted, asks for a trial; None where there is no sweep of that name."""
        row = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM member m WHERE m.sweep = s.name AND m.key = ?) FROM sweep s WHERE s.name = ?",
            (key, sweep),
        ).fetchone()
        return None if row is None else bool(row[0])

    def tell_current(self, sweep: str, *, before_searches: bool = False) -> None:
        """Have those trials of the sweep's experiment told again that it asks for and did not before, or no more.

        Args:
            before_searches: leave out those of searches, which are asked for again one by one.
        """
        with self.transaction():
            for (key,) in self._db.execute(STALE, {"sweep": sweep, "searches": not before_searches}).fetchall():
                self.to_tell("mlflow", f"trial:{key}")

    def interrupt_sweeps(self) -> None:
        """Mark sweeps that a driver which is gone left RUNNING as INTERRUPTED."""
        for row in self._db.execute("SELECT name FROM sweep WHERE state = 'RUNNING'").fetchall():
            self.end_sweep(row["name"], "INTERRUPTED")
