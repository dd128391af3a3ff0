"""Training one student from Python: `trainers.training.distill` by a name that stays."""

from trainers.training.distill import Training, distill

__all__ = ["Training", "distill"]
