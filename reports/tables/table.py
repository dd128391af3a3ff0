"""A table as plain data: builders make it of results, formats print it, and neither knows the other.

A cell is typed, so that no format searches a text for a sign or a number, and it knows the trials behind it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Trials = tuple[int, ...]
"""Places in `Results.trials`, those in the number first."""
Mark = Literal["best", "second", ""]
Claim = Literal["†", "*"]
"""Lower than the best of its column; differs from the reference: both by more than noise."""
Legend = Literal["best", "second", "†", "*"]
"""A mark that is explained."""
Value = str | int | float | None
"""In a record: a float is printed with 4 decimals at most, None as nothing."""

LOWER: Claim = "†"
DIFFERS: Claim = "*"


def decimals(value: float, digits: int) -> str:
    """Return the number with `digits` decimals, never as -0.0."""
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not any(c in "123456789" for c in text) else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words; empty where a column does not apply."""

    text: str
    trials: Trials = ()
    inside: int = 0
    """How many of the trials, the first ones, are in the numbers of the row."""
    notes: tuple[str, ...] = ()
    """What is said of it below the table."""
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number, with what stands around it."""

    value: float
    std: float | None = None
    count: str = ""
    """In brackets behind it: the number of seeds."""
    digits: int = 1
    signed: bool = False
    """A plus stands before what is above 0."""
    mark: Mark = ""
    claims: tuple[Claim, ...] = ()
    """What is known of it beyond noise."""
    before: str = ""
    """Such as `≤ `."""
    after: str = ""
    """Such as ` min`."""
    trials: Trials = ()
    inside: int = 0
    """How many of the trials, the first ones, are in the number."""
    notes: tuple[str, ...] = ()
    """What is said of it below the table: where a figure is from."""
    remarks: tuple[str, ...] = ()
    """What the page says of it beside its runs."""
    setting: str = ""
    """Hyperparameters behind it."""
    lacking: str = ""
    """Which seeds are not in it, and why."""

    @property
    def sign(self) -> str:
        """Plus, minus or nothing, as it is printed."""
        text = decimals(self.value, self.digits)
        if text.startswith("-"):
            return "-"
        return "+" if self.signed and any(c in "123456789" for c in text) else ""

    @property
    def figure(self) -> str:
        """The number as it is printed, without its sign."""
        return decimals(self.value, self.digits).removeprefix("-")

    @property
    def spread(self) -> str:
        """The standard deviation as it is printed; empty for none."""
        return "" if self.std is None else decimals(self.std, self.digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a number lies between."""

    low: float
    high: float
    digits: int = 1

    @property
    def ends(self) -> tuple[Number, Number]:
        """Both ends, with their signs."""
        low, high = (Number(value=value, digits=self.digits, signed=True) for value in (self.low, self.high))
        return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """There is no number, and why; the reason may be empty where the table says it elsewhere."""

    why: str = ""
    trials: Trials = ()
    setting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Whether something is on; None where it changes nothing."""

    on: bool | None


Cell = Text | Number | Interval | Missing | Tick
EMPTY = Text(text="")
NONE = Missing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What stands over a column, and what it holds."""

    head: str
    sign: bool = False
    """The head names hyperparameters."""
    stacked: tuple[str, ...] = ()
    """The head in several lines, where a format has room for them; empty: as the format breaks it."""
    kind: Literal["text", "number", "tick"] = "number"
    groups: tuple[str, ...] = ()
    """What stands over it and its neighbours, the widest first; columns with groups may stand in several parts."""
    scope: str = ""
    """Its data set; a column that sums up says which one it does."""
    sums: bool = False
    """Whether it sums up columns before it, so that it stands where those end."""
    over: bool = False
    """Whether rows with the same text in it stand together, so that it can be a heading over them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The cells of a row, one a column."""

    cells: tuple[Cell, ...]
    heading: str = ""
    """What it stands under; rows with the same heading are together."""
    rule: bool = False
    """Whether there is a rule above it."""
    under: int | None = None
    """Which line of the heads it belongs to: 0 the teachers', 1 the students'. Such a row does not compete."""
    shaded: bool = False
    """Whether it stands out as what the table is about."""
    below: bool = False
    """Whether it says more of the row before it, and goes where that goes."""

    @property
    def apart(self) -> bool:
        """Whether it does not compete with the others, as the teacher."""
        return self.under is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What a table tells programs: a contract of its own, with names as in the sweep file."""

    fields: tuple[str, ...]
    lines: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table. All texts are plain: nothing is escaped yet."""

    name: str
    """Of its file, and by which `report.tables` finds it."""
    title: str
    label: str
    """Of LaTeX."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    """What the numbers are, in few sentences; empty: the title says it."""
    legend: tuple[tuple[Legend, str], ...] = ()
    """What marks mean; formats mark in different ways."""
    notes: tuple[str, ...] = ()
    """Paragraphs that a reader needs to trust it."""
    usual_n: int | None = None
    """Number of seeds that the caption tells, so that it need not stand behind a number."""
    records: Records | None = None

    @property
    def grouped(self) -> bool:
        """Whether rows stand under two or more headings, so that these are shown."""
        return len({row.heading for row in self.rows if row.heading}) > 1

    def explained(self, words: Mapping[Any, str]) -> str:
        """Return what marks mean, by what they are called in a format."""
        return " ".join(f"{words[mark]}: {text}" for mark, text in self.legend)

    def headed(self) -> Iterator[tuple[str, Row]]:
        """Yield each row with the heading above it: empty where there is none, or the same as before."""
        before = ""
        for row in self.rows:
            yield (row.heading if self.grouped and row.heading != before else ""), row
            before = row.heading
