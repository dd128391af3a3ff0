"""The teacher's profile: how much of its prediction the first ranks hold, from the logits that the home has stored.

Shapes: N = images in some view, C = classes.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.figures.figure import Figure, NotDrawn, paged
from reports.results.sweep import Cell, dataset_facts
from search_spaces.checks.facts import on_dataset
from trainers.teachers.bank_rows import StoredBank, sampled_rows, stored_bank

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from reports.board.board import Board
    from reports.results.results import Results

ROWS = 4096
"""Stored answers that are looked at."""
FEWEST_ROWS, FEWEST_CLASSES = 256, 8
"""Of fewer answers or classes there is no profile."""
TEMPERATURES = (1.0, 4.0)
MASS = 0.95
LOW, HIGH = 0.1, 0.9
WHAT = "profile of the teacher"
DECADE = 10


@dataclass(frozen=True, slots=True)
class Mass:
    """Cumulative mass of the ranks at one temperature."""

    temperature: float
    mean: tuple[float, ...]
    """Of rank 1 to C, over images."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    enough: int
    """The first rank up to which the mean mass is at least `MASS`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one teacher's predictions on training images look like."""

    teacher: str
    """As it is shown, like the data set."""
    dataset: str
    images: int
    """Stored answers looked at, each of an image in one of its views."""
    masses: tuple[Mass, ...]
    multimodal: float
    """Share of images where several classes stand out together: among the upper half of the ranks, the largest step
    between neighbouring logits comes after the second rank or later."""
    suggested: int | None
    """Median rank of that step over the multimodal images: the k that splits what stands out from the rest."""


def _caption(panels: Sequence[Profile]) -> str:
    found = "; ".join(f"{p.teacher} on {p.dataset}: {finding(p)}" for p in panels)
    return (
        "Cumulative mass of the teacher's prediction by rank on training images in the views that were trained on: "
        f"mean (line) and the middle 80 % of {min(p.images for p in panels)} stored answers or more (band). "
        "An image is multimodal where the largest step between neighbouring logits, among the upper half of the "
        "ranks, comes after the second rank or later; the k suggested is the median rank of that step on those "
        f"images. It is a place to look first, not a result. {found}."
    )


def finding(profile: Profile) -> str:
    """Return what a profile suggests, in words."""
    enough = ", ".join(
        f"{m.enough} {'rank' if m.enough == 1 else 'ranks'} at T = {m.temperature:g}" for m in profile.masses
    )
    share = f"{100 * profile.multimodal:.0f} % multimodal"
    hint = "" if profile.suggested is None else f", suggests k ≈ {profile.suggested}"
    return f"{share}{hint}; {100 * MASS:.0f} % of the mass in {enough}"


def build(results: "Results", board: "Board") -> Iterator[Figure | NotDrawn]:
    """Yield the profiles of the teachers whose logits are stored in the home."""
    if results.home is None:
        yield NotDrawn(WHAT, "these results did not come with a home")
        return
    banks = _banks(results.home)
    cells = {(cell.dataset, cell.teacher): cell for cell in board.cells if cell.teacher}.values()
    known = [(cell, _profile(cell, [bank for bank in banks if _is_of(bank, results, board, cell)])) for cell in cells]
    missing = [cell.shown_teacher for cell, profile in known if profile is None]
    if missing:
        yield NotDrawn(
            f"{WHAT} {', '.join(missing)}",
            f"the home has not {FEWEST_ROWS} stored answers of {FEWEST_CLASSES} classes",
        )
    yield from paged("teacher_profile", [profile for _, profile in known if profile is not None], _caption, draw)


def _banks(home: Path) -> list[StoredBank]:
    folder = Path(os.environ.get("KDSWEEP_BANKS") or home / "banks")
    folders = sorted(path for path in folder.iterdir() if not path.suffix) if folder.is_dir() else []
    return [bank for bank in map(stored_bank, folders) if bank is not None]


