"""Data sets of somebody's own: what becomes of arrays, samples and parquet, and what is said of those that are none."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from trainers import data
from trainers.data import Images, Source
from trainers.data.formats.arrays import parts_of
from trainers.data.formats.places import DataFilesError
from trainers.data.formats.samples import as_arrays
from trainers.data.sets.own import source_of

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
LABELS = np.arange(24) % 3


def arrays(**changed: Any) -> dict[str, Any]:
    sound = {"train_images": IMAGES, "train_labels": LABELS, "test_images": IMAGES[:6], "test_labels": LABELS[:6]}
    return {name: value for name, value in {**sound, **changed}.items() if value is not None}


def loaded(root: Path) -> Images:
    found = data.load("mine", root)
    assert isinstance(found, Images)
    return found


def test_arrays_become_a_data_set_with_a_tenth_held_out(tmp_path: Path):
    np.savez(tmp_path / "data.npz", **arrays())
    root = Source(tmp_path / "data.npz").root()
    info, images = data.describe("mine", root), loaded(root)
    assert (info.classes, info.channels, info.size, info.fit, info.validation, info.test) == (3, 3, 16, 21, 3, 6)
    assert (info.view_set, info.views) == ("pad2-crop-flip", 50)
    order = [
        next(n for n, one in enumerate(IMAGES) if (one.transpose(2, 0, 1) == image).all())
        for image in images.train_images
    ]
    assert sorted(order) == list(range(24))
    assert (images.train_targets == LABELS[order]).all()
    np.savez(tmp_path / "keras.npz", x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES[:6], y_test=LABELS[:6])
    assert data.describe("mine", tmp_path / "keras.npz").digest == info.digest


def test_what_is_set_of_a_source_is_in_its_root_and_comes_back():
    for source in (
        Source(Path("/a b/c@d.npz")),
        Source(Path("/x/data.py"), "make_0123456789abcdef", (("size", "64"),)),
        Source(Path("/x/y"), "", (("size", "32"), ("label", "fine_label"))),
        Source(Path("/x/data@v=2.npz")),
        Source(Path("/p @ ä=1/100%25"), "", (("image", "a,b=c"), ("label", "coarse/x@y"))),
    ):
        assert source_of(source.root()) == source
    assert data.folder_of(Source(Path("/x/data.py"), "make_0123456789abcdef").root()) is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"test_labels": None}, "test_labels is missing"),
    "misspelt": ({"test_labels": None, "test_label": LABELS[:6]}, "test_labels is missing; did you mean 'test_label'"),
    "floats": (
        {"train_images": IMAGES / 255},
        "must be of uint8, .* got float64 from 0 to 1; multiply by 255",
    ),
    "normalised": ({"train_images": IMAGES / 99 - 1.0}, "give them as they were before a Normalize"),
    "channels first": ({"train_images": np.moveaxis(IMAGES, 3, 1)}, r"got \[24, 3, 16, 16\]; put channels last"),
    "flat": ({"train_images": IMAGES.reshape(24, -1)}, r"must have the shape N, height, width.* got \[24, 768\]"),
    "oblong": ({"train_images": IMAGES[:, :12]}, "must be square, of 8 pixels or more; got 12 x 16"),
    "no image": ({"test_images": IMAGES[:0]}, "test_images holds no image"),
    "other sizes": (
        {"test_images": IMAGES[:6, :8, :8]},
        "must have the size of train_images, got 16 x 16 .* 8 x 8",
    ),
    "fewer labels": ({"train_labels": LABELS[:9]}, "train_labels must be one for each of .* 24 images, got 9"),
    "one-hot": ({"train_labels": np.eye(3)[LABELS]}, r"must have the shape N, got \[24, 3\]; give numpy.argmax"),
    "texts": ({"train_labels": LABELS.astype(str)}, "train_labels must be whole numbers from 0"),
    "from 1": ({"train_labels": LABELS + 1}, "without a gap: none is 0"),
    "negative": ({"train_labels": LABELS - 1}, "train_labels must be whole numbers from 0, got -1"),
    "test only": ({"test_labels": LABELS[:6] + 1}, "test_labels must be classes of train_labels, below 3, got 3"),
    "one class": ({"train_labels": LABELS * 0}, "at least 2 classes, got 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_arrays_that_are_no_data_set_are_told_with_rule_and_value(case: str):
    changed, message = WRONG[case]
    with pytest.raises(DataFilesError, match=message):
        parts_of(arrays(**changed))


def test_a_file_of_objects_or_none_is_refused_without_being_run(tmp_path: Path):
    np.savez(tmp_path / "data.npz", train_images=np.array([{}], dtype=object))
    with pytest.raises(DataFilesError, match="cannot be read as numpy's arrays: Object arrays cannot be loaded"):
        data.describe("mine", tmp_path / "data.npz")
    (tmp_path / "text.npz").write_text("none")
    with pytest.raises(DataFilesError, match="cannot be read as numpy's arrays"):
        data.describe("mine", tmp_path / "text.npz")
    with (tmp_path / "one.npz").open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(DataFilesError, match="holds one array, not several by name"):
        data.describe("mine", tmp_path / "one.npz")
    with pytest.raises(DataFilesError, match="no such file"):
        data.describe("mine", tmp_path / "gone.npz")


class Samples:
    """As torchvision's data sets are."""

    def __init__(self, give: Callable[[int], Any], count: int = 6) -> None:
        self.give, self.count = give, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Any:
        return self.give(number)


