"""Whom students of a run wait for, and whether they may learn from it."""

from collections.abc import Callable, Collection

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import FINAL_TEST_SCORES, TrialRow
from orchestrator.planning.jobs import Job
from search_spaces import TeacherPlan
from trainers.training.tasks.collapse import CURES
from trainers.training.teaching.scoring import CLAIMED, REORDERED
from trainers.trials.trial import Teacher, canonical_json, teacher_content

LEAST_SHARE = 0.5
"""Of what its file says, a given teacher must score so much."""
CAUSES = (
    "likely causes: classes in another order than the data set's, another normalisation (mean:, std:) or size (size:), "
    "or the weights of another data set"
)


class Teaching:
    """The teachers of a run, by the trials that train or score them.

    Args:
        has_weights: whether those of a teacher that has been trained can be had.
        is_renewed: whether the weights of a teacher that has just been trained are others than they were.
    """

    def __init__(self, ledger: Ledger, has_weights: Callable[[str], bool], is_renewed: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._has_weights = has_weights
        self._is_renewed = is_renewed
        self._plans: dict[str, TeacherPlan] = {}
        """By the key of the trial that trains or scores the teacher."""
        self._trained: dict[str, Job] = {}
        self._scored: dict[str, Job] = {}
        """By what students know of a given teacher."""
        self._refusals: dict[str, str] = {}
        """Why teachers are refused, in words, by the key of the trial that trained or scored them."""
        self._renewed: set[str] = set()

    def take_up(self, plan: TeacherPlan, job: Job) -> None:
        """Take a teacher of a sweep with the job that trains or scores it."""
        if job.trial.role == "given" and job.trial.teacher is not None:
            self._scored[_known_as(plan.dataset, job.trial.teacher)] = job
        else:
            self._trained[job.key] = job
        if job.key not in self._plans or plan.accept:
            self._plans[job.key] = plan
        self._judge(job)

    def _judge(self, job: Job) -> None:
        self._refusals.pop(job.key, None)
        row = self._ledger.trial(job.key) if job.state == "COMPLETE" else None
        words = "" if row is None else refusal(row, self._plans[job.key])
        if words:
            self._refusals[job.key] = words

    def awaited(self, dataset: str, teacher: Teacher | None) -> Job | None:
        """Return the job that students of a teacher have to wait for; None where there is none."""
        if teacher is None:
            return None
        return self._trained.get(teacher.id) or self._scored.get(_known_as(dataset, teacher))

    def ended(self, job: Job) -> bool:
        """Take the end of any trial; return whether what has waited for it may go on."""
        if job.key in self._plans:
            self._judge(job)
        if job.state == "COMPLETE" and job.trial.role == "teacher" and self._is_renewed(job.key):
            self._renewed.add(job.key)
        return self.is_good(job) and job.key not in self._renewed

    def is_good(self, job: Job, *, goes_on: bool = False) -> bool:
        """Return whether a teacher is there and not refused.

        Args:
            goes_on: the student has begun; its teacher was good enough then.
        """
        return job.state == "COMPLETE" and (goes_on or job.key not in self._refusals)

    def can_teach(self, job: Job, *, goes_on: bool) -> bool:
        """Return whether students may start; a teacher whose weights are gone is to be trained again: it waits then."""
        if not self.is_good(job, goes_on=goes_on) or job.key in self._renewed:
            return False
        if job.trial.role != "given" and not self._has_weights(job.key):
            job.state = "WAITING"
        return job.state == "COMPLETE"

    def refused(self, awaited: Collection[str]) -> list[str]:
        """Return why those are refused that somebody waits for, in words."""
        return [words for key, words in self._refusals.items() if key in awaited]


def _known_as(dataset: str, teacher: Teacher) -> str:
    """Return what tells a given teacher from any other: its weights, and how it sees a data set's images."""
    return canonical_json([dataset, teacher_content(teacher)])


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
