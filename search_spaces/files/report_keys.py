"""The keys below `report:` how tables look."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from search_spaces.files.closed import Closed
from search_spaces.files.names import DISTINCT, Label, Name, Names, check_distinct

LEVEL = 0.05
"""Of the tests, where the sweep says nothing."""

TableName = Literal[
    "head_to_head",
    "top5",
    "best_epoch",
    "cost",
    "fidelity",
    "statistics",
    "search",
    "ablations",
    "against",
    "compare",
    "audit",
]


class AblationModel(Closed):
    """One ablation table."""

    entries: Annotated[Names, Field(min_length=1)]
    """The entries or rows that are in it: one with a grid, or several whose terms are on and off."""
    base: Name | None = None
    """Entry or row that the others are compared with."""
    terms: Annotated[Names, Field(min_length=1)] | None = None
    """Hyperparameters, or methods of a combination, that are ticked where they are on; by default all that differ."""
    caption: Annotated[StrictStr, Field(max_length=1000)] | None = None
    """Stands before the sentences that every table has."""
    label: Label | None = None
    """Of the table in LaTeX; by default `tab:`, the sweep's name, `-ablation-` and a number."""


class ReportModel(Closed):
    """How the report looks; changes no training."""

    baseline: Name | None = None
    """Entry or row that all others are compared with, seed by seed; of an entry with a grid its first row."""
    proposal: Name | None = None
    """Entry or row that is proposed: shaded, with what it has over the baseline and over the row that it extends."""
    digits: Annotated[StrictInt, Field(ge=0, le=6)] | None = None
    """Digits after the point of accuracies and their spread; by default 1."""
    caption: Annotated[StrictStr, Field(max_length=1000)] | None = None
    """Stands before the sentences that every table has."""
    names: dict[Name, Name] = {}
    """The name that is shown for an entry, row, network or data set, by its own; by default as papers print it."""
    label: Label | None = None
    """Of the main table in LaTeX; by default `tab:` and the sweep's name."""
    order: Annotated[tuple[Name, ...], AfterValidator(check_distinct), DISTINCT] = ()
    """Entries in the order in which tables have them; those not named follow as the file has them."""
    groups: dict[Name, Name] = {}
    """Heading of each entry, under which tables put it; by default the kind of its method."""
    tables: Annotated[tuple[TableName, ...], AfterValidator(check_distinct), DISTINCT] | None = None
    """Which tables there are; by default all that have something to say."""
    level: Annotated[float, Field(gt=0, le=0.5)] | None = None
    """Of the tests: a difference counts as more than noise where its p-value is at most this; by default 0.05."""
    variances: Literal["pooled", "separate"] | None = None
    """Whether rows of a column are tested with one variance (the default), or each pair of rows with its own two."""
    ablations: tuple[AblationModel, ...] | None = None
    """The ablation tables; by default those of what varies on purpose, none where the list is empty."""
