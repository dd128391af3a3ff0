"""Data sets whose pictures are files: what is told of files that are missing, cut or of something else."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.trainers.layouts import LAYOUTS, Written
from trainers.data.formats.places import VARIABLE, DataFilesError

Change = Callable[[Written], object]


def remove(name: str) -> Change:
    return lambda written: (
        shutil.rmtree(written.folder / name) if (written.folder / name).is_dir() else (written.folder / name).unlink()
    )


def write(name: str, content: bytes = b"x") -> Change:
    def change(written: Written) -> None:
        path = written.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return change


def replace(name: str, old: str, new: str) -> Change:
    def change(written: Written) -> None:
        path = written.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def link(name: str, target: str) -> Change:
    return lambda written: (written.folder / name).symlink_to(target)


def pipe(name: str) -> Change:
    return lambda written: os.mkfifo(written.folder / name)


def folder(name: str) -> Change:
    return lambda written: (written.folder / name).mkdir(parents=True)


N = ("n23606798", "n61803399", "n85410197")
"""The WordNet ids that are written."""
CSV = "../../../LOC_val_solution.csv"
KIT = "ILSVRC2012_devkit_t12/data"
KIT_CLASSES = f"{KIT}/ILSVRC2012_validation_ground_truth.txt"
STREET = "aachen/aachen_000001_000019"

WRONG: dict[str, list[tuple[Change, str]]] = {
    "imagefolder": [
        (
            remove("train"),
            "for train/ in FOLDER; give datasets: {imagefolder: {root: FOLDER}} or set KDSWEEP_DATA; its pictures are",
        ),
        (remove("val"), "looked for val/, valid/, validation/, test/ in FOLDER"),
        (remove("val/kind_01"), "FOLDER/val has no folder 'kind_01', a class in FOLDER/train"),
        (write("val/kind_1/0.png"), "FOLDER/val/kind_1 is a class that FOLDER/train does not have"),
        (write("train/kind_1/0.png"), "FOLDER/val has no folder 'kind_1', a class in FOLDER/train"),
        (folder("train/.ipynb_checkpoints"), "FOLDER/train/.ipynb_checkpoints is hidden"),
        (folder("train/kind_01/.cache"), "FOLDER/train/kind_01/.cache is hidden"),
        (write("train/kind_01/._0.png"), "FOLDER/train/kind_01/._0.png is hidden"),
        (write("train/0.png"), "FOLDER/train/0.png lies in no class folder"),
        (
            lambda w: [folder(f"{part}/empty")(w) for part in ("train", "val")],
            "FOLDER/train/empty holds no pictures (.jpg, ",
        ),
        (
            lambda w: [write(f"{p}/a/0.png", b"x" * (p == "val"))(w) for p in ("train", "val")],
            "FOLDER/train/a/0.png has no bytes",
        ),
        (
            lambda w: [write(f"val/kind_0{i}/0.png", b"")(w) for i in range(3)],
            "FOLDER/val/kind_00/0.png has no bytes (and 2 more)",
        ),
        (pipe("val/kind_00/pipe.png"), "FOLDER/val/kind_00/pipe.png is no regular file"),
        (link("train/kind_9", "gone"), "FOLDER/train/kind_9 is a link to gone, which is not there"),
        (link("train/kind_01/a.png", "gone"), "FOLDER/train/kind_01/a.png cannot be read: No such file"),
        (link("train/kind_01/up", ".."), "FOLDER/train/kind_01/up is a link to a folder that it lies in"),
        (
            lambda w: [remove(f"train/kind_0{i}")(w) for i in (0, 1)],
            "FOLDER/train must hold a folder for each class, at least 2, got 1",
        ),
    ],
    "imagenet": [
        (
            remove("val"),
            (
                "looked for train/, val/ in FOLDER and below it in ILSVRC2012, imagenet, ILSVRC/Data/CLS-LOC; "
                "give datasets: {imagenet: {root: FOLDER}} or set KDSWEEP_DATA; its files must be fetched by hand"
            ),
        ),
        (write("train/tench/0.JPEG"), "FOLDER/train/tench must be called by its WordNet id"),
        (write("val/ILSVRC2012_val_00000009.JPEG"), "FOLDER/val/ILSVRC2012_val_00000009.JPEG lies in no class folder"),
        (remove(f"train/{N[0]}"), f"FOLDER/val/{N[0]} is a class that FOLDER/train does not have"),
    ],
    "imagenet kaggle": [
        (remove(CSV), "FOLDER/val has no class folders, so labels were looked for: LOC_val_solution.csv or"),
        (
            replace(CSV, "ImageId,", "Image,"),
            "LOC_val_solution.csv, line 1: must be ImageId,PredictionString, got 'Image,PredictionString'",
        ),
        (write("train/0.JPEG"), "FOLDER/train/0.JPEG lies in no class folder"),
        (
            lambda w: [remove(f"train/{wnid}")(w) for wnid in N],
            "FOLDER/train must hold a folder for each class, at least 2, got 0",
        ),
        (replace(CSV, f",{N[0]}", ""), " must have 2 words, got 'ILSVRC2012_val_0"),
        (replace(CSV, f",{N[0]}", ",tench"), "must begin with a WordNet id, got 'tench 1 2 3 4"),
        (write("val/ILSVRC2012_val_00000009.JPEG"), "FOLDER/val/ILSVRC2012_val_00000009.JPEG has no label in"),
        (remove("val/ILSVRC2012_val_00000004.JPEG"), "FOLDER/val/ILSVRC2012_val_00000004.JPEG is not there"),
        (replace(CSV, "val_00000004", "val_00000003"), "'ILSVRC2012_val_00000003' is given twice, first on line "),
        (write(CSV, b"\xff\xfe"), "LOC_val_solution.csv cannot be read: 'utf-8' codec"),
        (write(CSV, b"\n"), "LOC_val_solution.csv holds nothing"),
    ],
    "imagenet kit": [
        (remove(f"{KIT}/meta.mat"), f"FOLDER/{KIT}/meta.mat cannot be read: FileNotFoundError"),
        (write(f"{KIT}/meta.mat"), f"FOLDER/{KIT}/meta.mat cannot be read: "),
        (
            write(KIT_CLASSES, b"1\nx\n"),
            f"FOLDER/{KIT_CLASSES}, line 2: must be a whole number from 1 to 1000, got 'x'",
        ),
        (
            write(KIT_CLASSES, b"1001\n"),
            f"FOLDER/{KIT_CLASSES}, line 1: must be a whole number from 1 to 1000, got '1001'",
        ),
        (
            write(KIT_CLASSES, b"1\n2\n3\n4\n"),
            f"FOLDER/val/ILSVRC2012_val_00000005.JPEG has no label in FOLDER/{KIT_CLASSES} (and 1 more)",
        ),
        (
            remove("val/ILSVRC2012_val_00000002.JPEG"),
            f"FOLDER/{KIT_CLASSES}, line 2: FOLDER/val/ILSVRC2012_val_00000002.JPEG is not there",
        ),
    ],
    "tiny_imagenet": [
        (
            remove("wnids.txt"),
            "looked for tiny-imagenet-200/wnids.txt, tiny-imagenet-200/train/, tiny-imagenet-200/val/ in ",
        ),
        (remove(f"train/{N[1]}"), f"FOLDER/train has no folder '{N[1]}', a class in FOLDER/wnids.txt"),
        (replace("wnids.txt", f"{N[1]}\n", ""), f"FOLDER/train/{N[1]} is a class that FOLDER/wnids.txt does not have"),
        (replace("wnids.txt", N[1], N[0]), f"FOLDER/wnids.txt, line 3: '{N[0]}' is given twice, first on line 2"),
        (replace("wnids.txt", N[1], "a b"), "FOLDER/wnids.txt, line 2: must be one word, got 'a b'"),
        (replace("val/val_annotations.txt", N[1], "n1"), "'n1' is not in FOLDER/wnids.txt"),
        (remove("val/val_annotations.txt"), "FOLDER/val/val_annotations.txt cannot be read"),
        (
            remove("val/images/val_3.JPEG"),
            "FOLDER/val/val_annotations.txt, line 4: FOLDER/val/images/val_3.JPEG is not there",
        ),
        (replace("val/val_annotations.txt", "val_3", "val_9"), "line 4: FOLDER/val/images/val_9.JPEG is not there"),
        (write("val/images/val_9.JPEG"), "FOLDER/val/images/val_9.JPEG is not in FOLDER/val/val_annotations.txt"),
        (
            remove(f"train/{N[1]}/images/{N[1]}_2.JPEG"),
            f"FOLDER/train/{N[1]}/{N[1]}_boxes.txt, line 3: FOLDER/train/{N[1]}/images/{N[1]}_2.JPEG is not there",
        ),
        (
            write(f"train/{N[1]}/images/a.JPEG"),
            f"FOLDER/train/{N[1]}/images/a.JPEG is not in FOLDER/train/{N[1]}/{N[1]}_boxes.txt",
        ),
        (remove("val/images"), "looked for pictures in FOLDER/val/images and for class folders in FOLDER/val"),
    ],
    "tiny_imagenet sorted": [
        (remove(f"val/{N[1]}"), f"FOLDER/val has no folder '{N[1]}', a class in FOLDER/wnids.txt"),
    ],
    "cub200": [
        (remove("classes.txt"), "looked for CUB_200_2011/images.txt, "),
        (replace("classes.txt", "2 ", "3 "), "FOLDER/classes.txt, line 2: must be a whole number from 2 to 2, got '3'"),
        (
            replace("image_class_labels.txt", "5 1", "5 0"),
            "FOLDER/image_class_labels.txt, line 5: must be a whole number from 1 to 3, got '0'",
        ),
        (
            replace("image_class_labels.txt", "5 1", "5 4"),
            "FOLDER/image_class_labels.txt, line 5: must be a whole number from 1 to 3, got '4'",
        ),
        (
            replace("image_class_labels.txt", "5 1", "5 one"),
            "FOLDER/image_class_labels.txt, line 5: must be a whole number from 1 to 3, got 'one'",
        ),
        (
            replace("image_class_labels.txt", "5 1\n", ""),
            "FOLDER/image_class_labels.txt has no line for picture 5 of FOLDER/images.txt",
        ),
        (
            replace("image_class_labels.txt", "5 1", "6 1"),
            "FOLDER/image_class_labels.txt, line 6: '6' is given twice, first on line 5",
        ),
        (
            replace("train_test_split.txt", "18 ", "19 0\n18 "),
            "FOLDER/train_test_split.txt, line 18: picture '19' is not in FOLDER/images.txt",
        ),
        (
            replace("train_test_split.txt", "18 ", "18 2"),
            "FOLDER/train_test_split.txt, line 18: must be a whole number from 0 to 1, got '2",
        ),
        (
            replace("images.txt", "Bird_3.jpg", "Bird_33.jpg"),
            "FOLDER/images.txt, line 4: FOLDER/images/001.Bird_0/Bird_33.jpg is not there",
        ),
        (
            replace("images.txt", "Bird_3.jpg", "Bird_2.jpg"),
            "FOLDER/images.txt, line 4: '001.Bird_0/Bird_2.jpg' is given twice, first on line 3",
        ),
        (
            remove("images/002.Bird_1"),
            "FOLDER/images.txt, line 7: FOLDER/images/002.Bird_1/Bird_0.jpg is not there (and 5 more)",
        ),
        (write("images/002.Bird_1/new.jpg"), "FOLDER/images/002.Bird_1/new.jpg is not in FOLDER/images.txt"),
        (
            lambda w: (w.folder / "train_test_split.txt").write_text("".join(f"{i} 1\n" for i in range(1, 19))),
            "FOLDER has no test pictures of class '001.Bird_0' (and 2 more)",
        ),
        (write("images/001.Bird_0/Bird_0.jpg", b""), "FOLDER/images/001.Bird_0/Bird_0.jpg has no bytes"),
    ],
    "cityscapes": [
        (
            remove("gtFine"),
            "looked for leftImg8bit/train/, leftImg8bit/val/, gtFine/train/, gtFine/val/ in FOLDER and below it in cit",
        ),
        (
            remove(f"gtFine/train/{STREET}_gtFine_labelIds.png"),
            f"FOLDER/gtFine/train/{STREET}_gtFine_labelIds.png is not there, a picture's label map",
        ),
        (
            remove(f"leftImg8bit/train/{STREET}_leftImg8bit.png"),
            f"FOLDER/gtFine/train/{STREET}_gtFine_labelIds.png is the label map of no picture",
        ),
        (remove("gtFine/train/aachen"), "FOLDER/gtFine/train/aachen cannot be read: No such file"),
        (remove("leftImg8bit/train/aachen"), "FOLDER/leftImg8bit/train/aachen cannot be read: No such file"),
        (
            write(f"gtFine/train/{STREET}_gtFine_labelIds.png", b""),
            f"FOLDER/gtFine/train/{STREET}_gtFine_labelIds.png has no bytes",
        ),
        (
            lambda w: [remove(f"{kind}/val/frankfurt")(w) for kind in ("leftImg8bit", "gtFine")],
            "looked for CITY/*_leftImg8bit.png in FOLDER/leftImg8bit/val: there are none",
        ),
    ],
    "cityscapes train ids": [
        (
            remove(f"gtFine/train/{STREET}_gtFine_labelTrainIds.png"),
            (
                f"FOLDER/gtFine/train/{STREET}_gtFine_labelTrainIds.png is not there, a picture's label map "
                "(nor are there any *_gtFine_labelIds.png)"
            ),
        ),
    ],
}


@pytest.mark.parametrize(
    ("layout", "number"), [(layout, i) for layout, cases in WRONG.items() for i in range(len(cases))]
)
def test_what_is_wrong_is_told(tmp_path: Path, layout: str, number: int):
    change, message = WRONG[layout][number]
    make, read = LAYOUTS[layout]
    written = make(tmp_path)
    change(written)
    with pytest.raises(DataFilesError) as refusal:
        read(tmp_path)
    told = (
        str(refusal.value)
        .replace(f"{{root: {written.folder}}}", "{root: FOLDER}")
        .replace(str(written.folder), "FOLDER")
    )
    assert message in told
    assert "download" not in told


@pytest.mark.parametrize(
    ("layout", "name", "keeps"),
    [  # so many bytes at the end may be cut without a loss
        ("cub200", "images.txt", 1),
        ("cub200", "image_class_labels.txt", 1),
        ("cub200", "train_test_split.txt", 1),
        ("cub200", "classes.txt", 10),
        ("tiny_imagenet", "wnids.txt", 1),
        ("tiny_imagenet", "val/val_annotations.txt", 2),
        ("tiny_imagenet", f"train/{N[0]}/{N[0]}_boxes.txt", 2),
        ("imagenet kaggle", CSV, 28),
        ("imagenet kit", KIT_CLASSES, 3),
    ],
)
def test_a_list_that_is_cut_anywhere_is_told(tmp_path: Path, layout: str, name: str, keeps: int):
    make, read = LAYOUTS[layout]
    path = make(tmp_path).folder / name
    whole = path.read_bytes()
    for end in np.linspace(0, len(whole) - keeps - 1, 12).astype(int):
        path.write_bytes(whole[:end])
        with pytest.raises(DataFilesError):
            read.__wrapped__(tmp_path)  # type: ignore[attr-defined]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if " " not in name])
def test_nothing_says_where_the_files_are(layout: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    told = rf"nothing says where its files are; give datasets: \{{{layout}: .* or set KDSWEEP_DATA; its (files|pict)"
    with pytest.raises(DataFilesError, match=told):
        LAYOUTS[layout][1](None)
