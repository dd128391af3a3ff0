"""Jobs that could start now, in the order of their turn, and which of them see the same batches."""

from collections import deque

from orchestrator.planning.jobs import Job

PHASES = ("teacher", "search", "fixed", "confirm")
"""In the order of their turn."""


class Ready:
    """The jobs that wait for nothing but a worker."""

    def __init__(self) -> None:
        self._jobs: dict[str, deque[Job]] = {phase: deque() for phase in PHASES}

    def __len__(self) -> int:
        return sum(map(len, self._jobs.values()))

    def put(self, job: Job, *, first: bool = False) -> None:
        """Put a job behind those of its phase, or before them."""
        line = self._jobs[job.phase]
        (line.appendleft if first else line.append)(job)

    def has(self, phase: str) -> bool:
        """Return whether a job of the phase could start."""
        return bool(self._jobs[phase])

    def take(self, phase: str) -> Job:
        """Return the phase's first job, which is ready no more."""
        return self._jobs[phase].popleft()

    def beside(self, job: Job, most: int) -> list[Job]:
        """Return jobs that see the same batches as this one, at most so many, which are ready no more."""
        found: list[Job] = []
        batches = _batches(job)
        for phase in PHASES if batches is not None else ():
            same = [one for one in self._jobs[phase] if _batches(one) == batches][: most - len(found)]
            if same:
                taken = {one.key for one in same}
                self._jobs[phase] = deque(one for one in self._jobs[phase] if one.key not in taken)
                found += same
        return found


def _batches(job: Job) -> tuple[object, ...] | None:
    """Return what decides which batches a trial sees, and how its worker is set up; None where it trains alone: after
    a loss, since whatever took its worker may be its own, and where its step is compiled or there is none."""
    trial, recipe = job.trial, job.trial.recipe
    if job.lost or trial.role == "given" or recipe.compile:
        return None
    seen = (trial.dataset, trial.data_digest, trial.view_set, trial.views, trial.split, trial.role, trial.seed)
    cut = (recipe.batch_size, recipe.accumulate, recipe.epoch_steps, recipe.mixup, trial.last_image)
    return (job.sweep.name, *seen, *cut)