def _is_of(bank: StoredBank, results: "Results", board: "Board", cell: Cell) -> bool:
    """Return whether a bank is of a cell's teacher as this sweep has it, on the data that it has."""
    files = (results.resolved.get("facts") or {}).get("checkpoints") or {}
    digest = (dataset_facts(results.resolved).get(cell.dataset) or {}).get("digest")
    known = {
        *map(str, board.behind.of(cell, None)["trial_key"]),
        files.get(on_dataset(cell.dataset, cell.teacher)) or files.get(cell.teacher),
    }
    return str(bank.teacher.get("id")) in known and (digest is None or str(digest) == bank.data_digest)


def _profile(cell: Cell, banks: list[StoredBank]) -> Profile | None:
    """Return the profile by the bank that has most; None where none has enough."""
    found = [bank for bank in banks if bank.shape[2] >= FEWEST_CLASSES]
    rows = max((sampled_rows(bank, ROWS) for bank in found), key=len, default=None)
    return None if rows is None or len(rows) < FEWEST_ROWS else profile_of(cell.shown_teacher, cell.shown_dataset, rows)


def profile_of(teacher: str, dataset: str, logits_NC: "NDArray[np.float32]") -> Profile:
    """Return the profile of a teacher by its logits on some images."""
    import numpy as np

    ranked_NC = -np.sort(-logits_NC.astype(np.float64), axis=1)
    steps = ranked_NC[:, :-1] - ranked_NC[:, 1:]
    largest = steps[:, : max(2, ranked_NC.shape[1] // 2)].argmax(axis=1) + 1  # ties: the earlier
    several = largest[largest > 1]
    return Profile(
        teacher,
        dataset,
        len(logits_NC),
        tuple(_mass(ranked_NC, temperature) for temperature in TEMPERATURES),
        float(len(several) / len(largest)),
        int(np.median(several)) if len(several) else None,
    )


def _mass(ranked_NC: "NDArray[np.float64]", temperature: float) -> Mass:
    import numpy as np

    exp = np.exp((ranked_NC - ranked_NC[:, :1]) / temperature)
    sums = exp.cumsum(axis=1)
    shares = sums / sums[:, -1:]
    mean = shares.mean(axis=0)
    low, high = np.quantile(shares, (LOW, HIGH), axis=0)
    enough = int((mean >= MASS).argmax()) + 1
    means, lows, highs = (tuple(map(float, some)) for some in (mean, low, high))
    return Mass(temperature, means, lows, highs, enough)


def draw(canvas: "Canvas", panels: Sequence[Profile]) -> None:
    """Draw a panel for each teacher, with what was found over it."""
    from reports.figures import style

    titles, lines = [f"{panel.teacher}, {panel.dataset}" for panel in panels], {}
    every = style.panels(canvas, titles, map(_over, panels))
    for axes, panel in zip(every, panels, strict=True):
        for index, mass in enumerate(panel.masses):
            own, ranks, name = style.look(index), range(1, len(mass.mean) + 1), f"T = {mass.temperature:g}"
            where = f"{panel.teacher}, {panel.dataset}, {name}: {100 * MASS:.0f} % of the mass in {mass.enough} ranks"
            band = axes.fill_between(ranks, mass.low, mass.high, color=own.colour, alpha=0.15, linewidth=0)
            (lines[name],) = axes.plot(ranks, mass.mean, color=own.colour, linestyle=own.line, linewidth=1.2)
            style.told(lines[name], where)
            style.told(band, where)
        style.told(axes.axhline(MASS, color="0.5", linestyle=":", linewidth=0.7), f"{100 * MASS:.0f} % of the mass")
        if panel.suggested is not None:
            line = axes.axvline(panel.suggested, color="0.3", linestyle=(0, (4, 2)), linewidth=0.8)
            style.told(line, f"{panel.teacher}, {panel.dataset}: k ≈ {panel.suggested}")
        if len(panel.masses[0].mean) > DECADE:
            style.logarithmic(axes)
        axes.set_ylim(0, 1.02)
    style.outer_labels(every, "rank of the class in the teacher's prediction", ["cumulative mass"] * len(every))
    style.legend_below(canvas, [*lines.values()], [*lines])


def _over(panel: Profile) -> str:
    hint = "" if panel.suggested is None else f", k ≈ {panel.suggested}"
    return f"{100 * panel.multimodal:.0f} % multimodal{hint}"
