"""Feature methods as the training loop sees them: on networks of many shapes, through checkpoints, in steps."""

import copy
import dataclasses

import pytest
import torch

from trainers.methods.at import AT_METHOD
from trainers.methods.crd import CRD_METHOD
from trainers.methods.fitnet import FITNET_METHOD
from trainers.methods.kdsvd import KDSVD_METHOD
from trainers.methods.nst import NST_METHOD
from trainers.methods.ofd import OFD_METHOD, margins
from trainers.methods.pkt import PKT_METHOD
from trainers.methods.record.built import BuiltMethod
from trainers.methods.record.outputs import NetworkShape, Output, Setting
from trainers.methods.reviewkd import REVIEWKD_METHOD
from trainers.methods.rkd import RKD_METHOD
from trainers.methods.sp import SP_METHOD
from trainers.methods.vid import VID_METHOD

BATCH, CLASSES, IMAGES = 6, 5, 60
METHODS = (
    FITNET_METHOD, AT_METHOD, NST_METHOD, SP_METHOD, PKT_METHOD, RKD_METHOD, VID_METHOD, KDSVD_METHOD, OFD_METHOD,
    CRD_METHOD, REVIEWKD_METHOD,
)  # fmt: skip
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
WITH_MODULE = [method for method in METHODS if method.module is not None]
every_module = pytest.mark.parametrize("method", WITH_MODULE, ids=lambda method: method.name)

CNN = NetworkShape(maps=((4, 16, 16), (4, 16, 16), (8, 8, 8), (16, 4, 4)), vector=16)
WIDE = NetworkShape(maps=((8, 16, 16), (12, 16, 16), (20, 8, 8), (24, 4, 4)), vector=24)
SMALL = NetworkShape(maps=((6, 16, 16), (12, 8, 8), (10, 4, 4), (14, 2, 2)), vector=14)
VGG = NetworkShape(maps=((8, 16, 16), (8, 8, 8), (12, 4, 4), (16, 2, 2), (16, 2, 2)), vector=16)
VIT = NetworkShape(maps=((12, 4, 4),) * 12, vector=12)
POINT = NetworkShape(maps=((4, 8, 8), (8, 4, 4), (12, 2, 2), (16, 1, 1)), vector=20)
ODD = NetworkShape(maps=((4, 15, 13), (8, 7, 7), (16, 3, 5)), vector=9)
DEEP = NetworkShape(maps=((8, 8, 8), (16, 8, 8), (64, 4, 4), (256, 2, 2)), vector=256)
NETWORKS = {
    "cnn-wide": (CNN, WIDE),
    "small-cnn": (SMALL, CNN),
    "cnn-small": (CNN, SMALL),
    "vgg-cnn": (VGG, CNN),
    "cnn-vgg": (CNN, VGG),
    "cnn-vit": (CNN, VIT),
    "vit-cnn": (VIT, CNN),
    "vit-vit": (VIT, VIT),
    "cnn-point": (CNN, POINT),
    "point-vit": (POINT, VIT),
    "odd-cnn": (ODD, CNN),
    "cnn-odd": (CNN, ODD),
    "cnn-deep": (CNN, DEEP),
}
every_pair = pytest.mark.parametrize("networks", NETWORKS.values(), ids=NETWORKS.keys())


