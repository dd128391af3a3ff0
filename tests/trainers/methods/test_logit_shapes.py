"""Tensors that do not fit one another are refused by every loss, before anything is computed with them."""

import pytest
import torch
from torch import Tensor

from trainers.methods.dkd import dkd_loss
from trainers.methods.gdkd import gdkd_loss
from trainers.methods.gdkd3 import gdkd3_loss
from trainers.methods.kd import kd_loss

WEIGHTS = {"w0": 1.0, "w1": 1.0, "w2": 1.0, "temperature": 1.0}
LOSSES = {
    "kd": lambda student, teacher: kd_loss(student, teacher, temperature=1.0),
    "dkd": lambda student, teacher: dkd(student, teacher, torch.zeros(3, dtype=torch.long)),
    "gdkd": lambda student, teacher: gdkd_loss(student, teacher, k=2, **WEIGHTS),
    "gdkd3": lambda student, teacher: gdkd3_loss(student, teacher, k=2, **WEIGHTS),
}


def dkd(student: Tensor, teacher: Tensor, target: Tensor) -> Tensor:
    return dkd_loss(student, teacher, target, alpha=1.0, beta=1.0, temperature=1.0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("student", "teacher"),
    [((300,), (300,)), ((1, 3, 300), (1, 3, 300)), ((3, 300), (2, 300)), ((3, 300), (3, 200)), ((3, 300), (300,))],
)
def test_logits_that_are_not_two_of_one_shape_are_refused_with_both(name, student, teacher):
    with pytest.raises(ValueError) as refusal:
        LOSSES[name](torch.zeros(student), torch.zeros(teacher))
    assert f"one shape [B, C], got {[*student]} and {[*teacher]}" in str(refusal.value)


@pytest.mark.parametrize("targets", [1, 2, 4])
def test_dkd_refuses_targets_of_another_number_than_samples(targets):
    logits = torch.zeros(3, 5)
    with pytest.raises(ValueError) as refusal:
        dkd(logits, logits, torch.zeros(targets, dtype=torch.long))
    assert f"a target for each of the 3 samples, got [{targets}]" in str(refusal.value)


@pytest.mark.parametrize("classes", [10, 300])  # sorted whole, and not
@pytest.mark.parametrize("k", [-1, 0, "classes", "more"])
def test_a_k_that_leaves_a_group_empty_is_refused_at_any_number_of_classes(classes, k):
    logits = torch.zeros(3, classes)
    k = {"classes": classes, "more": classes + 1}.get(k, k)
    for loss in (gdkd_loss, gdkd3_loss):
        with pytest.raises(ValueError, match=str(k)):
            loss(logits, logits, k=k, **WEIGHTS)
