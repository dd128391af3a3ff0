"""The main table: rows against pairs, with what sums them up; and the differences from a baseline."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.board.averages import Average, averages
from reports.board.board import Board
from reports.board.board import build as build_board
from reports.board.verdicts import Verdict
from reports.results.measures import TOP5
from reports.results.sweep import setting_shown
from reports.statistics.families import FEWEST_SEEDS, UNEQUAL
from reports.tables import origins, settled
from reports.tables.difference import proposal_gains, proposal_place
from reports.tables.main_records import records
from reports.tables.table import DIFFERS, EMPTY, LOWER, NONE, Cell, Column, Legend, Number, Row, Table, Text
from reports.tables.wording import (
    closed,
    columns_by_dataset,
    line_name,
    main_label,
    name_column,
    pair_columns,
    pair_text,
    place_text,
    score_cell,
)
from trainers.texts.counting import counted

if TYPE_CHECKING:
    from reports.results.results import Results

COLLAPSED = "Collapsed trainings ended without an error and with nothing learnt; they are in the means."


def build(results: "Results", board: Board, name: str = "head_to_head") -> Table:
    """Return rows against pairs, with whatever has ended so far."""
    sums = list(_sums(board))
    rows, proposed = [], proposal_place(board)
    for place, line in enumerate(board.lines):
        scores = (_score(board, place, column) for column in range(len(board.cells)))
        is_method = line.kind == "method"
        rows.append(
            Row(
                cells=(Text(text=line_name(board, place)), *scores, *(cells[place] for _, cells in sums)),
                heading=line.group if is_method else "",
                rule=is_method and bool(place) and board.lines[place - 1].kind != "method",
                under={"teacher": 0, "alone": 1}.get(line.kind),
                shaded=place == proposed,
            )
        )
        if place == proposed:
            gains = ((*cells, *[EMPTY] * len(sums)) for cells in proposal_gains(board, place))
            heading = line.group if is_method else ""
            rows += [Row(cells=cells, heading=heading, shaded=True, below=True) for cells in gains]
    sizes = Counter(
        len(score.by_seed) for line in board.lines if line.kind != "teacher" for score in line.scores if score.by_seed
    )
    most = min(sizes, key=lambda n: (-sizes[n], n), default=1)
    usual = most if most > 1 and board.settling is None else None
    lacking = list(_gaps(board))
    return Table(
        name=name,
        title=" or ".join(measure.long for measure in board.measures),
        label=main_label(board) if name == "head_to_head" else f"{main_label(board)}-{name}",
        columns=(name_column(board), *pair_columns(board), *(column for column, _ in sums)),
        rows=tuple(rows),
        caption=" ".join([*_caption(board), _spread(sizes, usual)]),
        legend=tuple(_legend(board)),
        notes=(
            *_explained(board, sums),
            *([f"Not in the means: {'; '.join(lacking)}."] if lacking else []),
            *origins.notes(results, board),
        ),
        usual_n=usual,
        records=records(board),
    )


def board_of_top5(results: "Results", board: Board) -> Board:
    """Return the board of top-5 accuracies; its caption is not the main table's."""
    found = build_board(results, TOP5, board.behind)
    return replace(found, options=found.options.model_copy(update={"caption": ""}))


def top5(results: "Results", board: Board) -> Table | None:
    """Return rows against pairs by their top-5 accuracy; None where there is none."""
    known = any(score.by_seed for line in board.lines for score in line.scores)
    return build(results, board, "top5") if known else None


# --- cells ------------------------------------------------------------------------------------------------------------


def _score(board: Board, place: int, column: int) -> Cell:
    score = board.lines[place].scores[column]
    return score_cell(
        score,
        board.options.digits,
        setting_shown(score.setting, 4),
        mark="best" if score.best else "second" if score.second else "",
        claims=(*([LOWER] if score.lower else []), *([DIFFERS] if score.differs else [])),
        after=_same(board, place, column),
        remarks=tuple(_remarks(board, place, column)),
    )


def _same(board: Board, place: int, column: int) -> str:
    """Return which row's trainings a number is made of, where its own row only repeats a configuration."""
    same = board.lines[place].scores[column].same_as
    return "" if same is None else f" (= {board.lines[same].shown})"