def test_pictures_arrays_and_tensors_come_to_the_same():
    ways = (Image.fromarray, lambda image: image, lambda image: torch.from_numpy(image).permute(2, 0, 1))
    found = [as_arrays(Samples(lambda n, way=way: (way(IMAGES[n]), int(LABELS[n]))), "train", None) for way in ways]
    for one in found:
        assert (one["train_images"] == IMAGES[:6]).all()
        assert one["train_labels"].tolist() == [0, 1, 2, 0, 1, 2]
    grey = as_arrays(Samples(lambda n: (Image.fromarray(IMAGES[n][..., 0]), n)), "test", None)
    assert grey["test_images"].shape == (6, 16, 16, 1)
    small = as_arrays(Samples(lambda n: (Image.new("RGB", (30 + n, 20)), n)), "test", 8)
    assert small["test_images"].shape == (6, 8, 8, 3)


WRONG_SAMPLES: dict[str, tuple[Callable[[int], Any], str]] = {
    "no pair": (lambda n: IMAGES[n], r"train sample 0 must be \(picture, class\), got a ndarray"),
    "floats": (lambda n: (torch.rand(3, 8, 8), 0), "got a tensor of float32; leave out ToTensor and Normalize"),
    "text": (lambda n: (IMAGES[n], "cat"), "the class of train sample 0 must be a whole number, got 'cat'"),
    "sizes": (
        lambda n: (IMAGES[n][: 16 - n], 0),
        "sample 1 must have 16 x 16 as the first is, got 15 x 16; `size: 16`",
    ),
    "oblong": (lambda n: (Image.new("RGB", (20, 16)), 0), "must be square, got 16 x 20; `size: 16` takes the middle"),
    "random": (lambda n: (RANDOM.integers(0, 9, (8, 8, 3), dtype=np.uint8), 0), "is another one when it is read again"),
}


@pytest.mark.parametrize("case", WRONG_SAMPLES)
def test_samples_that_are_none_are_told_with_their_number(case: str):
    give, message = WRONG_SAMPLES[case]
    with pytest.raises(DataFilesError, match=message):
        as_arrays(Samples(give), "train", None)


def encoded(image: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def table(count: int, **columns: Any) -> pa.Table:
    """Return a table as `datasets` writes it, with its note of what columns are."""
    features = {
        "img": {"_type": "Image"},
        "fine": {"_type": "ClassLabel", "names": ["a", "b", "c"]},
        "id": {"_type": "Value"},
    }
    found = pa.table(
        {"img": [encoded(one) for one in IMAGES[:count]], "fine": LABELS[:count], "id": range(count), **columns}
    )
    return found.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def test_a_folder_of_parquet_is_that_of_its_arrays(tmp_path: Path):
    np.savez(tmp_path / "data.npz", **arrays())
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    whole = table(24)
    pyarrow.parquet.write_table(whole.slice(0, 10), folder / "data" / "train-00000-of-00002.parquet")
    pyarrow.parquet.write_table(whole.slice(10), folder / "data" / "train-00001-of-00002.parquet")
    pyarrow.parquet.write_table(table(6), folder / "data" / "validation-00000-of-00001.parquet")
    digest = data.describe("mine", tmp_path / "data.npz").digest
    assert data.describe("mine", folder).digest == digest
    for part, count in (("train", 24), ("test", 6)):
        (tmp_path / "saved" / part).mkdir(parents=True)
        path = tmp_path / "saved" / part / "data-00000-of-00001.arrow"
        with pa.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, whole.schema) as writer:
            writer.write_table(table(count))
    assert data.describe("mine", tmp_path / "saved").digest == digest
    assert data.describe("mine", Source(folder, "", (("size", "8"),)).root()).size == 8
    with pytest.raises(DataFilesError, match="has no column 'fin'; did you mean 'fine'"):
        data.describe("mine", Source(folder, "", (("label", "fin"),)).root())


def test_a_folder_without_a_part_or_with_two_columns_of_classes_is_told(tmp_path: Path):
    pyarrow.parquet.write_table(table(24), tmp_path / "train.parquet")
    with pytest.raises(DataFilesError, match=r"must have a part `train` and one of test, validation, .* got train"):
        data.describe("mine", tmp_path)
    plain = table(24, coarse=LABELS).replace_schema_metadata(None)
    for part in ("train", "test"):
        pyarrow.parquet.write_table(plain, tmp_path / f"{part}.parquet")
    with pytest.raises(DataFilesError, match=r"columns of classes \(fine, id, coarse\); say which with `label:`"):
        data.describe("mine", tmp_path / ".")
    broken = plain.set_column(0, "img", pa.array([{"bytes": b"no picture", "path": None}] * 24))
    pyarrow.parquet.write_table(broken, tmp_path / "test.parquet")
    with pytest.raises(DataFilesError, match="test: picture 0 cannot be read: UnidentifiedImageError"):
        data.describe("mine", Source(tmp_path, "", (("label", "fine"),)).root())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataFilesError, match=r"must be FILE.npz, FILE.py:NAME, MODULE:NAME, or a folder with parquet"):
        data.describe("mine", tmp_path / "empty")


def test_a_row_without_a_class_and_a_folder_of_several_configurations_are_told(tmp_path: Path):
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        lacking = table(24).set_column(1, "fine", pa.array(["a", "b", None, "c"] * 6))
        pyarrow.parquet.write_table(lacking, tmp_path / version / "train-00000-of-00001.parquet")
        pyarrow.parquet.write_table(table(6), tmp_path / version / "test-00000-of-00001.parquet")
    with pytest.raises(DataFilesError, match="train has no class at row 2 of 'fine'"):
        data.describe("mine", tmp_path / "v1")
    with pytest.raises(DataFilesError, match=r"has several configurations \(v1, v2\); name one of the folders"):
        data.describe("mine", tmp_path)
