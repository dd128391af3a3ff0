"""Rules that need more than one place of a sweep file, or the world: methods, data sets, networks, weights files."""

from collections import Counter
from collections.abc import Iterator, Sequence

from search_spaces.checks.facts import Facts
from search_spaces.checks.momenta import check_momenta
from search_spaces.checks.names import networks
from search_spaces.checks.networks import check_tasks, check_teachers, check_weights_files, initials, lenses
from search_spaces.checks.pairs import check_fit
from search_spaces.checks.plausible import check_plausible
from search_spaces.checks.recipes import check_recipes, check_training
from search_spaces.checks.splits import check_batches_of_one, check_splits
from search_spaces.files.draft import Draft
from search_spaces.files.entries import Entry, read_entries, try_plugins
from search_spaces.files.races import race_sizes
from search_spaces.files.report_keys import ReportModel
from search_spaces.files.schema import ResourcesModel, SearchModel
from search_spaces.files.seeds import UntilSettled
from search_spaces.files.yaml_lines import Path
from trainers.own.code import as_json
from trainers.texts.nearest import unknown

MAX_TRIALS = 100_000
"""Of one sweep, proposals included."""


def check(draft: Draft) -> Facts | None:
    """Add every broken rule to the tree's problems; return the facts that were needed where there is none."""
    draft.entries = _read_entries(draft)
    draft.models = networks(draft)
    draft.lenses = lenses(draft)
    checkpoints = check_teachers(draft)
    check_recipes(draft)
    check_tasks(draft)
    check_training(draft)
    check_momenta(draft)
    check_plausible(draft)
    _check_search(draft)
    _check_settled(draft)
    check_splits(draft)
    _check_report(draft)
    _check_ranks(draft)
    _check_size(draft)
    check_fit(draft)
    check_batches_of_one(draft)
    found = Facts(
        datasets=draft.infos(),
        models=draft.models,
        checkpoints=checkpoints,
        arguments={name: {n: a for n, a in of.items() if a} for name, of in draft.arguments.items()},
        lenses=draft.lenses,
        initials=initials(draft),
        own={code.name: as_json(code) for code in [*draft.own.values(), *draft.makers.values()]},
        roots={name: str(root) for name, root in draft.roots.items()},
        readings=check_weights_files(draft, checkpoints),
    )
    return None if draft.tree.problems else found


def _read_entries(draft: Draft) -> list[Entry]:

    def class_counts() -> list[int]:
        return [info.classes for info in draft.infos().values()]

    entries = read_entries(draft.tree, draft.methods, class_counts)
    entries = try_plugins(draft.tree, entries, class_counts, in_parts=draft.ranks > 1)
    owner: dict[str, str] = {}
    for entry in entries:
        for row in entry.rows():
            if owner.setdefault(row.label, entry.name) != entry.name:
                message = f"makes a row {row.label!r}, and so does {owner[row.label]!r}; rename one"
                draft.tree.add(("methods", entry.name), message)
    return entries


def _check_search(draft: Draft) -> None:
    searched = draft.searched
    if searched is not None and draft.tree.values.get("search") is None and "search" not in draft.meant:
        place: Path = ("methods", searched.name, searched.searched[0].name)
        draft.tree.add(("search",), f"is missing; {'.'.join(map(str, place))} is searched", at=place)
    search = draft.search
    if search is not None and search.confirm > search.trials:
        draft.tree.add(("search", "confirm"), f"must be at most trials ({search.trials}), got {search.confirm}")


