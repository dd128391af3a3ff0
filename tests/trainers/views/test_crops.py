"""Views of pictures: functions of (picture, view) alone, and those that the literature trains on."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from tests.trainers.layouts import write_cityscapes, write_imagefolder
from trainers.data import DataFilesError
from trainers.data.sets.cityscapes import IDS, label_table
from trainers.data.view_sets import view_set
from trainers.views.crops import SCALES, SCORED, crop, part_box
from trainers.views.device_data import on_device
from trainers.views.loader import PictureViews
from trainers.views.pictures import IGNORED, ArrayPictures, FilePictures

CPU = torch.device("cpu")
ODD_SIZES = [(300, 400), (400, 300), (224, 224), (256, 256), (100, 333), (33, 35), (513, 257)]


class Shown:
    """Pictures that a test makes, with or without classes of pixels."""

    def __init__(self, images: Sequence[np.ndarray], labels: Sequence[np.ndarray] | None = None, fill: int = 0) -> None:
        self.fill = fill
        self._images, self._labels = images, labels

    def __len__(self) -> int:
        return len(self._images)

    def picture(self, number: int) -> Image.Image:
        return Image.fromarray(self._images[number])

    def labels(self, number: int) -> np.ndarray | None:
        return None if self._labels is None else self._labels[number]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3), dtype=np.uint8)


def slope(height: int, width: int) -> np.ndarray:
    """Return a picture whose red says how far right a pixel is, and whose green how far down."""
    across, down = np.meshgrid(np.linspace(20, 235, width), np.linspace(20, 235, height))
    return np.stack([across, down, np.full_like(across, 128)], axis=2).round().astype(np.uint8)


# --- what decides a view ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rrc32-flip", "rrc32-flip-randaugment", "rrc32-flip-autoaugment-cutout16"])
def test_a_view_depends_on_picture_and_view_alone(name: str):
    pictures = Shown([noise(40, 50, seed) for seed in range(3)])
    asked = [(number, view) for number in range(3) for view in range(6)]
    first = {one: crop(pictures, view_set(name), *one).pixels[0] for one in asked}
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state()
    again = {one: crop(pictures, view_set(name), *one).pixels[0] for one in reversed(asked)}
    assert all(np.array_equal(first[one], again[one]) for one in asked)
    assert torch.equal(torch.get_rng_state(), before)
    assert len({view.tobytes() for view in first.values()}) == len(asked)


def test_a_pass_draws_nothing_from_the_global_generator(tmp_path: Path):
    """A network with dropout draws from it in the same steps."""
    write_imagefolder(tmp_path, size=20)
    data = on_device("imagefolder", tmp_path, CPU, "rrc16-flip-autoaugment", 4)
    before = torch.get_rng_state()
    assert len(list(data.train.batches(torch.arange(12), torch.arange(12) % 4, 5))) == 3
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow  # starting processes takes seconds
def test_processes_that_read_ahead_change_no_pixel(tmp_path: Path):
    write_imagefolder(tmp_path, size=20, per_class=8)
    alone, ahead = (
        on_device("imagefolder", tmp_path, CPU, "rrc16-flip-autoaugment-cutout8", 4, loaders) for loaders in (0, 2)
    )
    images, views = torch.randperm(24), torch.randint(4, (24,))
    before = torch.get_rng_state()
    for _ in range(2):
        for one, other in zip(
            alone.train.batches(images, views, 5, [(32, 32)]),
            ahead.train.batches(images, views, 5, [(32, 32)]),
            strict=True,
        ):
            assert torch.equal(one.pixels, other.pixels)
            assert torch.equal(one.targets, other.targets)
            assert torch.equal(one.at((32, 32)), other.at((32, 32)))
            assert one.at((32, 32)).shape[-1] == 32
    assert torch.equal(torch.get_rng_state(), before)


def test_batches_hold_what_was_asked_for_in_its_order():
    pictures = Shown([np.full((9, 9, 3), 10 * number, dtype=np.uint8) for number in range(5)])
    targets = torch.tensor([5, 6, 7, 8, 9])
    views = PictureViews(pictures, targets, view_set("rrc8-flip"), count=3, device=CPU, loaders=0)
    first, last = views.batches(torch.tensor([4, 0, 2]), torch.tensor([0, 1, 2]), 2, [(12, 16)])
    assert (first.images.tolist(), first.views.tolist(), first.targets.tolist()) == ([4, 0], [0, 1], [9, 5])
    assert first.pixels.shape == (2, 3, 8, 8)
    assert first.pixels[:, 0, 0, 0].tolist() == [40, 0]
    assert last.at((12, 16)).shape == (1, 3, 12, 16)
    assert last.at(None) is last.pixels and last.at((99, 99)) is last.pixels
    assert (last.targets.tolist(), last.pixels.unique().tolist()) == ([7], [20])


# --- the view that is scored --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [224, 64, 97])
def test_a_picture_is_scored_as_torchvision_evaluates(size: int):
    pictures = Shown([noise(*shape) for shape in ODD_SIZES])
    theirs = transforms.Compose([transforms.Resize(round(size / 0.875)), transforms.CenterCrop(size)])
    for number in range(len(pictures)):
        ours = crop(pictures, view_set(f"rrc{size}-flip"), number, SCORED).pixels[0]
        expected = np.asarray(theirs(pictures.picture(number))).transpose(2, 0, 1)
        np.testing.assert_array_equal(ours, expected)


def test_a_picture_is_scored_at_another_size_as_torchvision_would():
    pictures = Shown([noise(60, 80)])
    *_, other = crop(pictures, view_set("rrc32-flip"), 0, SCORED, [(56, 56)]).pixels
    theirs = transforms.Compose([transforms.Resize(64), transforms.CenterCrop(56)])(pictures.picture(0))
    np.testing.assert_array_equal(other, np.asarray(theirs).transpose(2, 0, 1))


def test_small_images_and_scenes_are_scored_as_they_are():
    image, labels = noise(12, 20), np.zeros((12, 20), dtype=np.uint8)
    whole = crop(Shown([image], [labels]), view_set("scale-crop8x16-flip"), 0, SCORED)
    np.testing.assert_array_equal(whole.pixels[0], image.transpose(2, 0, 1))
    np.testing.assert_array_equal(whole.labels, labels)
    square = ArrayPictures(noise(12, 12).transpose(2, 0, 1)[None])
    shown = crop(square, view_set("pad4-crop-flip-autoaugment-cutout6"), 0, SCORED)
    np.testing.assert_array_equal(shown.pixels[0], square.images[0])


# --- random parts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(60, 100), (224, 224), (90, 20), (20, 90), (1, 1)])
def test_parts_are_drawn_as_torchvision_draws_them(height: int, width: int):
    draws = 2000
    random = np.random.default_rng(0)
    boxes = np.array([part_box(height, width, random) for _ in range(draws)])
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
    assert (boxes[:, 2] > boxes[:, 0]).all() and (boxes[:, 3] > boxes[:, 1]).all()
    torch.manual_seed(0)
    image = torch.empty(1, height, width)
    theirs = []
    for _ in range(draws):
        top, left, down, across = transforms.RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3))
        theirs.append((left, top, left + across, top + down))

    def measures(boxes: np.ndarray) -> np.ndarray:
        across, down = (boxes[:, 2 + i] - boxes[:, i] for i in (0, 1))
        middle = ((boxes[:, i] + boxes[:, 2 + i]) / 2 for i in (0, 1))
        area, aspect = across * down / (height * width), np.log(across / down)
        return np.stack([area, area**2, aspect, aspect**2, *middle])

    ours, expected = measures(boxes), measures(np.array(theirs))
    spread = np.sqrt((ours.var(axis=1) + expected.var(axis=1)) / draws)
    assert (np.abs(ours.mean(axis=1) - expected.mean(axis=1)) <= 4 * spread + 1e-12).all()


def test_a_part_is_cut_out_and_scaled_as_torchvision_does():
    """Whatever part it is: of all parts there are, exactly those with its edges give these pixels."""
    picture = Image.fromarray(slope(40, 56))
    view = crop(Shown([np.asarray(picture)]), view_set("rrc24"), 0, 3).pixels[0]
    (left, right), (top, bottom) = (
        sorted((channel.min(), channel.max())) for channel in (view[0].astype(int), view[1].astype(int))
    )
    across, down = np.asarray(picture)[0, :, 0].astype(int), np.asarray(picture)[:, 0, 1].astype(int)
    assert across.min() <= left < right <= across.max() and down.min() <= top < bottom <= down.max()
    edges = [
        (x0, y0, x1, y1)
        for x0 in np.flatnonzero(np.abs(across - left) <= 5)
        for x1 in np.flatnonzero(np.abs(across - right) <= 5) + 1
        for y0 in np.flatnonzero(np.abs(down - top) <= 6)
        for y1 in np.flatnonzero(np.abs(down - bottom) <= 6) + 1
    ]
    resized = (
        transforms.functional.resized_crop(picture, y0, x0, y1 - y0, x1 - x0, [24, 24]) for x0, y0, x1, y1 in edges
    )
    assert any(np.array_equal(np.asarray(one).transpose(2, 0, 1), view) for one in resized)


def mirrored_share(views: Sequence[np.ndarray]) -> float:
    """Return how many of these views of a slope run down from left to right."""
    return float(np.mean([view[0, 0, 0] > view[0, 0, -1] for view in views]))


@pytest.mark.parametrize(
    "name", ["rrc16-flip", "pad2-crop-flip-cutout2", "scale-crop16x16-flip", "rrc16", "scale-crop16x16"]
)
def test_half_of_the_views_are_mirrored(name: str):
    labels = np.zeros((40, 40), dtype=np.uint8)
    pictures = Shown([slope(40, 40)], [labels] if name.startswith("scale") else None, fill=128)
    views = [crop(pictures, view_set(name), 0, view).pixels[0] for view in range(400)]
    if name.startswith("pad"):
        views = [view[:, 4:5, 4:-4] for view in views if view.min() > 0 or view[:, 4].min() > 0]
    if not view_set(name).flip:
        assert mirrored_share(views) == 0
        return
    assert mirrored_share(views) == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / len(views)))


# --- what is done to views besides --------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_shifts_with_a_hole_are_the_shifts_of_the_image_with_a_hole(channels: int):
    image = noise(12, 12).transpose(2, 0, 1)[:channels]
    pictures = ArrayPictures(image[None], fill=77)
    padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), constant_values=77)
    shifts = {
        (top, left, flip): padded[:, top : top + 12, left : left + 12][:, :, :: -1 if flip else 1]
        for top in range(5)
        for left in range(5)
        for flip in (False, True)
    }
    seen: list[tuple[int, int, bool]] = []
    for view in range(300):
        (pixels,) = crop(pictures, view_set("pad2-crop-flip-cutout6"), 0, view).pixels
        hole = (pixels == 0).all(axis=0)
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        assert hole[np.ix_(rows, columns)].all() and 3 <= len(rows) <= 6 and 3 <= len(columns) <= 6
        (which,) = (key for key, shifted in shifts.items() if np.array_equal(pixels[:, ~hole], shifted[:, ~hole]))
        seen.append(which)
    assert set(seen) == set(shifts)


@pytest.mark.parametrize(("name", "side"), [("rrc32-cutout16", 16), ("rrc32-cutout7", 7), ("pad4-crop-cutout20", 20)])
def test_a_hole_is_so_many_pixels_wide_and_scales_with_the_view(name: str, side: int):
    pictures = Shown([np.full((32, 32, 3), 200, dtype=np.uint8)], fill=200)
    whole = 0
    for view in range(60):
        own, double = crop(pictures, view_set(name), 0, view, [(64, 64)]).pixels
        hole, larger = (pixels[0] == 0 for pixels in (own, double))
        assert hole.any(axis=0).sum() <= side and larger.sum() <= (2 * side) ** 2
        inside = hole.sum() == side**2
        whole += inside
        if inside:
            assert larger.sum() >= (2 * side - 1) ** 2
            centres = (np.argwhere(hole).mean(axis=0) + 0.5) * 2, np.argwhere(larger).mean(axis=0) + 0.5
            assert np.abs(centres[0] - centres[1]).max() <= 2
    assert whole >= 3


@pytest.mark.parametrize("extra", ["", "-cutout16", "-randaugment", "-autoaugment", "-autoaugment-cutout16"])
@pytest.mark.parametrize("larger", [64, 96])
def test_all_sizes_show_the_same_part_in_the_same_way(extra: str, larger: int):
    """96 is a size at which AutoAugment would have another policy."""
    pictures = Shown([slope(80, 100)])
    differences = []
    for view in range(40):
        own, other = crop(pictures, view_set(f"rrc32-flip{extra}"), 0, view, [(larger, larger)]).pixels
        small = Image.fromarray(other.transpose(1, 2, 0)).resize((32, 32), Image.Resampling.BOX)
        differences.append(np.abs(np.asarray(small).astype(int) - own.transpose(1, 2, 0).astype(int)).mean())
    assert np.median(differences) < 3  # a threshold on greys may fall to one side or the other
    assert np.mean(differences) < 6


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("extra", ["autoaugment", "randaugment"])
def test_augmentations_take_grey_images_and_colours(extra: str, channels: int):
    image = noise(28, 28).transpose(2, 0, 1)[:channels]
    views = [crop(ArrayPictures(image[None]), view_set(f"pad0-crop-{extra}"), 0, view).pixels[0] for view in range(60)]
    assert {view.shape for view in views} == {image.shape}
    assert sum(not np.array_equal(view, image) for view in views) > 20


# --- street scenes ------------------------------------------------------------------------------------------------


def painted(height: int, width: int, block: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a scene in blocks, and its classes: a grey is ten times the class, and one more."""
    classes = np.random.default_rng(seed).integers(0, 19, (height // block, width // block), dtype=np.uint8)
    labels = np.kron(classes, np.ones((block, block), dtype=np.uint8))
    return np.repeat((10 * labels + 1)[:, :, None], 3, axis=2), labels


def inside(labels: np.ndarray, margin: int) -> np.ndarray:
    """Return which pixels lie so far from every edge between classes, and from the view's."""
    found = np.zeros(labels.shape, dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(labels, (2 * margin + 1, 2 * margin + 1))
    found[margin:-margin, margin:-margin] = windows.min(axis=(2, 3)) == windows.max(axis=(2, 3))
    return found


def test_classes_stay_on_their_pixels():
    image, labels = painted(64, 128, 16)
    pictures = Shown([image], [labels])
    checked = 0
    for view in range(80):
        seen = crop(pictures, view_set("scale-crop48x80-flip"), 0, view)
        assert seen.labels is not None and seen.pixels[0].shape == (3, 48, 80) and seen.labels.shape == (48, 80)
        where = inside(seen.labels, 2) & (seen.labels != IGNORED)
        np.testing.assert_array_equal(seen.pixels[0][0][where], 10 * seen.labels[where] + 1)
        assert (seen.pixels[0][:, seen.labels == IGNORED] == 0).all()
        checked += int(where.sum())
        # an edge lies between the same pixels in both: where neighbours' classes differ by much, so do their greys
        steps = np.abs(np.diff(seen.labels.astype(int), axis=1))[:, 1:-1]
        greys = np.abs(np.diff(seen.pixels[0][0].astype(int), axis=1))
        large = (steps > 5) & (seen.labels[:, :-1] != IGNORED)[:, 1:-1] & (seen.labels[:, 1:] != IGNORED)[:, 1:-1]
        assert (greys[:, :-2] + greys[:, 1:-1] + greys[:, 2:] >= 8 * steps)[large].mean() > 0.9
    assert checked > 50_000


def test_outside_a_scene_there_is_no_class_and_scales_are_the_literatures():
    pictures = Shown([np.full((40, 40, 3), 9, dtype=np.uint8)], [np.zeros((40, 40), dtype=np.uint8)])
    sides = set()
    for view in range(200):
        seen = crop(pictures, view_set("scale-crop80x80-flip"), 0, view)
        assert seen.labels is not None
        there = seen.labels != IGNORED
        side = int(there.any(axis=1).sum())
        sides.add(side)
        assert there.sum() == side**2 and set(seen.labels[~there].tolist()) <= {IGNORED}
        assert (seen.pixels[0][:, there] == 9).all() and (seen.pixels[0][:, ~there] == 0).all()
    assert sides == {int(40 * scale) for scale in SCALES} == {int(4 * tenths + 1e-9) for tenths in range(5, 21)}


def test_every_place_of_a_scene_is_seen():
    image = slope(64, 64)
    pictures = Shown([image], [np.zeros((64, 64), dtype=np.uint8)])
    views = [crop(pictures, view_set("scale-crop32x32"), 0, view).pixels[0] for view in range(200)]
    for channel in (0, 1):
        seen = [view[channel][view[2] > 0] for view in views]
        assert min(one.min() for one in seen) <= 22 and max(one.max() for one in seen) >= 233


def test_a_label_map_of_another_size_is_named(tmp_path: Path):
    write_cityscapes(tmp_path)
    (picture,), (labels,) = (
        sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob(f"*/val/*/*_000001_*{end}"))
        for end in ("leftImg8bit.png", "labelIds.png")
    )
    files = FilePictures(tmp_path, np.array([picture.encode()]), np.array([labels.encode()]), label_table(IDS))
    assert crop(files, view_set("scale-crop8x8"), 0, SCORED).labels is not None
    Image.fromarray(np.full((16, 31), 7, dtype=np.uint8)).save(tmp_path / labels)
    sizes = re.escape("must be of its picture's 16 x 32 pixels, got 16 x 31")
    with pytest.raises(DataFilesError, match=f"labelIds.png {sizes}"):
        crop(files, view_set("scale-crop8x8"), 0, SCORED)
