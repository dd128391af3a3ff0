"""A report file: which sweeps make one report, and how it looks. It may have what a sweep file has under `report:`.

name: gdkd-paper
sweeps: [gdkd-k, gdkd-weights]
baseline: kd
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StrictStr, TypeAdapter

from reports.errors import ReportError, UnknownSweepError
from search_spaces.files.errors import Problem, SweepFileError
from search_spaces.files.names import Name, Names
from search_spaces.files.report_keys import ReportModel
from search_spaces.files.schema import NAME_PATTERN
from search_spaces.files.structure import check
from search_spaces.files.yaml_lines import Path as Place
from search_spaces.files.yaml_lines import Tree, YamlError, read_text, read_tree
from trainers.texts.nearest import unknown
from trainers.texts.words import shown

if TYPE_CHECKING:
    from reports.results.results import Results

KIND = "a report file"
MOST_SWEEPS = 50
PROBE = {"methods", "pairs", "seeds"}
"""Keys that a sweep file has and a report file has not."""


class ReportFileModel(ReportModel):
    """A report file."""

    name: Annotated[StrictStr, Field(pattern=NAME_PATTERN)]
    """Of the report: it is written into `reports/NAME`."""
    sweeps: Annotated[Names, Field(min_length=1, max_length=MOST_SWEEPS)]
    """The sweeps whose results are in it, by name."""
    rename: dict[Name, dict[Name, Name]] = {}  # noqa: RUF012
    """By sweep: its entries, teachers and data sets that have another name in the report."""


class ReportFileError(SweepFileError, ReportError):
    """A report file breaks rules; holds all problems."""

    consequence = "nothing was written"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report file that keeps the rules of its keys; whether what it names is there, its sweeps say."""

    path: Path
    tree: Tree
    model: ReportFileModel

    @property
    def report(self) -> Mapping[str, Any]:
        """The choices, as a resolved sweep has them under `report`."""
        return self.model.model_dump(mode="json", exclude_unset=True, exclude={"name", "sweeps", "rename"})

    def check_names(self, resolved: Mapping[str, Any]) -> None:
        """Hold what the file names against what the sweeps have together.

        Raises:
            ReportFileError: some is not there.
        """
        from search_spaces.checks.rules import misnamed

        known = dict.fromkeys(row[name] for name in ("entry", "label") for row in resolved["rows"])
        columns = dict.fromkeys(cell[name] for name in ("dataset", "teacher", "student") for cell in resolved["cells"])
        for place, message in misnamed(self.model, (), [*known], [*columns]):
            self.tree.add(place, message)
        if self.tree.problems:
            raise ReportFileError(self.path, self.tree.problems)

    def check_renames(self, sweeps: "Iterable[Results]") -> None:
        """Hold what the file renames against what the sweeps have; add what cannot be to the problems."""
        own = {results.name: names_of(results) for results in sweeps}
        for sweep, names in self.model.rename.items():
            if sweep not in own:
                self.tree.add(("rename", sweep), unknown("sweep", sweep, list(own)))
                continue
            known = list(dict.fromkeys(name for kind in own[sweep] for name in kind))
            for name, other in names.items():
                if name not in known:
                    self.tree.add(("rename", sweep, name), unknown("name", name, known))
                elif any(name in of and [names.get(each, each) for each in of].count(other) > 1 for of in own[sweep]):
                    self.tree.add(
                        ("rename", sweep, name), f"must not be the name of another in {sweep}, got {shown(other)}"
                    )


def read_report_file(path: Path) -> ReportFile:
    """Return a report file that keeps the rules of its keys.

    Raises:
        ReportFileError: it breaks some; holds all problems.
    """
    try:
        tree = read_tree(read_text(path, KIND))
    except YamlError as error:
        raise ReportFileError(path, [error.problem]) from None
    if not isinstance(tree.values, dict):
        tree.add((), f"must be a mapping with keys such as name: and sweeps:, got {shown(tree.values)}")
        raise ReportFileError(path, tree.problems)
    if "sweeps" not in tree.values and PROBE & tree.values.keys():
        name = shown(tree.values.get("name"))
        message = f"is a sweep file; a report takes the name of a sweep, {name}, or a file with sweeps: in it"
        raise ReportFileError(path, [Problem(None, "", message)])
    given = {key: value for key, value in tree.values.items() if value is not None}
    model, _ = check(tree, (), given, TypeAdapter(ReportFileModel), [*ReportFileModel.model_fields])
    if tree.problems:
        raise ReportFileError(path, tree.problems)
    return ReportFile(path, tree, model)


def names_of(results: "Results") -> tuple[list[str], ...]:
    """Return the entries, the teachers and the data sets of a sweep by name."""
    return tuple(
        [str(name) for name in results.trials[kind].dropna().unique()] for kind in ("entry", "teacher", "dataset")
    )


def load_any(name: str, *, home: Path | str | None = None, tracking_uri: str | None = None) -> "Results":
    """Return the results of a sweep by its name, or of several by a report file: a name that ends in .yaml or .yml.

    A sweep may be named like a file: it comes first; `./NAME` is the file then.
    """
    from reports.results import loading

    if not name.endswith((".yaml", ".yml")):
        return loading.load(name, home=home, tracking_uri=tracking_uri)
    if name == Path(name).name:
        with contextlib.suppress(UnknownSweepError):
            return loading.load(name, home=home, tracking_uri=tracking_uri)
    return load_file(name, home=home, tracking_uri=tracking_uri)


def load_file(path: Path | str, *, home: Path | str | None = None, tracking_uri: str | None = None) -> "Results":
    """Return the results of the sweeps that a report file joins, with the choices of the file.

    Raises:
        ReportError: the file breaks rules, or names what is not there; tells every problem with its line.
        StoreUnavailableError: no such store, or it does not answer.
    """
    from reports.results import loading
    from reports.results.joining import NotAlikeError, join

    path = Path(path)
    file = read_report_file(path)
    sweeps = []
    for name in dict.fromkeys(file.model.sweeps):
        try:
            sweeps.append(loading.load(name, home=home, tracking_uri=tracking_uri))
        except UnknownSweepError as error:
            place: Place = ("sweeps", file.model.sweeps.index(name))
            file.tree.add(file.tree.known(place), str(error))
    if file.model.name in file.model.sweeps:
        message = f"must not be the name of a sweep, whose own report is in that folder, got {shown(file.model.name)}"
        file.tree.add(("name",), message)
    if file.tree.problems:
        raise ReportFileError(path, file.tree.problems)
    file.check_renames(sweeps)
    if file.tree.problems:
        raise ReportFileError(path, file.tree.problems)
    try:
        joined = join(file.model.name, sweeps, file.report, file.model.rename)
    except NotAlikeError as error:
        for clash in error.clashes:
            file.tree.add(("sweeps",), clash)
        raise ReportFileError(path, file.tree.problems) from None
    file.check_names(joined.resolved)
    return joined
