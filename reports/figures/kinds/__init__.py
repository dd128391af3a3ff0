"""All kinds of figures, in the order in which a report has them: a file each, and a line here."""

from reports.figures.kinds import budget, cost, over_values, ranks, settings_map, teacher_profile, training

ALL = {  # as a person would call it -> what makes figures of results and a board, or says why there are none
    "accuracy over a hyperparameter": over_values.build,
    "accuracy against search budget": budget.build,
    "map of settings": settings_map.build,
    "training curves": training.build,
    "ranks over pairs": ranks.build,
    "cost against accuracy": cost.build,
    "profile of the teacher": teacher_profile.build,
}