def _remarks(board: Board, place: int, column: int) -> Iterator[str]:
    """Yield what is said of a number beside its runs: how it stands to the best and to the reference."""
    leader, score = board.leaders[column], board.lines[place].scores[column]
    if score.best:
        yield "The highest mean of its column, as printed."
    if score.standing is not None:
        yield settled.remark(score.standing, board)
    if leader is not None and board.settling is None:
        yield from _compared(board, score.to_best, f"the best, {board.lines[leader].shown}")
    yield from _compared(board, score.to_reference, board.reference)


def _compared(board: Board, verdict: Verdict | None, other: str) -> Iterator[str]:
    if verdict is None:
        return
    test, level = verdict.test, board.options.level
    text = f"{verdict.difference.mean:+.{board.options.digits + 1}f} points against {other}"
    if test is None:
        yield f"{text}; not tested."
        return
    significant = "significant" if test.significant(level) else "not told apart"
    yield f"{text}: {significant} at {level:g} ({test.test} among {test.family} rows, p = {test.corrected_p:.3g})."


# --- columns that sum up ----------------------------------------------------------------------------------------------


def _sums(board: Board) -> Iterator[tuple[Column, list[Cell]]]:
    """Yield the trainings that searches spent, and of every data set the mean gain and the mean rank."""
    if any(line.spent for line in board.lines):
        yield Column(head="search trials", sums=True), [_spent(line.spent) for line in board.lines]
    scopes = {name: of for name, of in columns_by_dataset(board).items() if len(of) > 1 or len(board.cells) == 1}
    for dataset, of in scopes.items():
        single = len(of) == 1
        told = [board.cells[of[0]].shown_dataset] * (len(scopes) > 1) + [f"{len(of)} pairs"] * (not single)
        where = f" ({', '.join(told)})" if told else ""
        found = averages(board, of)
        if board.reference and (board.baseline or not single):
            head = f"{'' if single else 'mean '}Δ {board.reference}{where}"
            apart = [line.kind == "teacher" or i == board.reference_place for i, line in enumerate(board.lines)]
            gains = (_gain(average, len(of), board.options.digits) for average in found)
            cells = [EMPTY if out else gain for out, gain in zip(apart, gains, strict=True)]
            yield Column(head=head, scope=dataset, sums=True), cells
        if not single and any(average.rank is not None for average in found):
            ranks = (NONE if average.rank is None else Number(value=average.rank, digits=1) for average in found)
            cells = [rank if line.kind == "method" else EMPTY for line, rank in zip(board.lines, ranks, strict=True)]
            yield Column(head=f"mean rank{where}", scope=dataset, sums=True), cells


def _spent(counts: Sequence[int]) -> Cell:
    if not counts:
        return EMPTY
    low, high = min(counts), max(counts)
    return Number(value=low, digits=0, after="" if low == high else f"–{high:,}")


def _gain(average: Average, pairs: int, digits: int) -> Cell:
    if average.gain is None:
        return NONE
    count = "" if len(average.gains) == pairs else f" ({len(average.gains)} of {pairs})"
    return Number(value=average.gain, digits=digits, signed=True, after=count)


# --- sentences --------------------------------------------------------------------------------------------------------


def _caption(board: Board) -> Iterator[str]:
    """Yield what the numbers are and how they came about."""
    yield from closed(board.options.caption)
    for measure in board.measures:
        named = {cell.dataset: cell.shown_dataset for cell in board.cells if board.measure(cell) == measure}
        datasets = ", ".join(filter(None, named.values()))
        of = f" of {datasets}" if datasets else ""
        kind = f", teacher and student of {board.part}" if board.part else ""
        yield f"{measure.long} in percent on the test images{of} after the last epoch{kind}."


def _spread(sizes: Counter[int], usual: int | None) -> str:
    if not sizes:
        return "No trial that counts has ended yet."
    if set(sizes) == {1}:
        return "One seed (n = 1), so no spread is known."
    told = "" if len(sizes) == 1 else f"; n differs ({min(sizes)} to {max(sizes)})"
    seeds = "seeds, number of seeds n" if usual is None else f"n = {counted(usual, 'seed')}, or as many as stand"
    return f"Mean ± sample standard deviation over {seeds} in brackets{told}."


