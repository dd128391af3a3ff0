"""How far a sweep is, worked out from its ledger alone: for the live display, and for `status` from another process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import ENDED, FINAL_TEST_SCORES, FINAL_VALIDATION_SCORES
from orchestrator.planning.search.search_ends import SearchStanding, place, search_standing
from orchestrator.sweep_run.ends.collapses import collapse_warnings
from search_spaces import Sweep, proposal_text

PROBLEMS = 3
"""So many of the last problems are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Trials by how they stand; what is none of these waits."""

    total: int = 0
    """Known ones and those that a search will still make, at most."""
    done: int = 0
    """COMPLETE and PRUNED, and DIVERGED in a search: results."""
    running: int = 0
    """Those that have a worker."""
    failed: int = 0
    """FAIL, DIVERGED where the trial was to be reported, and what a search with nothing to confirm never makes."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            total=self.total + other.total,
            done=self.done + other.done,
            running=self.running + other.running,
            failed=self.failed + other.failed,
        )

    @property
    def open(self) -> int:
        """Trials that have not ended."""
        return self.total - self.done - self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProgress:
    """A row in one cell, or a teacher."""

    cell: str
    row: str
    counts: Counts
    best: float | None = None
    """Best accuracy of any of its trials, in percent."""
    on_test: bool = True
    """Whether `best` was measured on test images; else on validation images in a search."""
    failure: str = ""
    """Why a searched row will have no number, in words; empty where it has one, or may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """A sweep as it stands."""

    name: str
    state: str
    counts: Counts
    """Every trial counted once, though several rows may share it."""
    planned: int
    """Trials that there would be if no setting came up again, and all searches went on to their end."""
    rows: tuple[RowProgress, ...]
    proposals: int = 0
    """That searches have made."""
    repeated: int = 0
    """Those of them that are the same trial as an earlier one, which is why there are fewer trials than planned."""
    work_seconds: float | None
    """Training seconds that are left, one trial after the other; None before anything alike has been measured."""
    problems: tuple[str, ...] = ()
    """The last ones, oldest first."""
    warnings: tuple[str, ...] = ()
    """What is to be said of results that are there but worth little: trainings that collapsed."""
    untold: Mapping[str, int] = field(default_factory=dict)
    """Things still to be told, by target."""

    def to_json(self) -> dict[str, Any]:
        """Return the progress as plain JSON values."""
        return {
            "name": self.name,
            "state": self.state,
            "trials": _counts_json(self.counts),
            "planned": self.planned,
            "proposals": {"made": self.proposals, "repeated": self.repeated},
            "rows": [
                {
                    "cell": row.cell,
                    "row": row.row,
                    **_counts_json(row.counts),
                    "best_top1": row.best,
                    "best_on": "test" if row.on_test else "validation",
                    "failure": row.failure,
                }
                for row in self.rows
            ],
            "work_seconds_left": self.work_seconds,
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "untold": dict(self.untold),
        }


def _counts_json(counts: Counts) -> dict[str, int]:
    return {"total": counts.total, "done": counts.done, "running": counts.running, "failed": counts.failed}


def sweep_progress(sweep: Sweep, ledger: Ledger) -> SweepProgress:
    """Return how far the sweep is. A few queries, whatever the number of trials."""
    row = ledger.sweep(sweep.name)
    runs = row is None or row.state == "RUNNING"
    standings = [search_standing(sweep.name, search, ledger, tries_again=runs) for search in sweep.searches]
    more = sum((_more(standing) for standing in standings), Counts())
    known = _counts(
        ledger.rows(
            "SELECT state, reported, count(*) AS trials FROM "
            f"(SELECT {_STATE} AS state, max(m.phase != 'search') AS reported FROM member m JOIN trial t USING (key) "
            "WHERE m.sweep = ? GROUP BY t.key) GROUP BY 1, 2",
            sweep.name,
        )
    )
    return SweepProgress(
        name=sweep.name,
        state=row.state if row is not None else "WAITING",
        counts=known + more,
        planned=_planned(sweep, ledger),
        proposals=sum(standing.made for standing in standings),
        repeated=sum(standing.repeated for standing in standings),
        rows=tuple(_rows(sweep, ledger, standings)),
        work_seconds=_work_seconds(sweep, ledger, standings),
        problems=tuple([*last_problems(sweep.name, ledger), *_failures(sweep, standings)][-PROBLEMS:]),
        warnings=collapse_warnings(sweep.name, ledger),
        untold=untold(ledger),
    )


def busy_workers(ledger: Ledger) -> int:
    """Return how many workers train something: trials that one trains in step count once."""
    ((count,),) = ledger.rows(
        "SELECT count(DISTINCT a.has_worker) FROM trial t JOIN attempt a ON a.key = t.key AND a.number = t.attempts "
        "WHERE t.state = 'RUNNING' AND a.has_worker > 0"
    )
    return int(count)


def _planned(sweep: Sweep, ledger: Ledger) -> int:
    ((known,),) = ledger.rows(
        "SELECT count(DISTINCT key) FROM member WHERE sweep = ? AND phase != 'search' AND "
        "(phase != 'confirm' OR (rank = 1 AND seed > ?))",  # those that were added
        sweep.name,
        max(sweep.seeds),
    )
    searching = (search.trials + sum(search.race_sizes) for search in sweep.searches)
    return int(known) + sum(searching) + sum(search.confirm * len(search.reported_seeds) for search in sweep.searches)


def untold(ledger: Ledger) -> dict[str, int]:
    """Return how many things are still to be told, by target."""
    return {
        row["target"]: row["count"] for row in ledger.rows("SELECT target, count(*) AS count FROM outbox GROUP BY 1")
    }


# --- counting -------------------------------------------------------------------------------------------------------


_STATE = """CASE WHEN t.state = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM attempt a
WHERE a.key = t.key AND a.number = t.attempts AND a.has_worker) THEN 'WAITING' ELSE t.state END"""
"""SQL of a trial's state; one that was handed out and has no worker yet waits like others."""


