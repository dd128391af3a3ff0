"""Sweeps as they were accepted, and which trials serve which of their rows."""

import json
from collections.abc import Iterable
from typing import Any

from orchestrator.ledger.outbox import Outbox
from orchestrator.ledger.records import MemberRow, SweepRow


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

    def interrupt_sweeps(self) -> None:
        """Mark sweeps that a driver which is gone left RUNNING as INTERRUPTED."""
        for row in self._db.execute("SELECT name FROM sweep WHERE state = 'RUNNING'").fetchall():
            self.end_sweep(row["name"], "INTERRUPTED")
