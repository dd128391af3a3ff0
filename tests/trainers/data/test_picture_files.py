"""Data sets whose pictures are files: what is found in each published layout, how one is read."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torchvision
from PIL import Image

from tests.trainers.layouts import LAYOUTS, write_cityscapes, write_imagefolder, write_imagenet
from trainers.data._split import held_out_last
from trainers.data.formats.picture_files import read_label_map, read_picture
from trainers.data.formats.places import VARIABLE, DataFilesError
from trainers.data.sets import cityscapes
from trainers.data.sets.cityscapes import cityscapes_files, label_table
from trainers.data.sets.imagefolder import imagefolder_files
from trainers.data.sets.imagenet import imagenet_files

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_picture_is_found_with_its_class(tmp_path: Path, layout: str):
    write, read = LAYOUTS[layout]
    written, files = write(tmp_path), read(tmp_path)
    name = layout.split()[0]
    assert (files.name, files.folder) == (name, written.folder)
    assert dict(zip(files.train_files.tolist(), files.train_targets.tolist(), strict=True)) == dict(written.train)
    assert dict(zip(files.test_files.tolist(), files.test_targets.tolist(), strict=True)) == dict(written.test)
    order, fit = held_out_last(np.array([*written.train.values()]), name)
    assert files.train_files.tolist() == np.array([*written.train])[order].tolist()
    assert files.fit == fit == len(written.train) - len(set(written.train.values()))
    assert files.train_targets.dtype == files.test_targets.dtype == np.int64
    if name == "cityscapes":
        assert (files.classes, files.class_names[18]) == (19, "bicycle")
    else:
        assert files.class_names == written.classes
        assert files.classes == len(written.classes)
        assert files.train_labels is files.test_labels is files.label_table is None
    picture = read_picture(files.folder / files.test_files[0])
    assert picture.mode == "RGB"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_digest_is_of_names_sizes_and_classes(tmp_path: Path, layout: str):
    write, read = LAYOUTS[layout]
    written = write(tmp_path / "a")
    write(tmp_path / "b")
    first = read(tmp_path / "a")
    assert read(tmp_path / "b").digest == first.digest
    with (written.folder / first.test_files[-1]).open("ab") as file:
        file.write(b"!")
    assert read.__wrapped__(tmp_path / "a").digest != first.digest  # type: ignore[attr-defined]
    write(tmp_path / "c", **({"per_city": 4} if "cityscapes" in layout else {"per_class": 5}))
    assert read(tmp_path / "c").digest != first.digest


def test_the_digest_knows_label_maps(tmp_path: Path):
    write_cityscapes(tmp_path)
    before = cityscapes_files(tmp_path)
    assert before.train_labels is not None
    with (tmp_path / before.train_labels[0]).open("ab") as file:
        file.write(b"!")
    assert cityscapes_files.__wrapped__(tmp_path).digest != before.digest  # type: ignore[attr-defined]


def test_the_samples_are_those_of_torchvisions_image_folder(tmp_path: Path):
    names = (
        "train/b/2.JPG", "train/b/10.jpeg", "train/b/x-y/1.png", "train/b/x/2.webp", "train/b/x.png/0.PPM",
        "train/a/zz/0.tif", "train/a/B.bmp", "train/a/a.pgm", "train/a/é.tiff", "train/Z/one.png", "train/Z/two.png",
        "val/Z/0.png", "val/a/0.png", "val/b/q/r/s/0.png",
    )  # fmt: skip
    others = ("train/readme.txt", "train/a/notes.txt", "train/a/.DS_Store", "train/b/x/png", "val/Z/0.gif")
    for name in (*names, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/linked.png").write_bytes(b"x")
    (tmp_path / "train/b/link").symlink_to(tmp_path / "elsewhere")
    ours = imagefolder_files(tmp_path)
    _, fit = held_out_last(np.sort(ours.train_targets), "imagefolder")
    for part, files, targets in (
        ("train", ours.train_files, ours.train_targets),
        ("val", ours.test_files, ours.test_targets),
    ):
        theirs = torchvision.datasets.ImageFolder(tmp_path / part)
        found = [(str(tmp_path / name), target) for name, target in zip(files, targets.tolist(), strict=True)]
        order = held_out_last(np.array(theirs.targets), "imagefolder")[0] if part == "train" else range(len(found))
        assert found == [theirs.samples[i] for i in order]
        assert list(ours.class_names) == theirs.classes == ["Z", "a", "b"]
    assert ours.fit == fit


@pytest.mark.parametrize("place", [".", "ILSVRC2012", "imagenet", "ILSVRC/Data/CLS-LOC"])
def test_imagenet_is_found_where_others_put_it(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch):
    write_imagenet(tmp_path / "imagenet" / place)
    assert imagenet_files(tmp_path / "imagenet").classes == 3
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert imagenet_files.__wrapped__(None).folder == tmp_path / "imagenet" / place  # type: ignore[attr-defined]


def test_val_without_folders_may_hold_more_classes_than_train(tmp_path: Path):
    written = write_imagenet(tmp_path, classes=5, labels="kaggle")
    gone = written.classes[2]
    shutil.rmtree(written.folder / "train" / gone)
    files = imagenet_files(tmp_path)
    assert files.class_names == tuple(wnid for wnid in written.classes if wnid != gone)
    assert dict(zip(files.test_files.tolist(), files.test_targets.tolist(), strict=True)) == {
        name: number - (number > 2) for name, number in written.test.items() if number != 2
    }


def test_the_table_of_cityscapes_is_torchvisions():
    theirs = torchvision.datasets.Cityscapes.classes
    table = label_table(cityscapes.IDS)
    scored = {c.id: c.train_id for c in theirs if not c.ignore_in_eval}
    assert {int(i): int(table[i]) for i in np.flatnonzero(table != 255)} == scored
    assert [c.name for c in theirs if not c.ignore_in_eval] == list(cityscapes.CLASSES)
    identity = label_table(cityscapes.TRAIN_IDS)
    assert identity[:19].tolist() == list(range(19)) and (identity[19:] == 255).all()


def test_the_classes_of_pixels_are_the_same_from_either_kind_of_label_map(tmp_path: Path):
    for train_ids in (False, True):
        write_cityscapes(tmp_path / str(train_ids), train_ids=train_ids)
    by_id, by_train_id = (cityscapes_files(tmp_path / str(train_ids)) for train_ids in (False, True))
    for files in (by_id, by_train_id):
        assert files.train_labels is not None and files.test_labels is not None and files.label_table is not None
        for pictures, maps in ((files.train_files, files.train_labels), (files.test_files, files.test_labels)):
            assert [name.split("/")[-1].split("_gtFine")[0] for name in maps] == [
                name.split("/")[-1].split("_leftImg8bit")[0] for name in pictures
            ]
    map_path = by_id.folder / by_id.train_labels[0]
    raw = np.asarray(Image.open(map_path))
    of = {c.id: c.train_id for c in torchvision.datasets.Cityscapes.classes if not c.ignore_in_eval}
    classes = read_label_map(map_path, by_id.label_table)
    assert classes.dtype == np.uint8 and classes.shape == (16, 32)
    np.testing.assert_array_equal(classes, np.vectorize(lambda value: of.get(value, 255))(raw))


def test_describing_needs_neither_torch_nor_pillow():
    readers = ", ".join(sorted({name.split()[0] for name in LAYOUTS}))
    code = f"from trainers.data.sets import {readers}; import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "torchvision", "PIL", "scipy"} & set(loaded.stdout.split())


GREYS = np.arange(96, dtype=np.uint8).reshape(8, 12)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_pictures_of_all_kinds_are_read_as_rgb(tmp_path: Path, mode: str):
    ending = {"CMYK": "tif", "YCbCr": "tif"}.get(mode, "png")
    Image.fromarray(GREYS).convert("RGB").convert(mode).save(tmp_path / f"a.{ending}")
    picture = read_picture(tmp_path / f"a.{ending}")
    assert (picture.mode, picture.size) == ("RGB", (12, 8))
    if mode not in ("1", "P"):
        assert np.abs(np.asarray(picture).astype(int) - GREYS[..., None]).max() <= 2


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path: Path):
    Image.fromarray(GREYS).convert("P").save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    assert read_picture(tmp_path / "a.png").mode == "RGB"


def test_a_rotation_by_exif_is_not_made(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(GREYS).save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").size == (12, 8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp"])
@pytest.mark.parametrize("cut", [0, 10, 60, -40])
def test_a_cut_picture_is_named(tmp_path: Path, name: str, cut: int):
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataFilesError, match=f"{name} cannot be read as a picture: "):
        read_picture(path)


def test_what_is_no_picture_is_named(tmp_path: Path):
    (tmp_path / "a.png").write_text("<html>not found</html>")
    with pytest.raises(DataFilesError, match=r"a\.png cannot be read as a picture: UnidentifiedImageError"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(DataFilesError, match=r"gone\.png cannot be read as a picture: FileNotFoundError"):
        read_picture(tmp_path / "gone.png")
    Image.fromarray(GREYS.astype(np.uint16) * 600).save(tmp_path / "deep.png")
    with pytest.raises(DataFilesError, match=r"deep\.png must have 8 bits a channel, got Pillow's mode 'I;16'"):
        read_picture(tmp_path / "deep.png")


def test_a_label_map_of_another_kind_is_refused(tmp_path: Path):
    table = label_table(cityscapes.IDS)
    for name, image in {
        "deep": Image.fromarray(GREYS.astype(np.uint16)),
        "colour": Image.fromarray(GREYS).convert("RGB"),
        "palette": Image.fromarray(GREYS).convert("P"),
    }.items():
        image.save(tmp_path / f"{name}.png")
        with pytest.raises(DataFilesError, match=rf"{name}\.png must be a label map of 8-bit greys, got Pillow's mode"):
            read_label_map(tmp_path / f"{name}.png", table)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    os.truncate(tmp_path / "cut.png", 900)
    with pytest.raises(DataFilesError, match=r"cut\.png cannot be read as a label map: "):
        read_label_map(tmp_path / "cut.png", table)


def test_what_is_remembered_is_of_the_place_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_imagefolder(tmp_path / name)
    monkeypatch.setenv("KDSWEEP_DATA", str(tmp_path / "a"))
    first = imagefolder_files(None)
    assert imagefolder_files(None) is first
    monkeypatch.setenv("KDSWEEP_DATA", str(tmp_path / "b"))
    assert imagefolder_files(None).folder == tmp_path / "b"
    monkeypatch.delenv("KDSWEEP_DATA")
    with pytest.raises(DataFilesError, match="nothing says where"):
        imagefolder_files(None)
