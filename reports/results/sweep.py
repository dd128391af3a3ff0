"""What a report needs of resolved.yaml: cells and rows in their order, and what the `report:` mapping asks for.

Reads as little of it as possible. What is not there is made up from the members, so a table can always be made.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reports.results import naming
from reports.results.naming import Names
from search_spaces.files.report_keys import LEVEL, ReportModel

ALONE = "ce"
"""The method without a teacher."""
Value = bool | int | float | str

PAIR = re.compile(r"(?:(?P<dataset>.*?): )?(?P<teacher>.+?) -> (?P<student>.+)")


@dataclass(frozen=True, slots=True)
class Cell:
    """A data set and a pair: a column of the table."""

    id: str
    dataset: str
    teacher: str
    student: str
    shown_dataset: str = ""
    """As people read it, like those of the networks; another cell may be called alike."""
    shown_teacher: str = ""
    shown_student: str = ""

    @property
    def names(self) -> tuple[str, str, str, str]:
        """For programs: the cell, its data set, teacher and student."""
        return self.id, self.dataset, self.teacher, self.student

    def named(self, names: Names) -> "Cell":
        """Return the cell with what people read."""
        return replace(
            self,
            shown_dataset=naming.dataset(self.dataset, names),
            shown_teacher=naming.network(self.teacher, names),
            shown_student=naming.network(self.student, names),
        )

    @property
    def pair(self) -> str:
        """Teacher and student, as people read them."""
        return f"{self.shown_teacher} → {self.shown_student}" if self.teacher else self.shown_student

    @property
    def title(self) -> str:
        """The data set and the pair, as people read them."""
        return f"{self.shown_dataset}: {self.pair}" if self.dataset else self.pair


@dataclass(frozen=True, slots=True)
class Row:
    """An entry with its grid values fixed."""

    entry: str
    label: str
    """The row is known by it, and by nothing else."""
    method: str = ""
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    grid: tuple[str, ...] = ()
    """Which of the hyperparameters come from a grid."""
    dimensions: tuple[Mapping[str, Any], ...] = ()
    """What is searched: name with low, high, log or with choices; empty for a fixed row."""
    group: str = ""
    """Kind of the method: logit, feature, combined; empty where it is not known."""
    inference: str = ""
    """What a student of this row costs more than a plain one when it is used; empty: nothing."""
    shown: str = ""
    """As people read it; another row may be called alike."""
    shown_entry: str = ""
    """Likewise, without the values of the grid."""

    @property
    def grid_values(self) -> dict[str, str]:
        """Its values of the grid; read from its label where the sweep does not list them."""
        if self.grid:
            return {name: value_text(self.hyperparameters[name]) for name in self.grid if name in self.hyperparameters}
        words = self.label.removeprefix(self.entry).split()
        return {name: value for name, _, value in (word.partition("=") for word in words) if value}

    def named(self, names: Names) -> "Row":
        """Return the row with what people read."""
        values, standardize = self.grid_values, naming.STANDARDIZE
        standardized = self.hyperparameters.get(standardize) is True and standardize not in values
        entry = naming.entry(
            self.entry, self.method, tuple(values), names, standardized=standardized, tuned=bool(self.dimensions)
        )
        own = naming.row(entry, values) if self.label.startswith(self.entry) else self.label
        return replace(self, shown=names.get(self.label, own), shown_entry=entry)


class Options(ReportModel):
    """The sweep's `report:` mapping, with what holds where it says nothing."""

    baseline: str = ""
    proposal: str = ""
    digits: int = 1
    caption: str = ""
    label: str = ""
    level: float = LEVEL

    @property
    def separate(self) -> bool:
        """Whether rows are tested without a common variance."""
        return self.variances == "separate"

    def wants(self, table: str) -> bool:
        """Return whether the report has a table of this name."""
        return self.tables is None or table in self.tables


def dataset_facts(resolved: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a resolved sweep knows of its data sets, by name."""
    return (resolved.get("facts") or {}).get("datasets") or {}


def read_options(resolved: Mapping[str, Any]) -> Options:
    """Return the report options; what an earlier version knew and this one does not is left out."""
    given = (resolved.get("report") or {}).items()
    return Options(**{name: value for name, value in given if value is not None and name in Options.model_fields})


def read_cells(resolved: Mapping[str, Any], member_cells: Iterable[str]) -> list[Cell]:
    """Return the cells in the sweep's order; those that only members know come last."""
    cells = {
        str(c["id"]): Cell(str(c["id"]), str(c["dataset"]), str(c["teacher"]), str(c["student"]))
        for c in resolved.get("cells") or ()
    }
    if not cells:
        for cell_id in member_cells:
            cells.setdefault(cell_id, parse_cell(cell_id))
    names = naming.names_of(resolved)
    return [cell.named(names) for cell in cells.values()]


def parse_cell(cell_id: str) -> Cell:
    """Return the cell that an id such as "digits100: tinyresnet -> tinycnn" names."""
    match = PAIR.fullmatch(cell_id)
    if match is None:
        return Cell(cell_id, "", "", cell_id)
    return Cell(cell_id, match["dataset"] or "", match["teacher"], match["student"])


def read_rows(resolved: Mapping[str, Any], member_rows: Iterable[tuple[str, str, str]]) -> list[Row]:
    """Return the rows in the sweep's order.

    Args:
        member_rows: (entry, row, method) of the members, used where resolved.yaml lists no rows, and for methods that
            it does not name.
    """
    known = {label: Row(entry, label, method) for entry, label, method in member_rows}
    listed = [_row(values) for values in resolved.get("rows") or ()] or list(known.values())
    rows = (row if row.method else replace(row, method=known.get(row.label, row).method) for row in listed)
    names = naming.names_of(resolved)
    return [row.named(names) for row in rows]


def _row(values: Mapping[str, Any]) -> Row:
    listed: dict[str, Any] = {name: tuple(values.get(name) or ()) for name in ("grid", "dimensions")}
    listed |= {name: str(values.get(name) or "") for name in ("method", "group", "inference")}
    entry, given = str(values["entry"]), dict(values.get("hyperparameters") or {})
    return Row(entry, str(values.get("label") or entry), hyperparameters=given, **listed)


def value_text(value: Value, significant: int | None = None) -> str:
    """Return a hyperparameter as a sweep file has it: `5` for 5.0, `true` for True; rounded where asked."""
    if isinstance(value, list | tuple):
        return f"[{','.join(value_text(item, significant) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{significant}g}" if isinstance(value, float) and significant else str(value)


def setting_text(setting: Mapping[str, Value]) -> str:
    """Return hyperparameters for programs, such as `k=5; w2=8`."""
    return "; ".join(f"{name}={value_text(value)}" for name, value in setting.items())


def setting_shown(setting: Mapping[str, Value], significant: int) -> str:
    """Return hyperparameters for people, such as `k = 5, w₂ = 8`; rounded."""
    return ", ".join(naming.setting(name, value_text(value, significant)) for name, value in setting.items())
