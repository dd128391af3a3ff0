"""Why students must not learn from a teacher, in words: what is known of it when it has been scored."""

from orchestrator.ledger.records import FINAL_TEST_SCORES, TrialRow
from search_spaces import TeacherPlan
from trainers.training.collapse import CURES
from trainers.training.scoring import CLAIMED, REORDERED

LEAST_SHARE = 0.5
"""Of what its file says, a given teacher must score so much."""
CAUSES = (
    "likely causes: classes in another order than the data set's, another normalisation (mean:, std:) or size (size:), "
    "or the weights of another data set"
)


def refusal(row: TrialRow, plan: TeacherPlan) -> str:
    """Return why a teacher that has ended is refused, with the way out; empty where it is taken."""
    if row.state != "COMPLETE" or plan.accept:
        return ""
    reasons = [row.collapsed, *_of_file(row.metrics)] if plan.scoring is not None else [row.collapsed]
    told = "; ".join(filter(None, reasons))
    if not told:
        return ""
    way_out = f"teachers.{plan.model}.accept: true takes it all the same"
    causes = CURES if plan.scoring is None else CAUSES
    return (
        f"the teacher {plan.model} on {plan.dataset} is refused, and students do not start: {told}; {causes}; {way_out}"
    )


def _of_file(metrics: dict[str, float]) -> list[str]:
    score = next((metrics[name] for name in FINAL_TEST_SCORES if name in metrics), None)
    claimed, reordered = metrics.get(CLAIMED), metrics.get(REORDERED)
    found = []
    if score is not None and claimed is not None and score < LEAST_SHARE * claimed:
        found.append(f"it scores {score:.1f} %, its file says {claimed:.1f} %")
    if score is not None and reordered is not None:
        found.append(f"it scores {score:.1f} %, and {reordered:.1f} % if its classes were in another order")
    return found
