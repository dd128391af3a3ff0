"""All kinds of figures, in the order in which a report has them: a file each, and a line here."""

from reports.figures.kinds import (
    agreement,
    budget,
    cost,
    over_values,
    ranks,
    settings_map,
    teacher_profile,
    teacher_ranks,
    training,
)

ALL = {  # as a person would call it -> what makes figures of results and a board, or says why there are none
    "accuracy over a hyperparameter": over_values.build,
    "accuracy against search budget": budget.build,
    "map of settings": settings_map.build,
    "training curves": training.build,
    "ranks over pairs": ranks.build,
    "cost against accuracy": cost.build,
    "agreement with the teacher": agreement.build,
    "accuracy by the teacher's ranks": teacher_ranks.build,
    "profile of the teacher": teacher_profile.build,
}
