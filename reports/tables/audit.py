"""What habits of reporting would have claimed: the same trainings, told as much of the literature tells them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from reports.board.board import Board, Line, build, named
from reports.board.score import setting_of
from reports.errors import ReportError
from reports.results.sweep import Cell as Pair
from reports.results.sweep import setting_shown
from reports.stores import METHOD_PREFIX
from reports.tables.table import NONE, Cell, Missing, Number, Records, Table, Text, Value
from reports.tables.wording import listed, numbers, pair_text, signed, words
from trainers.texts.counting import counted

if TYPE_CHECKING:
    import pandas as pd

    from reports.results.results import Results

CONTRACT = {
    "cell": "data set and pair",
    "dataset": "name of the data set",
    "teacher": "name of the teacher",
    "student": "name of the student",
    "habit": "best epoch, best seed, defaults or copied",
    "lead": "of the proposal over the best other row in the main table, in points",
    "claimed": "the same under the habit",
    "adds": "claimed less lead",
    "order_changes": "yes where two rows change places, as means are printed; else no",
    "first_row": "the highest row under the habit",
    "missing": "trainings that there would have to be, or why the habit does not apply",
}
"""Of audit.csv; numbers are empty where trainings are missing or the habit does not apply."""
HABITS = {
    "best epoch": "best epoch by test",
    "best seed": "best seed",
    "defaults": "baselines at defaults",
    "copied": "tuned on one pair",
}
SIGNIFICANT = 4
CAPTION = (
    "What habits of reporting would have added to the lead of {proposal} over the best other row, from the same "
    "trainings and test images, in points. Lead: as in the main table, of means over seeds{pairs}. "
    "Claimed: with the number of each row as the habit takes it: its highest epoch by test, its highest seed, the "
    "default setting of each tuned row but the proposal, or for each tuned row the setting found in the data set's "
    "first pair. Rows of the proposal's own entry are not among the others."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One habit in one cell."""

    habit: str
    cell: Pair
    lead: float
    """Of the proposal in the main table, in points."""
    claimed: float | None = None
    """Under the habit; None where it cannot be said."""
    changes: bool = False
    """Two rows change places."""
    first: str = ""
    """The highest row under the habit, as it is shown."""
    missing: tuple[str, ...] = ()
    """Trainings that there would have to be, in words."""
    why: str = ""
    """Why the habit does not apply; empty where it does."""

    @property
    def adds(self) -> float | None:
        """What the habit adds to the lead, in points."""
        return None if self.claimed is None else self.claimed - self.lead


@dataclass(frozen=True, slots=True)
class Audit:
    """All habits in all cells in which the proposal and another row have numbers."""

    board: Board
    proposal: str
    found: tuple[Audited, ...]

    stem = "audit"
    """Of its files."""
    beside = "what habits would have claimed"
    summary = ""

    @property
    def title(self) -> str:
        return f"What habits would have claimed of {self.proposal}"

    def tables(self) -> list[Table]:
        """Return the table: a line for each habit, over all pairs."""
        rows, notes = [], []
        for habit, shown in HABITS.items():
            own = [one for one in self.found if one.habit == habit]
            rows.append((Text(text=shown), *_summed(own, self.board)))
            lacking = list(dict.fromkeys(text for one in own for text in one.missing))
            notes += [f"Trainings missing for {shown}: {'; '.join(lacking)}."] if lacking else []
        pairs = f", over {counted(len(self.board.cells), 'pair')}" if len(self.board.cells) > 1 else ""
        heads = [words("habit"), *numbers("pairs", "lead", "claimed", "adds"), words("order changes"), words("highest")]
        more = {
            "caption": CAPTION.format(proposal=self.proposal, pairs=pairs),
            "notes": tuple(notes),
            "records": Records(fields=tuple(CONTRACT), lines=tuple(map(_record, self.found))),
        }
        table = listed(self.board, "audit", f"lead of {self.proposal} over the best other row", heads, rows, **more)
        return [] if table is None else [table]


