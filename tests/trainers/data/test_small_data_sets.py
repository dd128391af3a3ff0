"""CIFAR and MNIST files as others write them, and files that are missing, cut, of something else or evil."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from tests.trainers.layouts import write_cifar10, write_cifar100, write_fashion_mnist, write_idx
from trainers import data
from trainers.data._split import held_out_last
from trainers.data.formats.places import VARIABLE, DataFilesError
from trainers.data.view_sets import view_set
from trainers.views.device_data import on_device
from trainers.views.views import shift_views


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar100_is_what_its_files_hold(tmp_path: Path, protocol: int):
    written = write_cifar100(tmp_path, protocol=protocol)
    images = data.load("cifar100", tmp_path)
    info = images.info
    assert (info.classes, info.channels, info.size, info.fit, info.validation, info.test) == (100, 3, 32, 300, 100, 100)
    assert (info.view_set, info.views, info.recipe) == ("pad4-crop-flip", 162, "cifar")
    order, _ = held_out_last(written["train_labels"], "cifar100")
    np.testing.assert_array_equal(images.train_images, written["train_images"][order])
    np.testing.assert_array_equal(images.test_images, written["test_images"])
    assert np.bincount(images.train_targets[info.fit :], minlength=100).tolist() == [1] * 100
    assert images.mean == (0.5071, 0.4867, 0.4408)


def test_torchvision_reads_the_same_from_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_cifar10(tmp_path)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_load_meta", lambda self: None)
    ours = data.load("cifar10", tmp_path)
    for train in (True, False):
        theirs = torchvision.datasets.CIFAR10(tmp_path, train=train)
        pictures, labels = theirs.data.transpose(0, 3, 1, 2), np.array(theirs.targets)
        if train:
            order, _ = held_out_last(labels, "cifar10")
            pictures, labels = pictures[order], labels[order]
        part = "train" if train else "test"
        np.testing.assert_array_equal(getattr(ours, f"{part}_images"), pictures)
        np.testing.assert_array_equal(getattr(ours, f"{part}_targets"), labels)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("layout", ["", "raw", "FashionMNIST/raw"])
def test_fashion_mnist_in_every_layout(tmp_path: Path, zipped: bool, layout: str):
    write_fashion_mnist(tmp_path / layout, zipped=zipped)
    images = data.load("fashion_mnist", tmp_path)
    assert (images.info.channels, images.info.size, images.info.fit, images.info.validation) == (1, 28, 30, 10)
    assert images.train_images.shape == (40, 1, 28, 28)
    assert images.test_images.flags.writeable  # else torch warns at the user


def test_the_environment_says_where_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    write_fashion_mnist(tmp_path / "fashion_mnist")
    assert data.describe("fashion_mnist").test == 20
    monkeypatch.delenv(VARIABLE)
    data.describe("fashion_mnist", tmp_path / "fashion_mnist")
    with pytest.raises(DataFilesError, match=r"nothing says where its files are; give datasets: \{mnist"):
        data.describe("mnist")


def test_what_is_missing_is_told_with_where_it_was_looked_for(tmp_path: Path):
    with pytest.raises(DataFilesError) as refusal:
        data.describe("cifar10", tmp_path)
    text = str(refusal.value)
    assert "looked for cifar-10-batches-py/data_batch_1" in text
    assert str(tmp_path) in text
    assert "let download: on fetch it" in text


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def test_a_pickle_that_would_do_something_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write_cifar100(tmp_path)
    (tmp_path / "cifar-100-python" / "train").write_bytes(pickle.dumps({"data": Evil()}, protocol=2))
    with pytest.raises(DataFilesError, match=r"train is not a file of the data set: .*it asks for (posix|os)\.system"):
        data.describe("cifar100", tmp_path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a file of the data set"),
        (b"not a pickle", "is not a file of the data set"),
        (pickle.dumps([1, 2]), "it holds a list"),
        (pickle.dumps({"data": 5}), "it has no 'fine_labels'"),
        (pickle.dumps({"data": np.zeros((2, 5), np.uint8), "fine_labels": [0, 1]}), "uint8 of shape (2, 5)"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.float64), "fine_labels": [0, 1]}), "float64 of shape"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "fine_labels": [0]}), "uint8 of shape (2, 3072)"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "fine_labels": [100]}), "must be 0 to 99"),
    ],
)
def test_a_broken_cifar_file_is_named(tmp_path: Path, content: bytes, message: str):
    write_cifar100(tmp_path)
    (tmp_path / "cifar-100-python" / "test").write_bytes(content)
    with pytest.raises(DataFilesError) as refusal:
        data.describe("cifar100", tmp_path)
    assert str(tmp_path / "cifar-100-python" / "test") in str(refusal.value)
    assert message in str(refusal.value)


@pytest.mark.parametrize("cut", [3, 10, 100, -1])
def test_a_cut_idx_file_is_named(tmp_path: Path, cut: int):
    write_fashion_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataFilesError, match="train-images-idx3-ubyte"):
        data.describe("fashion_mnist", tmp_path)


def test_a_cut_gzip_file_is_named(tmp_path: Path):
    write_fashion_mnist(tmp_path, zipped=True)
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataFilesError, match=r"t10k-labels-idx1-ubyte\.gz cannot be read"):
        data.describe("fashion_mnist", tmp_path)


def test_labels_of_another_number_than_images_are_named(tmp_path: Path):
    write_fashion_mnist(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(7))
    with pytest.raises(DataFilesError, match=r"has shape \(40, 28, 28\), train-labels-idx1-ubyte \(7,\)"):
        data.describe("fashion_mnist", tmp_path)


def test_held_out_images_are_a_tenth_of_every_class_and_always_the_same():
    labels = np.repeat(np.arange(5), [10, 20, 30, 40, 2])
    order, fit = held_out_last(labels, "a")
    assert sorted(order.tolist()) == list(range(102))
    assert np.bincount(labels[order[fit:]]).tolist() == [1, 2, 3, 4, 1]
    assert (np.diff(order[:fit]) > 0).all() and (np.diff(order[fit:]) > 0).all()
    again, _ = held_out_last(labels, "a")
    other, _ = held_out_last(labels, "b")
    assert (again == order).all()
    assert (other != order).any()


def test_every_view_is_a_crop_and_the_second_half_is_mirrored():
    images = torch.randint(0, 256, (2, 3, 6, 6), dtype=torch.uint8)
    views = shift_views(images, torch.zeros(2, dtype=torch.int64), pad=4, fill=0, flip=True)
    assert views.count == view_set("pad4-crop-flip").enumerated == 162
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    for number in range(162):
        top, left = divmod(number % 81, 9)
        crop = padded[[1], :, top : top + 6, left : left + 6]
        batch = views.pixels(torch.tensor([1]), torch.tensor([number]))
        assert torch.equal(batch, crop.flip(3) if number >= 81 else crop)
    assert torch.equal(views.pixels(torch.tensor([0]), torch.tensor([views.centre])), images[:1])


def test_images_are_normalised_by_the_literatures_numbers(tmp_path: Path):
    write_cifar100(tmp_path)
    there = on_device("cifar100", tmp_path, torch.device("cpu"))
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)))
    (seen,) = there.test.batches(torch.tensor([3]), torch.tensor([0]), 1)
    batch = there.lens(seen.pixels)
    raw = torch.from_numpy(data.load("cifar100", tmp_path).test_images[3]).float() / 255
    torch.testing.assert_close(batch[0], (raw - mean) / std)
