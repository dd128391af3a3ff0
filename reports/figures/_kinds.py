"""All kinds of figures, in the order in which a report has them."""

from reports.figures._base import Kind
from reports.figures.kinds import (
    budget,
    cost,
    over_values,
    ranks,
    settings_map,
    teacher_profile,
    training,
)

ALL = (
    Kind("accuracy over a hyperparameter", over_values.Figure, over_values.build, over_values.draw),
    Kind("accuracy against search budget", budget.Budget, budget.build, budget.draw),
    Kind("map of settings", settings_map.Maps, settings_map.build, settings_map.draw),
    Kind("training curves", training.Training, training.build, training.draw),
    Kind("ranks over pairs", ranks.Ranks, ranks.build, ranks.draw),
    Kind("cost against accuracy", cost.Cost, cost.build, cost.draw),
    Kind("profile of the teacher", teacher_profile.Profiles, teacher_profile.build, teacher_profile.draw),
)