def _summed(found: Sequence[Audited], board: Board) -> Iterator[Cell]:
    """Yield the cells of a habit's line: means over the pairs in which it can be said."""
    digits, told = board.options.digits, [one for one in found if one.claimed is not None]
    yield Number(value=len(told), digits=0)
    if not told:
        lacking = any(one.missing for one in found)
        whys = ["trainings missing"] if lacking else list(dict.fromkeys(one.why for one in found))
        yield from (Missing(why="; ".join(whys)), NONE, NONE, NONE, NONE)
        return
    leads, claims = [one.lead for one in told], [one.claimed for one in told if one.claimed is not None]
    yield signed(fmean(leads), digits)
    yield signed(fmean(claims), digits)
    yield signed(fmean(claims) - fmean(leads), digits)
    changed = [one for one in told if one.changes]
    where = f"in {len(changed)} of {len(told)} pairs" if len(board.cells) > 1 else "yes"
    yield Text(text=where if changed else "no")
    (first, times), *_ = Counter(one.first for one in told).most_common()
    yield Text(text=first if times == len(told) else f"{first} in {times} of {len(told)} pairs")


def _record(one: Audited) -> tuple[Value, ...]:
    known = one.claimed is not None
    changes = ("yes" if one.changes else "no") if known else None
    missing = one.why or "; ".join(one.missing)
    return (*one.cell.names, one.habit, one.lead, one.claimed, one.adds, changes, one.first or None, missing)


def audit(results: "Results") -> Audit:
    """Return what habits would have claimed of the proposal.

    Raises:
        ReportError: the sweep names no proposal, or it has no number to be compared yet.
    """
    board = build(results)
    proposal = named(board.lines[1:], board.options.proposal)
    if proposal is None:
        raise ReportError("--audit needs report.proposal: the row whose lead over the others is audited")
    place = board.lines.index(proposal)
    found = [one for column in range(len(board.cells)) for one in _Column(results, board, place, column).audited()]
    if not found:
        raise ReportError(f"--audit: {proposal.shown} and another row have no numbers in one pair yet")
    return Audit(board, proposal.shown, tuple(found))


