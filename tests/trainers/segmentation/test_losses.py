"""The losses of a step: those of loops over pixels, written from the papers; and batches in which nothing counts."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.trainers.segmentation.rows import pixel_rows
from trainers import methods
from trainers.segmentation import distill_pixels, task_loss

T = 2.0
ALONE = {"ce_weight": 0.0, "weight": 1.0, "warmup_epochs": 0.0, "temperature": T}
WEIGHTS = {"w0": 0.5, "w1": 1.5, "w2": 2.0, "k": 3}
Pair = tuple[list[float], list[float]]
"""Logits of student and teacher for a pixel."""


def batch(*, batch: int = 2, classes: int = 7, high: int = 3, wide: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits of student and teacher [B, C, h, w] in float64, and labels [B, 8 h − 3, 8 w], a third ignored."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, batch, classes, high, wide, generator=generator, dtype=torch.float64) * 3
    labels = torch.randint(classes, (batch, 8 * high - 3, 8 * wide), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 1 / 3] = 255
    return student, teacher, labels


def pixels(student: Tensor, teacher: Tensor, labels: Tensor) -> list[tuple[Pair, int]]:
    """Return logits and class of each pixel that has one."""
    images, _, high, wide = student.shape
    found = []
    for image in range(images):
        for y in range(high):
            for x in range(wide):
                label = int(labels[image, y * labels.shape[1] // high, x * labels.shape[2] // wide])
                if label != 255:
                    found.append(((student[image, :, y, x].tolist(), teacher[image, :, y, x].tolist()), label))
    return found


def softmax(logits: Sequence[float]) -> list[float]:
    powers = [math.exp(z / T) for z in logits]
    return [power / sum(powers) for power in powers]


def kl(teacher: Sequence[float], student: Sequence[float]) -> float:
    """Return the KL of two lists of masses, each brought to a sum of 1."""
    theirs, ours = ([mass / sum(masses) for mass in masses] for masses in (teacher, student))
    return sum(t * math.log(t / s) for t, s in zip(theirs, ours, strict=True))


def groups_loss(pair: Pair, groups: Sequence[Sequence[int]], w0: float, inside: Sequence[float]) -> float:
    student, teacher = ([[softmax(z)[c] for c in group] for group in groups] for z in pair)
    between = kl([sum(g) for g in teacher], [sum(g) for g in student])
    return T**2 * (w0 * between + sum(w * kl(t, s) for w, t, s in zip(inside, teacher, student, strict=True)))


def of_kd(pair: Pair, _target: int) -> float:
    return T**2 * kl(softmax(pair[1]), softmax(pair[0]))


def of_dkd(pair: Pair, target: int) -> float:
    return groups_loss(pair, [[target], [c for c in range(len(pair[0])) if c != target]], 1.5, [0.0, 2.5])


def of_gdkd(pair: Pair, _target: int) -> float:
    ranking = sorted(range(len(pair[1])), key=lambda c: -pair[1][c])
    return groups_loss(pair, [ranking[:3], ranking[3:]], 0.5, [1.5, 2.0])


def of_gdkd3(pair: Pair, _target: int) -> float:
    ranking = sorted(range(len(pair[1])), key=lambda c: -pair[1][c])
    return groups_loss(pair, [ranking[:1], ranking[1:3], ranking[3:]], 0.5, [0.0, 1.5, 2.0])


def dist(pairs: Sequence[Pair]) -> float:
    student, teacher = ([softmax(pair[role]) for pair in pairs] for role in (0, 1))
    between_classes = sum(1 - pearson(s, t) for s, t in zip(student, teacher, strict=True)) / len(pairs)
    columns = list(zip(zip(*student, strict=True), zip(*teacher, strict=True), strict=True))
    between_pixels = sum(1 - pearson(s, t) for s, t in columns) / len(columns)
    return T**2 * (1.5 * between_classes + 0.5 * between_pixels)


def pearson(left: Sequence[float], right: Sequence[float]) -> float:
    left, right = ([one - sum(numbers) / len(numbers) for one in numbers] for numbers in (left, right))
    size = math.hypot(*left) * math.hypot(*right)
    return sum(a * b for a, b in zip(left, right, strict=True)) / (size + 1e-8)


def standardized(logits: list[float]) -> list[float]:
    mean = sum(logits) / len(logits)
    spread = math.sqrt(sum((z - mean) ** 2 for z in logits) / (len(logits) - 1))
    return [(z - mean) / (spread + 1e-7) for z in logits]


BY_PIXEL: dict[str, tuple[dict[str, float], Callable[[Pair, int], float]]] = {
    "kd": ({}, of_kd),
    "dkd": ({"alpha": 1.5, "beta": 2.5}, of_dkd),
    "gdkd": (WEIGHTS, of_gdkd),
    "gdkd3": (WEIGHTS, of_gdkd3),
}


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("name", [*BY_PIXEL, "dist"])
def test_each_method_gives_what_a_loop_over_the_pixels_gives(name, standardize):
    student, teacher, labels = batch()
    found = pixels(student, teacher, labels)
    pairs = [pair for pair, _ in found]
    if standardize:
        pairs = [(standardized(ours), standardized(theirs)) for ours, theirs in pairs]
    own, of_pixel = BY_PIXEL.get(name, ({"beta": 1.5, "gamma": 0.5}, None))
    expected = (
        sum(of_pixel(pair, target) for pair, (_, target) in zip(pairs, found, strict=True)) / len(found)
        if of_pixel
        else dist(pairs)
    )
    method = methods.build(name, **{**ALONE, **own, "standardize": standardize})
    rows, targets = pixel_rows(student, labels)
    assert 0 < len(rows) == len(found) < student[:, 0].numel()
    assert method(rows, pixel_rows(teacher, labels)[0], targets, 1)["loss"].item() == pytest.approx(expected)
    assert distill_pixels(method, (student, None), (teacher, None), labels, 1)["loss"].item() == pytest.approx(expected)


@pytest.mark.parametrize("name", [*BY_PIXEL, "dist"])
def test_ignored_pixels_change_nothing(name):
    student, teacher, labels = batch()
    student.requires_grad_()
    method = methods.build(name, **ALONE, **({"k": 3} if name.startswith("gdkd") else {}))

    def run() -> tuple[float, Tensor]:
        loss = distill_pixels(method, (student, None), (teacher, None), labels, 1)["loss"]
        return loss.item(), torch.autograd.grad(loss, student)[0]

    loss, gradient = run()
    images, _, high, wide = student.shape
    rows, columns = (torch.arange(n) * m // n for n, m in zip((high, wide), labels.shape[1:], strict=True))
    ignored = labels[:, rows[:, None], columns] == 255
    assert ignored.shape == (images, high, wide)
    with torch.no_grad():
        student.mul_(1 + 5 * ignored[:, None])
    other, other_gradient = run()
    assert other == loss
    assert torch.equal(other_gradient, gradient)
    assert (gradient.abs().sum(1) == 0)[ignored].all()


@pytest.mark.parametrize("name", ["ce", "kd", "dkd", "gdkd", "gdkd3", "dist"])
def test_a_batch_in_which_nothing_counts_has_no_loss_and_no_gradient(name):
    student, teacher, labels = batch()
    student.requires_grad_()
    method = methods.build(name)
    given = None if name == "ce" else (teacher, teacher)
    terms = distill_pixels(method, (student, student), given, torch.full_like(labels, 255), 1)
    terms["loss"].backward()
    assert terms["loss"].item() == 0
    assert (student.grad == 0).all()


def test_labels_that_no_small_pixel_takes_still_count_in_the_cross_entropy():
    student, teacher, labels = batch()
    labels[:] = 255
    labels[:, 1, 1] = 3
    terms = distill_pixels(methods.build("kd", ce_weight=0.25), (student, None), (teacher, None), labels, 1)
    assert terms["loss"].item() == pytest.approx(0.25 * task_loss(student, labels).item())
    assert terms["ce"] > 0


def test_the_cross_entropy_is_that_of_the_labels_size_over_the_pixels_with_a_class():
    student, _, labels = batch()
    large = functional.interpolate(student, labels.shape[1:], mode="bilinear", align_corners=True)
    each = [-large[b, :, y, x].log_softmax(0)[labels[b, y, x]] for b, y, x in (labels != 255).nonzero().tolist()]
    expected = sum(each) / len(each)
    torch.testing.assert_close(task_loss(student, labels), expected)
    torch.testing.assert_close(task_loss(student, labels.to(torch.uint8), student), 1.4 * expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert task_loss(student.bfloat16(), labels).dtype == torch.float32


def test_terms_are_weighted_and_auxiliary_heads_are_compared_where_both_networks_have_one():
    student, teacher, labels = batch()
    method = methods.build("kd", ce_weight=0.25, weight=3.0)
    ce = task_loss(student, labels, -student)
    rows, targets = pixel_rows(student, labels)
    theirs, _ = pixel_rows(teacher, labels)
    main = method(rows, theirs, targets, 1)["kd"]
    aux = method(-rows, 2 * theirs, targets, 1)["kd"]
    terms = distill_pixels(method, (student, -student), (teacher, 2 * teacher), labels, 1)
    torch.testing.assert_close(terms["loss"], 0.25 * ce + 3 * (main + 0.4 * aux))
    torch.testing.assert_close((terms["ce"], terms["kd"]), (ce, main))
    terms = distill_pixels(method, (student, -student), (teacher, None), labels, 1)
    torch.testing.assert_close(terms["loss"], 0.25 * ce + 3 * main)


def test_a_teacher_of_another_size_is_resized():
    student, teacher, labels = batch()
    large = functional.interpolate(teacher, (5, 9), mode="bilinear", align_corners=True)  # holds every second pixel
    method = methods.build("kd")
    terms = (distill_pixels(method, (student, None), (one, None), labels, 1) for one in (teacher, large))
    torch.testing.assert_close(*(one["loss"] for one in terms))
