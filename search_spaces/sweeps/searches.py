"""A search: the row, the cell and the budget for which settings are proposed, and the trials they become."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from search_spaces.files.dimensions import Dimension
from search_spaces.files.entries import Row
from search_spaces.files.races import race_sizes, seed_at
from search_spaces.files.schema import Pruner, Sampler, SearchModel
from search_spaces.recipes import as_trained
from search_spaces.sweeps.blueprint import Blueprint
from search_spaces.sweeps.members import Member, Place, as_it_is, over_seeds
from trainers.trials.recipe import Recipe, compress
from trainers.trials.trial import KEY_VERSION, TRAINER_VERSION, Value, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Proposals for one row of one cell, scored on validation images; then the best settings over all seeds."""

    study_id: str
    """SHA-256 of all that decides proposals and their scores; not of names or of the number of trials, so that more
    trials continue a study. Rows of one sweep that differ in name alone share it."""
    cell: str
    entry: str
    row: str
    dimensions: tuple[Dimension, ...]
    trials: int
    parallel: int
    sampler: Sampler
    pruner: Pruner
    confirm: int
    """How many settings are confirmed."""
    race: int
    """Search seeds of the finalists; 1: settings are chosen by one seed."""
    seed: int
    """Of the sampler."""
    recipe: Recipe
    """Of a proposal: the compressed one where the sweep file says so."""
    reported_seeds: tuple[int, ...]
    blueprint: Blueprint = field(repr=False)
    renew: Callable[[Member], Member] = field(default=as_it_is, repr=False, compare=False)
    """What becomes of a trial that confirms, where the teacher has been trained again since the search."""

    @property
    def training_seed(self) -> int:
        """The seed that every proposal is trained with; no reported seed reaches it."""
        return self.seed_at(0)

    def seed_at(self, place: int) -> int:
        """Return the seed at a place of the race; 0 is that of all proposals."""
        return seed_at(place, self.seed)

    @property
    def race_sizes(self) -> tuple[int, ...]:
        """How many settings are trained with each seed after the first, at most."""
        return race_sizes(self.trials, self.race)

    def proposal(self, params: Mapping[str, Value], number: int, place: int = 0) -> Member:
        """Return the trial that scores these settings on the validation images.

        Args:
            params: a value for every dimension.
            number: of the proposal, from 0; does not change the trial.
            place: of the seed in the race.

        Raises:
            ValueError: a dimension has no value, or the method refuses one.
        """
        trial = self.blueprint.trial(self._checked(params), split="search", epochs=self.recipe.epochs)
        keys, seeds = self.blueprint.keys(trial), (self.seed_at(place),)
        (member,) = over_seeds(trial, seeds, self._place, phase="search", proposal=number, keys=keys)
        return member

    def confirmed(self, params: Mapping[str, Value], rank: int) -> tuple[Member, ...]:
        """Return the trials, one for each reported seed, that report these settings by the whole recipe on test.

        Args:
            rank: of the settings in the search, from 1.

        Raises:
            ValueError: a dimension has no value, or the method refuses one.
        """
        trial = self.blueprint.trial(self._checked(params), split="full")
        keys = self.blueprint.keys(trial)
        members = over_seeds(trial, self.reported_seeds, self._place, phase="confirm", rank=rank, keys=keys)
        return tuple(map(self.renew, members))

    @property
    def _place(self) -> Place:
        return Place(self.cell, self.entry, self.row)

    def _checked(self, params: Mapping[str, Value]) -> Mapping[str, Value]:
        expected = {dimension.name for dimension in self.dimensions}
        if set(params) != expected:
            raise ValueError(f"settings must name {sorted(expected)}, got {sorted(params)}")
        return {dimension.name: dimension.value_of(params[dimension.name]) for dimension in self.dimensions}


def new_search(cell: str, row: Row, blueprint: Blueprint, budget: SearchModel, seeds: tuple[int, ...]) -> Search:
    """Return the search of a row with dimensions in one cell."""
    recipe = blueprint.recipe if budget.epochs is None else compress(blueprint.recipe, budget.epochs)
    search = Search(
        study_id="",
        cell=cell,
        entry=row.entry,
        row=row.label,
        dimensions=row.dimensions,
        recipe=as_trained(recipe),
        reported_seeds=seeds,
        blueprint=blueprint,
        **budget.model_dump(exclude={"epochs"}),
    )
    return with_blueprint(search, blueprint)


def with_blueprint(search: Search, blueprint: Blueprint) -> Search:
    """Return the search for trials of this blueprint: a study of its own."""
    decides = {name: getattr(search, name) for name in ("sampler", "pruner", "parallel", "seed")}
    decides |= {"epochs": search.recipe.epochs}
    return replace(search, study_id=study_id(decides, search.dimensions, blueprint), blueprint=blueprint)


def study_id(decides: Mapping[str, object], dimensions: tuple[Dimension, ...], blueprint: Blueprint) -> str:
    """Return the identity of a study.

    Args:
        decides: what else its proposals depend on: sampler, pruner, parallel, seed and the epochs of a proposal.
    """
    return digest(
        {
            "key_version": KEY_VERSION,
            "trainer_version": TRAINER_VERSION,
            "blueprint": blueprint.to_json(dimensions),
            "dimensions": [dimension.to_json() for dimension in dimensions],
            "search": dict(decides),
        }
    )