@dataclass(slots=True)
class _Told:
    """The number of every row under a habit, and what lacks."""

    means: dict[int, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    why: str = ""


class _Column:
    """One cell: the rows that have numbers, by their places."""

    def __init__(self, results: "Results", board: Board, proposal: int, column: int) -> None:
        self._trials, self._board, self._proposal, self._at = results.trials, board, proposal, column
        self._cell, entry = board.cells[column], board.lines[proposal].row.entry
        own = self._trained(proposal)
        self._rows = {
            place: line
            for place, line in enumerate(board.lines)
            if line.scores[column].by_seed
            and (place == proposal or line.kind != "teacher")
            and (place == proposal or (line.row.entry != entry and self._trained(place) != own))
        }
        self._plain = {place: fmean(line.scores[column].by_seed.values()) for place, line in self._rows.items()}

    def _trained(self, place: int) -> int:
        """Return the place of the first row that has the trainings of this one: itself where none before it has."""
        first = self._board.lines[place].scores[self._at].same_as
        return place if first is None else first

    def audited(self) -> Iterator[Audited]:
        """Yield every habit; none where the proposal or all others have no number."""
        if self._proposal not in self._rows or len(self._rows) == 1:
            return
        ways: dict[str, Callable[[], _Told]] = {
            "best epoch": self._best_epoch,
            "best seed": self._best_seed,
            "defaults": self._defaults,
            "copied": self._copied,
        }
        lead = self._lead(self._plain)
        for habit, way in ways.items():
            told = way()
            if told.missing or told.why:
                missing = tuple(told.missing)
                yield Audited(habit=habit, cell=self._cell, lead=lead, missing=missing, why=told.why)
                continue
            first = max(told.means, key=lambda place: told.means[place])
            yield Audited(
                habit=habit,
                cell=self._cell,
                lead=lead,
                claimed=self._lead(told.means),
                changes=self._reordered(told.means),
                first=self._rows[first].shown,
            )

    def _lead(self, means: Mapping[int, float]) -> float:
        return means[self._proposal] - max(mean for place, mean in means.items() if place != self._proposal)

    def _reordered(self, means: Mapping[int, float]) -> bool:
        """Return whether two rows change places, as means are printed."""
        digits = self._board.options.digits
        before, after = ({p: round(of[p], digits) for p in self._rows} for of in (self._plain, means))
        return any(before[a] > before[b] and after[a] < after[b] for a in self._rows for b in self._rows)

    def _inside(self, line: Line) -> "pd.DataFrame":
        """Return the trials that are in the number of a row."""
        score = line.scores[self._at]
        return self._trials.iloc[list(score.trials[: len(score.by_seed)])]

    def _best_epoch(self) -> _Told:
        told, metric = _Told(), self._board.measure(self._cell).best
        for place, line in self._rows.items():
            scores = self._inside(line)[metric]
            if scores.isna().any():
                told.missing.append(f"{line.shown}: curves of {counted(int(scores.isna().sum()), 'training')}")
            else:
                told.means[place] = float(scores.mean())
        return told

    def _best_seed(self) -> _Told:
        return _Told({place: max(line.scores[self._at].by_seed.values()) for place, line in self._rows.items()})

    def _defaults(self) -> _Told:
        """The rows that are searched, but for the proposal, at what a row of the same method has that says no more."""
        searched = {p: line for p, line in self._rows.items() if line.searched and p != self._proposal}
        if not self._rows[self._proposal].searched:
            return _Told(why="the proposal is not tuned")
        if not searched:
            return _Told(why="no other row is tuned: the main table has this habit; a fair lead needs their searches")
        told = _Told(dict(self._plain))
        for place, line in searched.items():
            plain = next((p for p, one in self._rows.items() if _is_plain(one, line)), None)
            if plain is None:
                seeds = counted(len(line.scores[self._at].by_seed), "seed")
                told.missing.append(f"{line.row.method} at its defaults for {line.shown}, {self._where()}, {seeds}")
            else:
                told.means[place] = self._plain[plain]
        return told

    def _copied(self) -> _Told:
        """Every searched row with the setting that was found in the first pair of the data set."""
        same = [column for column, cell in enumerate(self._board.cells) if cell.dataset == self._cell.dataset]
        searched = {place: line for place, line in self._rows.items() if line.searched}
        if len(same) == 1:
            return _Told(why="one pair")
        if not searched:
            return _Told(why="no row is tuned")
        if same[0] == self._at:
            return _Told(why="settings are copied from this pair")
        told = _Told(dict(self._plain))
        for place, line in searched.items():
            source = line.scores[same[0]]
            names = tuple(str(dimension["name"]) for dimension in line.row.dimensions)
            if not source.by_seed:
                told.missing.append(f"{line.shown} tuned in {pair_text(self._board.cells[same[0]], self._board)}")
                continue
            chosen = setting_of(self._trials.iloc[source.trials[0]], names)
            scores, own = self._with(self._inside(line).iloc[0], chosen), line.scores[self._at].by_seed
            if lacking := len(own.keys() - scores.keys()):
                setting = setting_shown(chosen, SIGNIFICANT)
                told.missing.append(f"{line.shown} with {setting}, {self._where()}, {counted(lacking, 'seed')}")
            else:
                told.means[place] = fmean(scores[seed] for seed in own)
        return told

    def _with(self, own: "pd.Series[Any]", setting: Mapping[str, Value]) -> dict[int, float]:
        """Return by seed what is known of a row's training in this cell with another setting."""
        import pandas as pd

        trials, metric = self._trials, self._board.measure(self._cell).final
        counts = trials["cell"].eq(self._cell.id) & trials["phase"].isin(("fixed", "confirm"))
        counts &= trials["state"].eq("COMPLETE") & trials["status"].eq("FINISHED") & trials["method"].eq(own["method"])
        wanted: dict[str, Any] = {name: own[name] for name in trials.columns if name.startswith(METHOD_PREFIX)}
        wanted |= {METHOD_PREFIX + name: value for name, value in setting.items()}
        found = trials[counts & trials[metric].notna()]
        for name, value in wanted.items():
            same = found[name].isna() if pd.isna(value) else found[name].eq(value).fillna(value=False)
            found = found[same.astype(bool)]
        return {int(seed): float(score) for seed, score in zip(found["seed"], found[metric], strict=True)}

    def _where(self) -> str:
        return pair_text(self._cell, self._board)


def _is_plain(one: Line, searched: Line) -> bool:
    """Return whether a row has the method of a searched one and says no more than what that fixes: the rest stands at
    its defaults."""
    same = one.row.method == searched.row.method and dict(one.row.hyperparameters) == dict(searched.row.hyperparameters)
    return same and not one.searched and one is not searched