def _more(standing: SearchStanding) -> Counts:
    """Return the trials of a search that the ledger does not know: those to come, and those that will never be."""
    total = standing.proposals + standing.racing + standing.confirming + standing.lost
    return Counts(total=total, failed=standing.lost)


def _counts(rows: Iterable[Any]) -> Counts:
    """Return the counts of rows with `state`, `reported` (whether outside a search) and `trials`."""
    total = done = running = failed = 0
    for row in rows:
        total += row["trials"]
        running += row["trials"] * (row["state"] == "RUNNING")
        lost = row["state"] == "FAIL" or (row["state"] == "DIVERGED" and row["reported"])
        failed += row["trials"] * lost
        done += row["trials"] * (row["state"] in ENDED and not lost)
    return Counts(total=total, done=done, running=running, failed=failed)


def _first_of(names: Sequence[str]) -> str:
    """Return SQL for the first of these metrics that a trial has."""
    values = (f"json_extract(t.metrics, '$.{name}')" for name in names)
    return f"coalesce({', '.join(values)})"


def _rows(sweep: Sweep, ledger: Ledger, standings: Iterable[SearchStanding]) -> Iterable[RowProgress]:
    """Yield teachers first, then the rows of each cell, in the order of the sweep file."""
    searches = {(standing.search.cell, standing.search.row): standing for standing in standings}
    found: dict[tuple[str, str], list[Any]] = {}
    for line in ledger.rows(
        f"SELECT m.cell, m.row, m.phase, m.phase != 'search' AS reported, {_STATE} AS state, "
        "count(DISTINCT t.key) AS trials, "
        f"max({_first_of(FINAL_TEST_SCORES)}) AS test, max({_first_of(FINAL_VALIDATION_SCORES)}) AS validation "
        "FROM member m JOIN trial t USING (key) WHERE m.sweep = ? GROUP BY 1, 2, 3, 4, 5",
        sweep.name,
    ):
        found.setdefault((line["cell"], line["row"]), []).append(line)
    teachers = [place for place, lines in found.items() if lines[0]["phase"] == "teacher"]
    places = [*teachers, *((cell.id, row.label) for cell in sweep.cells for row in sweep.rows)]
    for cell, label in places:
        lines = found.get((cell, label), [])
        search = searches.get((cell, label))
        more = Counts() if search is None else _more(search)
        test = [line["test"] for line in lines if line["test"] is not None]
        validation = [line["validation"] for line in lines if line["validation"] is not None]
        yield RowProgress(
            cell=cell,
            row=label,
            counts=_counts(lines) + more,
            best=max(test or validation, default=None),
            on_test=bool(test) or not validation,
            failure="" if search is None else search.failure,
        )


# --- time -----------------------------------------------------------------------------------------------------------


class Kind(NamedTuple):
    """What decides how long an epoch takes."""

    dataset: str
    student: str
    method: str
    split: str


class Pace:
    """Seconds an epoch of trials that have ended, for those that have not: of the same kind, else of the most alike."""

    def __init__(self, measured: Mapping[Kind, float]) -> None:
        self._measured = dict(measured)

    def epoch_seconds(self, kind: Kind) -> float | None:
        """Return the seconds that an epoch of this kind takes; None where nothing alike has been measured."""
        for alike in (
            lambda other: other == kind,
            lambda other: other[:3] == kind[:3],
            lambda other: other[:2] == kind[:2],
            lambda other: other.dataset == kind.dataset,
            lambda other: True,
        ):
            found = [seconds for other, seconds in self._measured.items() if alike(other)]
            if found:
                return sum(found) / len(found)
        return None


_KIND = "json_extract(t.spec, '$.dataset'), json_extract(t.spec, '$.student'), json_extract(t.spec, '$.method'), \
json_extract(t.spec, '$.split')"
_EPOCHS = "json_extract(t.spec, '$.recipe.epochs')"


