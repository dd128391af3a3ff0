"""Golden values: loss and gradient as the reference implementation of the papers gives them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainers.methods.logits import with_gradient
from trainers.methods import standardize
from trainers.methods.dist import dist_loss
from trainers.methods.dkd import dkd_loss
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.kd import kd_loss
from trainers.methods.mlkd import mlkd_loss

with np.load(Path(__file__).parents[2] / "golden" / "logit_losses.npz") as file:
    GOLDEN = {name: file[name] for name in file.files}
LOSSES = {
    "kd": kd_loss,
    "dkd": dkd_loss,
    "gdkd": gdkd_loss,
    "gdkd3": gdkd3_loss,
    "dist": dist_loss,
    "mlkd": mlkd_loss,
}
READY = (
    "kd", "dkd", "dist", "mlkd", "gdkd3_k2", "gdkd3_k4", "gdkd3_k19",
    *(f"gdkd_k{k}_{kl}" for k in (1, 5, 19) for kl in ("forward", "reverse", "both")),
    "ls_kd", *(f"ls_gdkd_global_k{k}" for k in (1, 5, 19)),
)  # fmt: skip


def test_every_case_of_the_file_is_compared():
    assert {name.split("/")[0] for name in GOLDEN if "/" in name} == {*READY}


@pytest.mark.parametrize("case", READY)
def test_loss_and_gradient_equal_the_reference(case):
    student, teacher, target = (torch.from_numpy(GOLDEN[name]) for name in ("student", "teacher", "target"))
    name = case.removeprefix("ls_").split("_")[0]
    labels = (target,) if name == "dkd" else ()

    def loss(logits, **arguments):
        if case.startswith("ls_"):
            return LOSSES[name](standardize(logits), standardize(teacher), *labels, **arguments)
        return LOSSES[name](logits, teacher, *labels, **arguments)

    value, gradient = with_gradient(loss, student, **json.loads(str(GOLDEN[f"{case}/args"])))
    np.testing.assert_allclose(value.numpy(), GOLDEN[f"{case}/loss"], rtol=1e-9)
    np.testing.assert_allclose(gradient.numpy(), GOLDEN[f"{case}/grad"], rtol=1e-9, atol=1e-15)
