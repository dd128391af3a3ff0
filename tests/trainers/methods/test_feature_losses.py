"""The pure losses of feature methods: golden values, values worked by hand, gradients, and what they are blind to."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from tests.trainers.methods.logits import random_logits
from trainers.methods.at import at_loss
from trainers.methods.crd import nce_loss
from trainers.methods.fitnet import fitnet_loss
from trainers.methods.kdsvd import kdsvd_loss
from trainers.methods.nst import nst_loss
from trainers.methods.ofd import margins, ofd_loss
from trainers.methods.pkt import pkt_loss
from trainers.methods.reviewkd import hcl_loss
from trainers.methods.rkd import rkd_loss
from trainers.methods.sp import sp_loss
from trainers.methods.terms.layers import compared, matched, pooled, resized, same_size, spatial, unit
from trainers.methods.terms.places import cells
from trainers.methods.vid import vid_loss

with np.load(Path(__file__).parents[2] / "golden" / "feature_losses.npz") as file:
    GOLDEN = {name: file[name] for name in file.files}
OF_MAPS = {"at_p2": at_loss, "nst": nst_loss, "sp": sp_loss, "hcl": hcl_loss}
OF_VECTORS = {"rkd": rkd_loss, "pkt": pkt_loss}
of_maps = pytest.mark.parametrize("loss", [at_loss, nst_loss, sp_loss, hcl_loss, kdsvd_loss])
of_vectors = pytest.mark.parametrize("loss", [rkd_loss, pkt_loss])
BATCH = 3


def maps(*shapes, seed=0, relu=False):
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(BATCH, *shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [one.relu() if relu else one for one in drawn]


def vectors(seed=0):
    return random_logits(5, 4, seed=seed)[:2]


def checked(loss, *inputs):
    """Compare the gradient with differences of the loss."""
    return gradcheck(loss, [one.clone().requires_grad_() for one in inputs])


def test_every_golden_case_is_compared():
    cases = {name.split("/")[0] for name in GOLDEN if "/" in name}
    assert cases == {*OF_MAPS, *OF_VECTORS}


@pytest.mark.parametrize("case", [*OF_MAPS, *OF_VECTORS])
def test_loss_and_gradient_equal_the_reference(case):
    lists = case in OF_MAPS
    names = [f"maps_STUDENT_{i}" for i in range(2)] if lists else ["vector_STUDENT"]
    ours, theirs = (
        [torch.from_numpy(GOLDEN[name.replace("STUDENT", whose)]) for name in names] for whose in ("student", "teacher")
    )
    for one in ours:
        one.requires_grad_()
    arguments = json.loads(str(GOLDEN[f"{case}/args"]))
    value = OF_MAPS[case](ours, theirs, **arguments) if lists else OF_VECTORS[case](ours[0], theirs[0], **arguments)
    value.backward()
    assert value.shape == ()
    np.testing.assert_allclose(value.detach().numpy(), GOLDEN[f"{case}/loss"].squeeze(), rtol=1e-9)
    for i, one in enumerate(ours):
        np.testing.assert_allclose(one.grad.numpy(), GOLDEN[f"{case}/grad_{i}"], rtol=1e-9, atol=1e-15)


@of_maps
def test_losses_of_maps_are_0_at_equality_and_positive_elsewhere(loss):
    ours, theirs = maps((3, 4, 4), (5, 3, 3)), maps((3, 4, 4), (5, 3, 3), seed=1)
    torch.testing.assert_close(loss(theirs, theirs), torch.zeros((), dtype=torch.float64))
    assert loss(ours, theirs) > 0


@of_maps
def test_the_gradient_of_losses_of_maps_is_right(loss):
    theirs = maps((3, 4, 4), (5, 3, 3), seed=1)
    assert checked(lambda *ours: loss(ours, theirs), *maps((3, 4, 4), (5, 3, 3)))


@pytest.mark.parametrize("loss", [at_loss, nst_loss, sp_loss, kdsvd_loss])
def test_losses_of_maps_take_other_channels_and_sizes(loss):
    theirs = maps((5, 3, 3), (5, 3, 3), seed=1)
    assert checked(lambda *ours: loss(ours, theirs), *maps((3, 6, 6), (2, 2, 2)))


@of_maps
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_flat_maps_have_finite_losses_and_gradients(loss, value):
    ours = [torch.full_like(one, value).requires_grad_() for one in maps((3, 4, 4), (5, 3, 3))]
    theirs = maps((3, 4, 4), (5, 3, 3), seed=1)
    for given in (theirs, [torch.full_like(one, value) for one in theirs]):
        found = loss(ours, given)
        assert torch.isfinite(found)
        assert all(grad.isfinite().all() for grad in torch.autograd.grad(found, ours))


@of_maps
def test_the_teachers_maps_are_constants(loss):
    ours, theirs = maps((3, 4, 4), (5, 3, 3)), maps((3, 4, 4), (5, 3, 3), seed=1)
    assert not loss(ours, [one.requires_grad_() for one in theirs]).requires_grad


@of_maps
def test_lists_of_different_length_are_refused_not_cut(loss):
    with pytest.raises(ValueError):
        loss(maps((3, 4, 4), (5, 3, 3)), maps((3, 4, 4)))


@pytest.mark.parametrize("p", [1, 2, 4])
def test_at_is_blind_to_the_size_of_the_activations(p):
    ours, theirs = maps((3, 4, 4)), maps((3, 4, 4), seed=1)
    torch.testing.assert_close(at_loss([3 * ours[0]], theirs, p=p), at_loss(ours, [5 * theirs[0]], p=p))


def test_at_by_hand():
    ours, theirs = torch.tensor([[[[3.0, 0.0]], [[0.0, 3.0]]]]), torch.tensor([[[[2.0, 0.0]]]])
    a = 1 / math.sqrt(2)  # both pixels alike against the first alone
    assert at_loss([ours], [theirs]).item() == pytest.approx(((a - 1) ** 2 + a**2) / 2)


@pytest.mark.parametrize("shape", [(2, 4, 4), (9, 2, 2)])
def test_nst_is_the_discrepancy_by_its_definition(shape):
    """Few channels and few pixels go through different matrices."""
    ours, theirs = maps(shape)[0], maps((shape[0] + 1, *shape[1:]), seed=1)[0]
    a, b = unit(ours.flatten(2), 2), unit(theirs.flatten(2), 2)

    def mean(x, y):
        return torch.stack([(p @ q) ** 2 for one, two in zip(x, y, strict=True) for p in one for q in two]).mean()

    torch.testing.assert_close(nst_loss([ours], [theirs]), mean(a, a) + mean(b, b) - 2 * mean(a, b))


def test_sp_by_hand():
    ours, theirs = torch.eye(2).reshape(2, 2, 1, 1), torch.ones(2, 1, 1, 1)
    a = 1 / math.sqrt(2)  # rows (1, 0), (0, 1) against (a, a), (a, a)
    assert sp_loss([ours], [theirs]).item() == pytest.approx(2 * ((1 - a) ** 2 + a**2) / 4)


def test_hcl_by_hand():
    ours, theirs = torch.zeros(1, 1, 2, 2), torch.tensor([[[[2.0, 0.0], [0.0, 0.0]]]])
    whole, mean = 4 / 4, 0.5**2  # 4 and 2 are not smaller than the map: left out
    assert hcl_loss([ours], [theirs]).item() == pytest.approx((whole + mean / 2) / 1.5)


@of_vectors
def test_losses_of_vectors_are_0_at_equality_and_positive_elsewhere(loss):
    ours, theirs = vectors()
    torch.testing.assert_close(loss(theirs, theirs), torch.zeros((), dtype=torch.float64))
    assert loss(ours, theirs) > 0


@of_vectors
def test_the_gradient_of_losses_of_vectors_is_right(loss):
    ours, theirs = vectors()
    assert checked(lambda one: loss(one, theirs[:, :3].requires_grad_()), ours)


@of_vectors
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_vectors_and_vectors_of_zeros_have_finite_and_moderate_gradients(loss, dtype):
    ours, theirs = (one.to(dtype) for one in vectors())
    ours[1] = ours[0]
    ours[2] = 0
    (gradient,) = torch.autograd.grad(loss(ours.requires_grad_(), theirs), ours)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 1e3
    same = torch.ones_like(ours, requires_grad=True)
    assert torch.autograd.grad(loss(same, theirs), same)[0].isfinite().all()
    one = ours[:1].detach().requires_grad_()
    assert torch.autograd.grad(loss(one, theirs[:1]), one)[0].isfinite().all()


def test_rkd_is_blind_to_scale_shift_and_rotation():
    _, theirs = vectors()
    turn = torch.linalg.qr(vectors(seed=1)[0][:4])[0]
    assert rkd_loss(3 * theirs @ turn + 1, theirs).item() == pytest.approx(0, abs=1e-12)


def test_rkd_by_hand():
    ours, theirs = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[0.0], [0.0], [3.0]])
    distances = [abs(a - b) for a, b in ((0.75, 0), (1.5, 1.5), (0.75, 1.5))]  # over the means 4/3 and 2
    expected = 2 * sum(one**2 / 2 for one in distances) / 9
    assert rkd_loss(ours, theirs, distance_weight=1, angle_weight=0).item() == pytest.approx(expected, rel=1e-5)


def test_fitnet_and_vid_have_right_gradients_and_minima():
    ours, theirs = maps((2, 4, 4))[0], maps((2, 2, 2), seed=1)[0]
    variance = torch.tensor([0.5, 2.0], dtype=torch.float64)
    assert checked(lambda one: fitnet_loss(one, theirs), ours)
    assert checked(lambda one, two: vid_loss(one, theirs, two), ours, variance)
    assert fitnet_loss(theirs, theirs) == 0
    torch.testing.assert_close(vid_loss(theirs, theirs, variance), variance.log().mean() / 2)


def test_the_margin_of_a_channel_is_the_mean_of_what_is_negative():
    given = torch.tensor([[[[-1.0, 2.0]], [[1.0, 0.0]]], [[[-3.0, 0.0]], [[5.0, 7.0]]]])
    assert margins(given).tolist() == [-2.0, 0.0]


def test_ofd_asks_for_nothing_where_the_teacher_is_dropped_and_the_student_is_below():
    margin = torch.tensor([-1.0])
    for ours, theirs, expected in (
        (-3.0, -0.5, 0.0),  # below what is dropped anyhow
        (0.5, -0.5, 1.0),  # above it
        (0.0, -9.0, 1.0),  # the margin stands for the teacher
        (-2.0, 1.0, 9.0),  # the teacher is positive
    ):
        assert ofd_loss(torch.full((1, 1, 1, 1), ours), torch.full((1, 1, 1, 1), theirs), margin).item() == expected
    ours, theirs = maps((2, 3, 3))[0], maps((2, 3, 3), seed=1)[0]
    assert checked(lambda one: ofd_loss(one, theirs, margins(theirs)), ours)


def test_nce_is_the_cross_entropy_of_telling_one_image_from_noise():
    scores = random_logits(3, 5)[0]
    p, noise = scores.exp(), 4 / 10
    expected = -(p[:, 0] / (p[:, 0] + noise)).log() - (noise / (p[:, 1:] + noise)).log().sum(1)
    torch.testing.assert_close(nce_loss(scores, images=10), expected.mean())
    assert checked(lambda one: nce_loss(one, images=10), scores)


def squares(*sides):
    return tuple((8, side, side) for side in sides)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ((32, 32, 16, 8), (32, 32, 16, 8), ((0, 0), (1, 1), (2, 2), (3, 3))),
        ((32, 16, 8, 4), (32, 32, 16, 8), ((0, 0), (1, 1), (2, 2), (3, 3))),
        ((32, 32, 16, 8), (32, 16, 8, 4, 4), ((0, 0), (1, 1), (2, 2), (3, 4))),
        ((32, 16, 8, 4, 4), (32, 32, 16, 8), ((0, 0), (1, 1), (2, 2), (4, 3))),
        ((56, 28, 14, 7), (112, 56, 28, 14, 7), ((0, 1), (1, 2), (2, 3), (3, 4))),
        ((8,), (32, 16, 8), ((0, 2),)),
        ((16, 16, 8, 4), (4,) * 12, ((0, 2), (1, 5), (2, 8), (3, 11))),
        ((4,) * 12, (4,) * 24, ((2, 5), (5, 11), (8, 17), (11, 23))),
        ((16, 8, 4), (4,) * 12, ((0, 2), (1, 8), (2, 11))),  # all of one size: by depth
    ],
)
def test_maps_that_go_together(ours, theirs, expected):
    assert matched(squares(*ours), squares(*theirs)) == expected


def test_the_stem_is_left_out_where_there_are_four_pairs():
    assert compared(squares(32, 32, 16, 8), squares(32, 32, 16, 8)) == ((1, 1), (2, 2), (3, 3))
    assert compared(squares(32, 16, 8), squares(32, 16, 8)) == ((0, 0), (1, 1), (2, 2))


def test_maps_of_one_pixel_are_left_out_where_places_are_compared():
    assert spatial("at", squares(4, 2, 1), squares(8, 4, 4)) == ((0, 0), (1, 1))
    assert spatial("at", squares(4, 1, 1, 1), squares(4, 4, 4, 4)) == ((0, 0),)
    with pytest.raises(ValueError, match=r"'at' cannot work with these networks: .* one pixel; student 1×1"):
        spatial("at", squares(1), squares(8, 4))


def test_a_network_without_maps_is_refused():
    with pytest.raises(ValueError, match="must have feature maps"):
        matched((), squares(4))


@pytest.mark.parametrize("size", [(4, 4), (2, 4), (3, 5), (1, 1), (8, 6), (16, 12)])
def test_pooling_is_adaptive_average_pooling(size):
    one = maps((2, 8, 6))[0][:, :, :, : max(size[1], 4)]
    torch.testing.assert_close(pooled(one, size), torch.nn.functional.adaptive_avg_pool2d(one, size))


def test_cells_of_a_grid_that_divides_the_map_are_averaged_in_one_order(monkeypatch):
    """The gradient of adaptive pooling varies by the run on a GPU, and is refused where that must not be."""
    one = torch.arange(32.0).view(1, 2, 4, 4)
    with monkeypatch.context() as without:
        without.delattr(torch.nn.functional, "adaptive_avg_pool2d")
        found = cells(one, 2)
    assert found.tolist() == [[[2.5, 4.5, 10.5, 12.5], [18.5, 20.5, 26.5, 28.5]]]
    assert cells(one, 3).shape == (1, 2, 9)


def test_both_maps_are_brought_to_the_smaller_height_and_width():
    ours, theirs = same_size(torch.ones(1, 2, 8, 3), torch.ones(1, 5, 4, 6))
    assert (ours.shape, theirs.shape) == ((1, 2, 4, 3), (1, 5, 4, 3))
    assert resized(ours, (2, 9)).shape == (1, 2, 2, 9)
