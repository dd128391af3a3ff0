"""Studies, their proposals, and why one proposes no more."""

import json
import sqlite3
from typing import Any

from orchestrator.ledger.database import LedgerError
from orchestrator.ledger.outbox import Outbox
from orchestrator.ledger.records import ProposalRow


class Searches(Outbox):
    """What searches have asked for, and what came of it."""

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
