"""The key `seeds:` how many, which, or added until comparisons are settled."""

import math
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt, TypeAdapter

from search_spaces.files.closed import Closed
from search_spaces.files.names import DISTINCT, Name, check_distinct
from search_spaces.files.races import SEARCH_SEEDS
from trainers.texts.words import shown

MAX_SEEDS = 10_000
STEP = 1.6
"""Of `seeds.first` to `seeds.most`: each look has about so many times the seeds of the one before."""


def _seed_list(value: object) -> object:
    if not isinstance(value, list | tuple):
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"must be a whole number or a list of whole numbers, got {shown(value)}")
        if not 1 <= value <= MAX_SEEDS:
            raise ValueError(f"must be from 1 to {MAX_SEEDS} seeds, got {value}")
        return tuple(range(value))
    if not value:
        raise ValueError("must hold at least one seed, got an empty list")
    return value


Seed = Annotated[StrictInt, Field(ge=0, lt=SEARCH_SEEDS)]
ListedSeeds = Annotated[
    tuple[Seed, ...], BeforeValidator(_seed_list), AfterValidator(check_distinct), Field(max_length=MAX_SEEDS)
]


class UntilSettled(Closed):
    """Seeds that are added while comparisons with a row are open."""

    first: Annotated[StrictInt, Field(ge=3, le=MAX_SEEDS)]
    """Seeds of every row: 0, 1, …; at least 3."""
    most: Annotated[StrictInt, Field(ge=3, le=MAX_SEEDS)]
    """Seeds of the declared row, and of those whose comparison with it stays open, at most."""
    settle: Name | None = None
    """Entry or row that all others are compared with, declared before there are numbers; of an entry with a grid its
    first row. By default `report.proposal`."""

    @property
    def looks(self) -> tuple[int, ...]:
        """Seeds of the open rows at each look, rising by about the same factor."""
        steps = max(1, round(math.log(self.most / self.first) / math.log(STEP))) if self.most > self.first else 0
        growth = self.most / self.first
        return (self.first, *(round(self.first * growth ** (step / steps)) for step in range(1, steps + 1)))


def _seeds(value: object) -> object:
    if isinstance(value, dict | UntilSettled):
        return UntilSettled.model_validate(value)
    return TypeAdapter(ListedSeeds).validate_python(value)


Seeds = Annotated[
    tuple[int, ...] | UntilSettled,
    PlainValidator(
        _seeds,
        json_schema_input_type=Annotated[int, Field(ge=1, le=MAX_SEEDS)]
        | Annotated[list[Seed], DISTINCT]
        | UntilSettled,
    ),
]