def answer(shape, seed, *, batch=BATCH, dtype=torch.float32, images=None):
    """Return random answers of a network of this shape, each a leaf with a gradient."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*size):
        return torch.randn(batch, *size, generator=generator).to(dtype).requires_grad_()

    before = tuple(draw(*one) for one in shape.maps)
    return Output(
        logits=draw(CLASSES),
        maps=tuple(one.detach().relu().requires_grad_() for one in before),
        preacts=before,
        vector=draw(shape.vector),
        images=images,
    )


def setting(student, teacher, **more):
    return Setting(student=student, teacher=teacher, classes=CLASSES, labels=torch.arange(IMAGES) % CLASSES, **more)


def built(method, student=CNN, teacher=WIDE, seed=0, **values):
    torch.manual_seed(seed)
    given = method.coerced({**method.defaults(), "ce_weight": 0, "weight": 1, "warmup_epochs": 0, **values})
    return BuiltMethod(method, given, setting(student, teacher))


def batch(student=CNN, teacher=WIDE, seed=0, **more):
    images = torch.arange(BATCH) + seed
    return answer(student, 10 + seed, images=images, **more), answer(teacher, 20 + seed, **more), images % CLASSES


def gradients(output):
    leaves = (*output.maps, *output.preacts, output.vector)
    return [leaf.grad for leaf in leaves if leaf is not None and leaf.grad is not None]


def values_after(module, steps):
    """Return the losses of these steps."""
    return [module(*batch(seed=step), epoch=1)["loss"].detach() for step in steps]


@every_method
def test_the_record(method):
    assert method.kind == "feature"
    assert method.needs.value == "features"
    assert method.source.startswith("arXiv:")
    assert {"ce_weight", "weight", "warmup_epochs"} <= {field.name for field in method.fields()}
    assert all(field.doc.endswith(".") and type(field.default) is field.type for field in method.fields())
    assert any(field.range is not None and field.range.search is not None for field in method.fields())
    for tuned in ({}, *(one.values for one in method.by_pair)):
        assert method.problems({**method.defaults(), **tuned}, 100) == []
    with pytest.raises(ValueError, match=r"weight\n.* greater than or equal to 0"):
        method.hyperparameters(weight=-1.0)


@pytest.mark.parametrize(
    ("method", "dataset", "pair", "expected"),
    [
        (REVIEWKD_METHOD, "cifar100", ("cifar_resnet56", "cifar_resnet20"), {"weight": 0.6, "warmup_epochs": 20.0}),
        (REVIEWKD_METHOD, "cifar100", ("cifar_wrn_40_2", "cifar_wrn_16_2"), {"weight": 5.0}),
        (REVIEWKD_METHOD, "cifar100", ("cifar_resnet32x4", "cifar_shufflev2"), {"weight": 8.0}),
        (REVIEWKD_METHOD, "imagenet", ("resnet50", "mobilenetv1"), {"weight": 8.0, "mid_channels": 256}),
        (REVIEWKD_METHOD, "imagenet", ("resnet34", "resnet18"), {"weight": 1.0}),
        (OFD_METHOD, "imagenet", ("resnet50", "mobilenetv1"), {"weight": 1e-4}),
        (OFD_METHOD, "cifar100", ("cifar_resnet56", "cifar_resnet20"), {"weight": 1e-3}),
    ],
)
def test_what_the_authors_tuned_for_a_pair(method, dataset, pair, expected):
    assert expected.items() <= method.defaults(dataset, *pair).items()


@every_pair
@every_method
def test_works_on_networks_of_all_shapes(method, networks):
    module = built(method, *networks)
    student, teacher, target = batch(*networks)
    result = module(student, teacher, target, epoch=1)
    result["loss"].backward()
    assert result["loss"].shape == ()
    assert all(torch.isfinite(value) for value in result.values())
    assert [name for name, value in result.items() if value.requires_grad] == ["loss"]
    assert len(result) > 2
    assert any(gradient.any() for gradient in gradients(student))
    assert all(gradient.isfinite().all() for gradient in gradients(student))
    assert gradients(teacher) == []
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@every_method
def test_steps_lower_the_term(method):
    module = built(method)
    student, teacher, target = batch()
    learned = [*module.parameters(), *student.maps, *student.preacts, student.vector]
    losses = []
    for _ in range(12):
        loss = module(student, teacher, target, epoch=1)["loss"]
        found = torch.autograd.grad(loss, learned, allow_unused=True)
        losses.append(loss.detach())
        size = torch.stack([one.square().sum() for one in found if one is not None]).sum().sqrt()
        with torch.no_grad():
            for one, gradient in zip(learned, found, strict=True):
                if gradient is not None:
                    one -= 0.2 * gradient / size
    assert losses[-1] < losses[0]


@every_method
def test_half_precision_is_raised_and_double_kept(method):
    for given, expected in ((torch.bfloat16, torch.float32), (torch.float64, torch.float64)):
        module = built(method).to(expected)
        student, teacher, target = batch(dtype=given)
        loss = module(student, teacher, target, epoch=1)["loss"]
        assert loss.dtype == expected
        loss.backward()
        assert all(gradient.isfinite().all() for gradient in gradients(student))


@every_method
def test_an_answer_is_the_same_twice(method):
    torch.testing.assert_close(values_after(built(method), [0]), values_after(built(method), [0]), rtol=0, atol=0)


@every_module
def test_a_loaded_checkpoint_goes_on_as_if_nothing_had_been(method):
    module = built(method)
    values_after(module, range(2))
    saved = copy.deepcopy(module.state_dict())
    expected = values_after(module, range(2, 4))
    loaded = built(method, seed=1)
    loaded.load_state_dict(saved)
    torch.testing.assert_close(values_after(loaded, range(2, 4)), expected, rtol=0, atol=0)


@every_module
def test_a_method_can_be_copied(method):
    module = built(method)
    values_after(module, [0])
    torch.testing.assert_close(values_after(copy.deepcopy(module), [1]), values_after(module, [1]), rtol=0, atol=0)


@every_module
def test_a_batch_of_one_image_works(method):
    networks = (POINT, POINT)
    module = built(method, *networks, **({"layer": 3} if method is FITNET_METHOD else {}))
    student, teacher, _ = batch(*networks, batch=1)
    student = dataclasses.replace(student, images=torch.zeros(1, dtype=torch.long))
    loss = module(student, teacher, torch.zeros(1, dtype=torch.long), epoch=1)["loss"]
    loss.backward()
    assert torch.isfinite(loss)


@every_module
def test_shapes_must_be_known(method):
    with pytest.raises(ValueError, match=f"'{method.name}' needs the shapes of both networks"):
        BuiltMethod(method, method.defaults(), Setting())


@pytest.mark.parametrize("method", [AT_METHOD, NST_METHOD, KDSVD_METHOD], ids=lambda method: method.name)
def test_maps_of_one_pixel_alone_cannot_be_compared(method):
    points = NetworkShape(maps=((4, 1, 1), (8, 1, 1)), vector=8)
    with pytest.raises(ValueError, match=f"'{method.name}' cannot work with these networks: "):
        built(method, points, points)(*batch(points, points), epoch=1)


def test_kdsvd_needs_two_maps():
    one = NetworkShape(maps=((4, 4, 4),), vector=8)
    with pytest.raises(ValueError, match=r"'kdsvd' cannot work with these networks: .* two or more maps"):
        built(KDSVD_METHOD, one, one)(*batch(one, one), epoch=1)


def test_a_student_that_is_not_finite_is_seen_in_the_loss_of_kdsvd():
    student, teacher, target = batch()
    with torch.no_grad():
        student.maps[2][0, 0, 0, 0] = torch.inf
    assert not built(KDSVD_METHOD)(student, teacher, target, epoch=1)["loss"].isfinite()


def test_a_layer_that_the_student_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"layer is 4, and the student.s maps are 0 to 3"):
        built(FITNET_METHOD, layer=4)


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "stride"),
    [(8, 4, "Conv2d", 2), (4, 8, "ConvTranspose2d", 2), (8, 8, "Conv2d", 1), (7, 3, "Conv2d", 1)],
)
def test_the_regressor_of_fitnet_halves_or_doubles_the_map(ours, theirs, kind, stride):
    networks = [NetworkShape(maps=((4, side, side),), vector=4) for side in (ours, theirs)]
    module = built(FITNET_METHOD, *networks, layer=0)
    convolution = module.terms[0].inner.regressor[0]
    assert (type(convolution).__name__, convolution.stride) == (kind, (stride, stride))


def test_the_variances_of_vid_start_as_given_and_are_learned():
    module = built(VID_METHOD, init_variance=3.0)
    scales = [value for name, value in module.named_parameters() if "log_scale" in name]
    assert [len(one) for one in scales] == [12, 20, 24]  # all but the stem
    for one in scales:
        torch.testing.assert_close(torch.nn.functional.softplus(one) + 1e-5, torch.full_like(one, 3.0))


def test_ofd_takes_its_margins_from_the_first_batch_only():
    module = built(OFD_METHOD)
    inner = module.terms[0].inner
    student, teacher, target = batch()
    module(student, teacher, target, epoch=1)
    expected = [margins(one.detach()) for one in teacher.preacts[1:]]
    values_after(module, [1])
    for i, one in enumerate(expected):
        torch.testing.assert_close(inner.get_buffer(f"margin_{i}"), one)
        assert (one < 0).all()
    assert {"margin_0", "ready"} <= set(inner.state_dict())


def test_ofd_needs_maps_before_their_relu():
    student, teacher, target = batch()
    with pytest.raises(ValueError, match="'ofd' needs each map before its ReLU"):
        built(OFD_METHOD)(dataclasses.replace(student, preacts=()), teacher, target, epoch=1)


@pytest.mark.parametrize("method", [PKT_METHOD, RKD_METHOD, CRD_METHOD, REVIEWKD_METHOD], ids=lambda one: one.name)
def test_a_missing_vector_is_named(method):
    student, teacher, target = batch()
    with pytest.raises(ValueError, match=f"'{method.name}' needs the vectors"):
        built(method)(student, dataclasses.replace(teacher, vector=None), target, epoch=1)


def crd_of(labels, **values):
    given = CRD_METHOD.coerced({**CRD_METHOD.defaults(), **values})
    return BuiltMethod(CRD_METHOD, given, dataclasses.replace(setting(CNN, WIDE), labels=labels))


def test_crd_draws_all_images_of_other_classes_and_none_of_the_own():
    labels = torch.tensor([2, 0, 2, 4, 0, 2, 4, 0, 0, 2] * 3)
    inner = crd_of(labels, negatives=16384).terms[0].inner
    assert inner.negatives == 30 - 12
    images = torch.arange(30)
    drawn = [set() for _ in images]
    for step in range(40):
        inner.step = step
        for found, row in zip(drawn, inner.draw(images).tolist(), strict=True):
            found.update(row)
    for label, found in zip(labels, drawn, strict=True):
        assert found == set((labels != label).nonzero().flatten().tolist())


def test_crd_draws_anew_in_every_step_and_by_the_seed():
    module = crd_of(torch.arange(IMAGES) % CLASSES).terms[0].inner
    images = torch.arange(BATCH)
    first = module.draw(images)
    assert torch.equal(module.draw(images), first)
    module.step += 1
    assert not torch.equal(module.draw(images), first)
    module.step, module.seed = 0, 1
    assert not torch.equal(module.draw(images), first)


def test_crd_remembers_the_embeddings_of_the_batch_and_nothing_else_changes():
    module = built(CRD_METHOD, momentum=0.0)
    inner = module.terms[0].inner
    before = inner.memory_student.clone()
    student, teacher, target = batch()
    module(student, teacher, target, epoch=1)
    embedded = torch.nn.functional.normalize(inner.embed_student(student.vector), dim=1)
    torch.testing.assert_close(inner.memory_student[:BATCH], embedded)
    assert torch.equal(inner.memory_student[BATCH:], before[BATCH:])
    assert before.abs().max() <= 1 / (128 / 3) ** 0.5


def test_crd_says_what_is_missing():
    student, teacher, target = batch()
    with pytest.raises(ValueError, match="'crd' needs the numbers of the images in the training set"):
        built(CRD_METHOD)(dataclasses.replace(student, images=None), teacher, target, epoch=1)
    with pytest.raises(ValueError, match="'crd' needs the classes of the training images"):
        crd_of(None)
    with pytest.raises(ValueError, match=r"'crd' cannot work with this data set: .* one class"):
        crd_of(torch.zeros(9, dtype=torch.long))


def test_reviewkd_has_the_levels_of_the_paper():
    inner = built(REVIEWKD_METHOD).terms[0].inner
    assert inner.pairs == ((1, 1), (2, 2), (3, 3))
    assert [fusion.outward[0].out_channels for fusion in (inner.deepest, *inner.fusions)] == [24, 24, 20, 12]
    assert inner.deepest.inward[0].out_channels == CNN.vector
    assert built(REVIEWKD_METHOD, mid_channels=3).terms[0].inner.deepest.inward[0].out_channels == 3


def test_the_regressor_of_fitnet_is_that_of_the_field():
    def layers(ours, theirs, signed=()):
        student = NetworkShape(maps=(ours,), vector=4)
        teacher = NetworkShape(maps=(theirs,), vector=4, signed=signed)
        module = BuiltMethod(
            FITNET_METHOD,
            FITNET_METHOD.coerced({**FITNET_METHOD.defaults(), "layer": 0}),
            Setting(student=student, teacher=teacher),
        )
        convolution, _, last = module.terms[0].inner.regressor
        return type(convolution), convolution.kernel_size, convolution.stride, type(last)

    conv, up, relu, none = torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.ReLU, torch.nn.Identity
    assert layers((4, 8, 8), (6, 8, 8)) == (conv, (1, 1), (1, 1), relu)
    assert layers((4, 8, 8), (6, 8, 8), (False,)) == (conv, (1, 1), (1, 1), relu)
    assert layers((4, 8, 8), (6, 8, 8), (True,)) == (conv, (1, 1), (1, 1), none)
    assert layers((4, 8, 8), (6, 4, 4)) == (conv, (3, 3), (2, 2), relu)
    assert layers((4, 4, 4), (6, 8, 8)) == (up, (4, 4), (2, 2), relu)


@pytest.mark.parametrize("p", [1, 2, 10, 16])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_at_compares_maps_of_any_size_at_any_power(p, size):
    student, teacher, target = batch()
    big = dataclasses.replace(student, maps=tuple((size * one.detach()).requires_grad_() for one in student.maps))
    value = built(AT_METHOD, p=p, ce_weight=0.0)(big, teacher, target, epoch=1)["loss"]
    value.backward()
    assert value > 1e-3
    assert all(one.grad is None or torch.isfinite(one.grad).all() for one in big.maps)
    assert any(one.grad is not None and one.grad.any() for one in big.maps)
