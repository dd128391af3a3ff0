"""What the engines are still to be told, and what they call the things that they have been told."""

from orchestrator.ledger.database import Database


class Outbox(Database):
    """Things that have changed since a target was told of them."""

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