def _legend(board: Board) -> Iterator[tuple[Legend, str]]:
    scores = [score for line in board.lines for score in line.scores]
    if any(score.best for score in scores):
        yield "best", "highest mean of a column, all that print alike; teacher and student alone do not compete."
    if any(score.second for score in scores):
        yield "second", "the one below."
    lower, differs = _tests(board.to_best), _tests(board.to_reference)
    if lower:
        yield LOWER, f"lower than the best ({lower})."
    if differs:
        yield DIFFERS, f"differs from {board.reference} ({differs})."


def _tests(verdicts: Sequence[Sequence[Verdict | None]]) -> str:
    """Return the names of the tests that were made; empty for none."""
    tests = (verdict.test.test for line in verdicts for verdict in line if verdict is not None and verdict.test)
    return ", ".join(dict.fromkeys(tests))


def _levels(board: Board) -> Iterator[str]:
    """Yield what marks rest on."""
    found = [judged for judged in board.families if judged is not None]
    if not found:
        return
    shared = {len(board.lines[f.rows[0]].scores[i].by_seed) for i, f in enumerate(board.families) if f and f.shared}
    seeds = ", seeds not shared by all rows" if not all(judged.shared for judged in found) else ""
    if not seeds and len(shared) == 1:
        seeds = f", n = {shared.pop()} shared seeds"
    yield f"Level {board.options.level:g} a column{seeds}. No mark: not told apart, which is not equal."
    outside = [line.shown for place, line in enumerate(board.lines) if _stands_outside(board, place)]
    if outside:
        yield f"Not judged, for fewer than {FEWEST_SEEDS} seeds or a collapsed training: {', '.join(outside)}."
    unequal = [pair_text(c, board) for c, f in zip(board.cells, board.families, strict=True) if f and f.unequal]
    if unequal and not board.options.separate:
        where = f" in {'; '.join(unequal)}" if len(board.cells) > 1 else ""
        yield f"Variances differ{where} (Bartlett, p < {UNEQUAL:g}): marks there err more often than the level says."


def _stands_outside(board: Board, place: int) -> bool:
    """Return whether a row has a score in a column with a family that it is not in."""
    line = board.lines[place]
    return line.kind != "teacher" and any(
        judged is not None and score.by_seed and score.same_as is None and place not in judged.rows
        for judged, score in zip(board.families, line.scores, strict=True)
    )


def _explained(board: Board, sums: Sequence[tuple[Column, list[Cell]]]) -> Iterator[str]:
    """Yield what a reader needs besides, a note each."""
    levels = " ".join(_levels(board) if board.settling is None else settled.explained(board))
    yield from [levels] if levels else []
    if any(score.collapsed for line in board.lines for score in line.scores):
        yield COLLAPSED
    explained = " ".join(_sums_explained([column.head for column, _ in sums], board))
    yield from [explained] if explained else []
    for line in board.lines:
        if line.row.inference:
            yield f"At inference a student of {line.shown} costs more than a plain one: {line.row.inference}."
    yield from board.notes


def _sums_explained(heads: Sequence[str], board: Board) -> Iterator[str]:
    """Yield what columns that sum up hold."""
    told = {
        "mean Δ": f"Mean Δ: mean over the pairs of the difference from {board.reference}, in points.",
        "Δ": f"Δ: difference from {board.reference} in points.",
        "mean rank": "Mean rank: over the pairs, among rows with a number for each; 1 is best.",
        "search trials": "Search trials: trainings that the choice of a setting has cost.",
    }
    yield from (text for start, text in told.items() if any(head.startswith(start) for head in heads))


def _gaps(board: Board) -> Iterator[str]:
    """Yield what is missing from means that are printed, such as `kd, a -> b: diverged 1 of 3`."""
    for place, line in enumerate(board.lines):
        for cell, score in zip(board.cells, line.scores, strict=True):
            if score.missing and score.by_seed:
                yield f"{place_text(board, place, cell)}: {score.missing}"
