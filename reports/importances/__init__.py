"""How much each hyperparameter of a search mattered, by Optuna. The one place of the reports that knows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEST = 0.25
"""Share of the trainings that count as the best ones."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A hyperparameter and where it was searched."""

    name: str
    log: bool
    low: float | None
    """None for choices."""
    high: float | None
    choices: tuple[str, ...] = ()


def importances(
    searched: Sequence[Searched], settings: Sequence[Mapping[str, Any]], scores: Sequence[float]
) -> dict[str, float]:
    """Return how much each hyperparameter decides whether a training is among the best quarter; together they are 1.

    PED-ANOVA, Watanabe, Bansal, Hutter, IJCAI 2023, arXiv:2304.10255: how far a hyperparameter's values among the best
    trainings differ from its values among all. Nothing in it is random, and what was searched on a logarithmic scale
    is looked at on one.

    Args:
        settings: a training's hyperparameters; one that it has not is left out.
        scores: the higher the better.
    """
    import optuna

    kinds = {one.name: _distribution(one) for one in searched}
    by_name = {one.name: one for one in searched}
    optuna.logging.disable_default_handler()
    study = optuna.create_study(direction="maximize", storage=None)
    for setting, score in zip(settings, scores, strict=True):
        params = {name: _value(by_name[name], value) for name, value in setting.items()}
        own = {name: kinds[name] for name in params}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=own, value=score))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(found.get(name, 0.0)) for name in kinds}


def _distribution(one: Searched) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if one.low is None or one.high is None:
        return CategoricalDistribution(one.choices)
    return FloatDistribution(one.low, one.high, log=one.log)


def _value(one: Searched, value: Any) -> Any:
    if one.low is None or one.high is None:
        return str(value)
    return min(max(float(value), one.low), one.high)
