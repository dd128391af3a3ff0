"""The live study: proposals and pruning decisions as functions of known outcomes.

Proposal n of a study is drawn by a fresh sampler seeded from (study, n), knowing the outcomes of exactly the proposals
0 … n − parallel and the settings of those between. Whoever draws it, whenever, gets the same.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from orchestrator.home.chatter import level
from orchestrator.ledger.records import ProposalRow
from search_spaces import Dimension, value_text
from trainers.trials.streams import stream_seed

STARTUP_PROPOSALS = 5
"""Drawn at random before TPE and GP model anything; the same number for both, so that they start alike."""

STATES = {
    "COMPLETE": TrialState.COMPLETE,
    "PRUNED": TrialState.PRUNED,
    "DIVERGED": TrialState.COMPLETE,  # at chance value: told PRUNED or FAIL, GP proposes the region again
    "FAIL": TrialState.FAIL,
}

optuna.logging.set_verbosity(level())


class LiveStudy:
    """A study in memory that is told outcomes only as far as the next proposal may know them."""

    def __init__(self, study_id: str, dimensions: Sequence[Dimension], sampler: str, parallel: int) -> None:
        self._id = study_id
        self._sampler = sampler
        self._parallel = parallel
        self._distributions = {dimension.name: distribution(dimension) for dimension in dimensions}
        self._study = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
        self._told = 0

    def propose(self, number: int, earlier: Sequence[ProposalRow]) -> dict[str, Any]:
        """Draw proposal `number`; `earlier` are the proposals before it, decided up to number − parallel."""
        self._catch_up(number, earlier)
        self._study.sampler = _new_sampler(self._sampler, stream_seed("proposal", self._id, number) % 2**32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = self._study.ask(fixed_distributions=self._distributions)
        assert trial.number == number
        return dict(trial.params)

    def _catch_up(self, number: int, earlier: Sequence[ProposalRow]) -> None:
        """Bring the study to where proposal `number` is drawn from: settings of all, outcomes of those it may know."""
        for row in earlier[len(self._study.get_trials(deepcopy=False)) : number]:
            self._study.add_trial(
                create_trial(state=TrialState.RUNNING, params=row.params, distributions=self._distributions)
            )
        while self._told <= number - self._parallel:
            self._tell(earlier[self._told])
            self._told += 1

    def _tell(self, row: ProposalRow) -> None:
        assert row.state is not None, "a proposal is drawn only when those it may know are decided"
        state = STATES[row.state]
        if state is TrialState.PRUNED:
            trial = optuna.trial.Trial(self._study, self._study.get_trials(deepcopy=False)[row.number]._trial_id)
            for step, value in sorted(row.rungs.items()):
                trial.report(value, step)
        self._study.tell(row.number, row.value if state is TrialState.COMPLETE else None, state=state)


def should_prune(pruner: str, row: ProposalRow, peers: Sequence[ProposalRow]) -> bool:
    """Return whether to stop the proposal at its last rung, compared with the peers it may know; keeps the pruner's
    attributes in `row.attributes`.

    Args:
        pruner: median or halving.
        row: with its accuracies at the rungs so far.
        peers: the decided proposals 0 … n − parallel.
    """
    study = optuna.create_study(
        direction="maximize", storage=optuna.storages.InMemoryStorage(), pruner=_new_pruner(pruner)
    )
    for peer in peers:
        study.add_trial(_with_rungs(peer))
    running = create_trial(
        state=TrialState.RUNNING, intermediate_values=dict(row.rungs), system_attrs=dict(row.attributes)
    )
    study.add_trial(running)
    trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[-1]._trial_id)
    pruned = bool(trial.should_prune())
    row.attributes = dict(study.get_trials(deepcopy=False)[-1].system_attrs)
    return pruned


def _with_rungs(row: ProposalRow) -> FrozenTrial:
    state = STATES[row.state or "FAIL"]
    if state is TrialState.PRUNED and not row.rungs:
        state = TrialState.FAIL  # pruned by another study at rungs that mean nothing here
    return create_trial(
        state=state,
        value=row.value if state is TrialState.COMPLETE else None,
        intermediate_values=dict(row.rungs),
        system_attrs=dict(row.attributes),
    )


def distribution(dimension: Dimension) -> BaseDistribution:
    """Return Optuna's distribution of a dimension."""
    if dimension.choices is not None:
        texts = [value_text(value) if isinstance(value, tuple) else value for value in dimension.choices]
        return CategoricalDistribution(texts)  # a list is a choice by its text: Optuna stores no lists
    assert dimension.low is not None
    assert dimension.high is not None
    if dimension.type is int:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(float(dimension.low), float(dimension.high), log=dimension.log)


def distributions_json(dimensions: Sequence[Dimension]) -> dict[str, str]:
    """Return Optuna's distributions of dimensions, by name, as its own JSON texts."""
    return {
        dimension.name: optuna.distributions.distribution_to_json(distribution(dimension)) for dimension in dimensions
    }


def _new_sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP_PROPOSALS)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_PROPOSALS)


def _new_pruner(name: str) -> optuna.pruners.BasePruner:
    if name == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return optuna.pruners.MedianPruner(n_startup_trials=STARTUP_PROPOSALS, n_warmup_steps=0)
