"""MLflow, and nothing else in this room knows it: where results are kept for people and for the report."""

from orchestrator.mlflow_store.adoption import TakenRun, known_runs, taken_runs
from orchestrator.mlflow_store.location import TrackingError, artifact_folder, check_answers, tracking_uri
from orchestrator.mlflow_store.schema_mark import is_known
from orchestrator.mlflow_store.target import MlflowTarget

__all__ = [
    "MlflowTarget",
    "TakenRun",
    "TrackingError",
    "artifact_folder",
    "check_answers",
    "is_known",
    "known_runs",
    "taken_runs",
    "tracking_uri",
]
