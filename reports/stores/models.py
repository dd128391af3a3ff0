"""Networks as MLflow's users load them."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from trainers.own.importing import PREFIX

if TYPE_CHECKING:
    from torch import nn

REQUIRED = ("torch", "torchvision", "timm")
"""Packages that a network is loaded with, besides this one for networks of its own."""
Shape = tuple[int, ...]
"""Of a tensor of float32; -1: of any size."""


def logged_model(
    uri: str, run_id: str, name: str, key: str, load: "Callable[[], nn.Module]", inputs: Shape, outputs: Shape
) -> str:
    """Log a network with `mlflow.pytorch`, unless its run has it already, and return its address in MLflow.

    Args:
        uri: of the tracking store.
        key: of the trial that trained it.
        load: gives the network.
    """
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    client = mlflow.MlflowClient(uri)
    run = client.get_run(run_id)
    for known in run.outputs.model_outputs if run.outputs is not None else ():
        model = client.get_logged_model(known.model_id)
        if model.tags.get("trial_key") == key:
            return str(model.model_uri)
    kind = np.dtype("float32")
    signature = ModelSignature(inputs=Schema([TensorSpec(kind, inputs)]), outputs=Schema([TensorSpec(kind, outputs)]))
    before = os.environ.get("MLFLOW_TRACKING_URI")  # whoever sets it, MLflow keeps it there, too
    mlflow.set_tracking_uri(uri)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of MLflow's own type hints, as it is loaded
            network = load()
            # in the run's experiment, whose artifacts lie in the home: MLflow's own has them in the working folder
            kept = client.create_logged_model(
                run.info.experiment_id, name=name, source_run_id=run_id, tags={"trial_key": key}, params=run.data.params
            )
            with own_code_whole():
                logged = mlflow.pytorch.log_model(
                    network,
                    name=name,
                    signature=signature,
                    run_id=run_id,
                    model_id=kept.model_id,
                    serialization_format="pickle",
                    pip_requirements=[f"{package}=={version(package)}" for package in REQUIRED],
                )
    finally:
        mlflow.set_tracking_uri(before)
    return str(logged.model_uri)


@contextlib.contextmanager
def own_code_whole() -> Iterator[None]:
    """Have code of somebody's own go into pickles: no other process finds the modules that it is from."""
    import cloudpickle

    packages = [sys.modules[name] for name in [*sys.modules] if name.startswith(PREFIX) and "." not in name]
    for package in packages:
        cloudpickle.register_pickle_by_value(package)
    try:
        yield
    finally:
        for package in packages:
            cloudpickle.unregister_pickle_by_value(package)