def _work_seconds(sweep: Sweep, ledger: Ledger, standings: Iterable[SearchStanding]) -> float | None:
    """Return the training seconds that are left in the sweep; None where they cannot be told yet."""
    pace = Pace(
        {
            Kind(*line[:4]): line["seconds"]
            for line in ledger.rows(
                f"SELECT {_KIND}, avg(json_extract(t.metrics, '$.train_seconds') / {_EPOCHS}) AS seconds FROM trial t "
                "WHERE t.state = 'COMPLETE' AND json_extract(t.metrics, '$.train_seconds') > 0 GROUP BY 1, 2, 3, 4"
            )
        }
    )
    left = [(Kind(*line[:4]), line["epochs"]) for line in _open_epochs(sweep.name, ledger)]
    for standing in standings:
        search, blueprint = standing.search, standing.search.blueprint
        student = blueprint.student
        for split, count, epochs in (
            ("search", standing.proposals + standing.racing, search.recipe.epochs),
            ("full", standing.confirming, blueprint.recipe.epochs),
        ):
            left.append((Kind(blueprint.info.name, student, blueprint.method.name, split), count * epochs))
    times = [(pace.epoch_seconds(kind), epochs) for kind, epochs in left if epochs]
    if any(seconds is None for seconds, _ in times):
        return None
    return float(sum((seconds or 0.0) * epochs for seconds, epochs in times))


def _open_epochs(sweep: str, ledger: Ledger) -> Sequence[Any]:
    """Return the epochs that trials which are known and have not ended still need, by kind. Students of a teacher that
    diverged need none: they will never start."""
    return ledger.rows(
        f"SELECT {_KIND}, sum({_EPOCHS} - ifnull((SELECT max(number) FROM epoch e WHERE e.key = t.key), 0)) AS epochs "
        "FROM trial t WHERE t.state IN ('WAITING', 'RUNNING', 'INTERRUPTED') "
        "AND t.key IN (SELECT key FROM member WHERE sweep = ?) AND NOT EXISTS (SELECT 1 FROM trial d "
        "WHERE d.key = json_extract(t.spec, '$.teacher.id') AND d.state = 'DIVERGED') GROUP BY 1, 2, 3, 4",
        sweep,
    )


WARM_SECONDS = 20.0
"""So much of a run must have passed before its own speed is believed."""


def left_seconds(work_seconds: float | None, ledger: Ledger, *, slots: int, elapsed_seconds: float) -> float | None:
    """Return the seconds until the work is done; None where they cannot be told.

    Args:
        slots: trials at a time.
        elapsed_seconds: since the driver started. What it has trained in them, over so many slots and with all that
            lies between two trials, is the speed that counts; before there is any, every slot trains all the time.
    """
    if work_seconds is None or slots < 1:
        return None
    speed = float(slots)
    if elapsed_seconds >= WARM_SECONDS:
        speed = min(speed, ledger.run_trained() / elapsed_seconds) or speed
    return work_seconds / speed


# --- problems -------------------------------------------------------------------------------------------------------


def last_problems(sweep: str, ledger: Ledger, most: int = PROBLEMS) -> list[str]:
    """Return the last failed, diverged and lost attempts of the sweep and the last notices, oldest first."""
    attempts = ledger.rows(
        "SELECT ended_at AS at, state || ': ' || m.row AS what, a.reason AS text, m.seed, m.proposal, m.phase "
        "FROM attempt a JOIN member m USING (key) WHERE m.sweep = ? AND a.state IN ('FAIL', 'DIVERGED', 'LOST') "
        "AND (a.state != 'DIVERGED' OR m.phase != 'search') GROUP BY a.key, a.number ORDER BY at DESC LIMIT ?",
        sweep,
        most,
    )
    notices = ledger.rows(
        "SELECT n.at, 'note: ' || m.row AS what, n.text, m.seed, m.proposal, m.phase FROM notice n "
        "JOIN member m USING (key) WHERE m.sweep = ? GROUP BY n.sequence ORDER BY n.sequence DESC LIMIT ?",
        sweep,
        most,
    )
    newest = sorted([*attempts, *notices], key=lambda row: row["at"] or 0.0)[-most:]
    return [_problem(row) for row in newest]


def _failures(sweep: Sweep, standings: Iterable[SearchStanding]) -> list[str]:
    """Return what is wrong with searches, in words."""
    return [f"{place(standing.search, sweep.cells)}: {standing.failure}" for standing in standings if standing.failure]


def _problem(row: Any) -> str:
    which = proposal_text(row["proposal"], row["seed"]) if row["phase"] == "search" else f"seed {row['seed']}"
    lines = [line.strip() for line in row["text"].strip().splitlines() if line.strip()]
    return f"{row['what']}, {which}: {lines[-1]}" if lines else f"{row['what']}, {which}"