def _check_settled(draft: Draft) -> None:
    seeds, report = draft.sections.get("seeds"), draft.sections.get("report")
    if not isinstance(seeds, UntilSettled):
        return
    if seeds.most < seeds.first:
        draft.tree.add(("seeds", "most"), f"must be at least first ({seeds.first}), got {seeds.most}")
    methods = draft.tree.values.get("methods")
    if not isinstance(methods, dict):
        return
    rows = [row.label for entry in draft.entries for row in entry.rows()]
    known = list(dict.fromkeys([*methods, *rows]))
    if seeds.settle is None and "report" in draft.sections and (report is None or report.proposal is None):
        message = "is missing: name the row that all others are compared with here, or as report.proposal"
        draft.tree.add(("seeds", "settle"), message)
    elif seeds.settle is not None and seeds.settle not in known:
        draft.tree.add(("seeds", "settle"), unknown("entry", seeds.settle, known))
    elif len(rows) == 1 and len(methods) == 1:
        draft.tree.add(("seeds",), f"needs a row to compare with, got {rows[0]!r} alone; give a number of seeds")


def _check_ranks(draft: Draft) -> None:
    resources: ResourcesModel | None = draft.sections.get("resources")
    if resources is None:
        return
    ranks = draft.ranks
    if ranks > 1 and (resources.together or 1) > 1:
        message = f"must be 1 where a trial has several ranks ({ranks}), got {resources.together}"
        draft.tree.add(("resources", "together"), message)
    if resources.ranks is None or resources.gpus is None:
        return
    if resources.gpus and max(resources.gpus, 1) != resources.ranks:
        message = f"must be 0, or as many as ranks ({resources.ranks}), each of which has one; got {resources.gpus:g}"
        draft.tree.add(("resources", "gpus"), message)


def _check_report(draft: Draft) -> None:
    report: ReportModel | None = draft.sections.get("report")
    methods = draft.tree.values.get("methods")
    if report is None or not isinstance(methods, dict):
        return
    known = dict.fromkeys([*methods, *(row.label for entry in draft.entries for row in entry.rows())])
    columns = dict.fromkeys([*draft.datasets, *(network for pair in draft.pairs.values() for network in pair)])
    for path, message in misnamed(report, ("report",), [*known], [*columns]):
        draft.tree.add(path, message)


def misnamed(report: ReportModel, at: Path, known: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Yield where a report names what is not there, with a message.

    Args:
        at: path of the report's keys.
        known: entries and rows.
        columns: data sets and networks, which can be shown by another name, too.
    """
    for name in report.names:
        if name not in known and name not in columns:
            yield (*at, "names", name), unknown("entry, network or data set", name, [*known, *columns])
    for path, name in _entries_of(report, at):
        if name not in known:
            yield path, unknown("entry", name, known)


def _entries_of(report: ReportModel, at: Path) -> Iterator[tuple[Path, str]]:
    """Yield every entry or row that a report chooses, with its place."""
    yield from (((*at, "groups", name), name) for name in report.groups)
    yield from (((*at, "order", place), name) for place, name in enumerate(report.order))
    chosen = {"baseline": report.baseline, "proposal": report.proposal}
    yield from (((*at, key), name) for key, name in chosen.items() if name is not None)
    for i, ablation in enumerate(report.ablations or ()):
        place = (*at, "ablations", i)
        yield from (((*place, "entries", j), name) for j, name in enumerate(ablation.entries))
        yield from [((*place, "base"), ablation.base)] if ablation.base is not None else []


def _trials_of(search: SearchModel, first: int, most: int) -> int:
    """Return the trials of a search, at most: seeds after the first ones are those of the chosen setting alone."""
    confirming = search.confirm * first + most - first
    return search.trials + sum(race_sizes(search.trials, search.race)) + confirming


def _check_size(draft: Draft) -> None:
    cells = len(draft.datasets) * len(draft.pairs)
    given = draft.sections.get("seeds", ())
    first, most = (given.first, given.most) if isinstance(given, UntilSettled) else (len(given), len(given))
    each = Counter[str]()
    for entry in draft.entries:
        rows = entry.row_count
        searching = 0 if draft.search is None else _trials_of(draft.search, first, most)
        each[entry.name] = cells * rows * (searching if entry.searched else most)
    if each.total() > MAX_TRIALS:
        largest, count = each.most_common(1)[0]
        message = f"a sweep may have at most {MAX_TRIALS} trials, got {each.total()}, of these {count} here"
        draft.tree.add(("methods", largest), message)
