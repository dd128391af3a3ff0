"""All trials that a run has to see ended: which of them could start now, and which wait for a teacher."""

from collections.abc import Collection

from orchestrator.ledger.records import TrialRow
from orchestrator.planning.jobs import Job
from orchestrator.planning.queues import Ready
from orchestrator.planning.recording import Recording
from orchestrator.planning.teaching import Teaching
from search_spaces import Sweep
from trainers.trials.trial import Trial


class Roster:
    """The jobs of a run.

    Attributes:
        ready: those that wait for nothing but a worker.
    """

    def __init__(self, recording: Recording, teaching: Teaching) -> None:
        self._recording = recording
        self._teaching = teaching
        self._jobs: dict[str, Job] = {}
        self._blocked: dict[str, list[Job]] = {}
        """Students, by the key of the trial that trains or scores their teacher."""
        self.ready = Ready()

    def add(self, sweep: Sweep, key: str, trial: Trial, phase: str, *, reruns_pruned: bool = True) -> Job:
        """Return the job of a trial, which is queued where it is to be run.

        Args:
            reruns_pruned: PRUNED is not a result for whoever asks.
        """
        job = self._jobs.get(key)
        if job is None:
            job = Job(key, trial, phase, sweep, self._recording.state(key), reruns_pruned)
            job.state = "WAITING" if job.state == "FAIL" else job.state
            self._jobs[key] = job
            if not job.ended:
                self.queue(job)
        elif reruns_pruned and not job.reruns_pruned:
            self.rerun(job)
        job.predictions |= phase != "search" and sweep.keeps_predictions(trial.dataset)
        return job

    def rerun(self, job: Job) -> None:
        """Have a trial trained to its end, whoever has stopped it or would."""
        job.reruns_pruned = True
        if job.state == "PRUNED":
            self.queue(job)

    def queue(self, job: Job) -> None:
        """Have a job start when its turn comes and its teacher is there."""
        goes_on = job.phase == "confirm" or job.state in ("INTERRUPTED", "PRUNED")  # its teacher was good enough then
        given = job.trial.role == "given"
        trainer = None if given else self._teaching.awaited(job.trial.dataset, job.trial.teacher)
        if trainer is not None and not self.can_teach(trainer, goes_on=goes_on):
            self._blocked.setdefault(trainer.key, []).append(job)
        else:
            self.ready.put(job)

    def can_teach(self, trainer: Job, *, goes_on: bool) -> bool:
        """Return whether students may start; where a teacher's weights are gone, see to it that it is trained again."""
        was, can = trainer.state, self._teaching.can_teach(trainer, goes_on=goes_on)
        if trainer.state != was:
            self.queue(trainer)
        return can

    def taught(self, key: str) -> None:
        """Let the students start that have waited for a teacher."""
        for blocked in self._blocked.pop(key, []):
            self.ready.put(blocked)

    def awaited(self) -> Collection[str]:
        """Return the keys of the teachers that students wait for."""
        return self._blocked.keys()

    def curve(self, key: str) -> dict[int, dict[str, float]]:
        """Return the values of the epochs of a trial that were reported in this run."""
        return self._jobs[key].curve if key in self._jobs else {}

    def ended_row(self, key: str) -> TrialRow | None:
        """Return the record of a trial that has ended for this run."""
        return self._recording.row(key) if key in self._jobs and self._jobs[key].ended else None
