"""The student alone: cross-entropy with the labels, no teacher."""

from __future__ import annotations

from trainers.methods.record.hyperparameters import Hyperparameters
from trainers.methods.record.method import Method, Needs


class CE(Hyperparameters):
    """Nothing to set."""


CE_METHOD = Method(
    name="ce",
    title="CE",
    version=1,
    hyperparameters=CE,
    needs=Needs.NOTHING,
    summary="cross-entropy with the labels: the student trained alone",
    source="baseline",
)
