"""What is trained on and scored on, where there is little of it: the last batch, batches of one, nothing held out."""

import dataclasses
from pathlib import Path

import pytest

from search_spaces import Sweep, describe_plan, notes, restore
from tests.search_spaces.sweep_texts import sweep_of, told
from tests.trainers.layouts import write_cityscapes, write_imagefolder
from trainers import methods
from trainers.trials.trial import to_json, trial_key

TEXT = """\
name: few
datasets: {imagefolder: {root: pictures, size: 32, views: 2}}
pairs: resnet8 -> tinycnn
recipe: {base: quick, epochs: 1, batch_size: BATCH}
methods: {ce: , kd: , tuned: {method: kd, temperature: {low: 1, high: 8}}}
search: {trials: 2, parallel: 1}
seeds: 1
"""
FIXED = TEXT.replace(", tuned: {method: kd, temperature: {low: 1, high: 8}}", "").replace(
    "search: {trials: 2, parallel: 1}\n", ""
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with 33 pictures, of which 30 are fit images; one of a picture a class; and street scenes."""
    made = tmp_path_factory.mktemp("few")
    write_imagefolder(made / "pictures", classes=3, per_class=11, size=20)
    write_imagefolder(made / "oneshot", classes=4, per_class=1, size=20)
    uneven = write_imagefolder(made / "uneven", classes=4, per_class=5, size=20).folder
    for picture in sorted((uneven / "train/kind_00").iterdir())[1:]:
        picture.unlink()
    write_cityscapes(made / "scenes", per_city=1)
    write_cityscapes(made / "one_scene", per_city=1, cities=("aachen",))
    write_cityscapes(made / "two_scenes", per_city=2, cities=("aachen",))
    return made


def of(folder: Path, batch: int, text: str = TEXT) -> Sweep:
    return sweep_of(folder, text.replace("BATCH", str(batch)))


@pytest.mark.parametrize(
    ("batch", "full", "search"),
    [(16, "joined", "alone"), (29, "alone", "joined"), (8, "joined", "alone"), (10, "alone", "alone"),
     (33, "alone", "alone"), (64, "alone", "alone"), (1, "alone", "alone")],
)  # fmt: skip
def test_each_split_for_itself(batch: int, full: str, search: str, folder: Path) -> None:
    sweep = of(folder, batch)
    (searched,) = sweep.searches
    proposal, confirmed = searched.proposal({"temperature": 2.0}, 0), searched.confirmed({"temperature": 2.0}, 1)
    (teacher,) = sweep.teachers
    assert teacher.trial is not None
    assert {member.trial.last_image for member in (*sweep.fixed, *confirmed)} == {full}
    assert teacher.trial.last_image == full
    assert proposal.trial.last_image == search
    assert restore(sweep.resolved).fixed == sweep.fixed


def test_keys_have_the_field_where_an_epoch_leaves_one_and_nowhere_else(folder: Path) -> None:
    for batch in (10, 16):
        for member in of(folder, batch).fixed:
            alone = dataclasses.replace(member.trial, last_image="alone")
            assert (trial_key(alone) == member.key) == (batch == 10)
            assert to_json(alone)["last_image"] == "alone"


def test_a_study_is_another_where_a_proposals_epoch_leaves_one(folder: Path) -> None:
    def content(batch: int) -> dict[str, object]:
        search = of(folder, batch).searches[0]
        return search.blueprint.to_json(search.dimensions)

    assert content(29)["last_image"] == "joined"
    assert "last_image" not in content(16)  # the whole set leaves one, the fit images do not


def test_the_plan_says_which_epochs_leave_one(folder: Path) -> None:
    plan = describe_plan(of(folder, 29))
    line = "imagefolder: the fit images of a search (30) in batches of 29 leave one over, which joins the batch before"
    assert line in plan.notes
    assert f"note     {line}" in plan.to_text()
    assert plan.to_json()["notes"] == list(plan.notes)
    assert plan.work.steps == 1 * 2 + (2 + 1 + 1) * 2  # proposals of one step, 33 images in two
    assert "imagefolder: all training images (33) in batches of 16 leave one over, which joins the batch before" in (
        describe_plan(of(folder, 16)).notes
    )


def test_nothing_is_noted_of_an_even_split(folder: Path) -> None:
    assert notes(of(folder, 10, FIXED)) == ()


def test_few_images_are_noted(folder: Path) -> None:
    found = notes(of(folder, 64))
    assert "imagefolder: the fit images of a search (30) are fewer than a batch of 64: an epoch is one step" in found
    assert "imagefolder: a search is scored on 3 images: one is 33 points of accuracy" in found


def test_a_class_with_one_picture_is_noted_where_there_is_a_search(folder: Path) -> None:
    line = "imagefolder: 1 of 4 classes have one training image: no proposal of a search is scored on them"
    assert line in notes(of(folder, 4, TEXT.replace("pictures", "uneven")))
    assert line not in notes(of(folder, 4, FIXED.replace("pictures", "uneven")))


def test_a_search_with_nothing_to_be_scored_on_is_refused(folder: Path) -> None:
    (head, line) = told(folder, TEXT.replace("pictures", "oneshot").replace("BATCH", "2"))
    assert "1 problem" in head
    assert "methods.tuned.temperature: is searched, and imagefolder has no image that a proposal" in line
    assert "each of its 4 classes has one training image" in line
    assert len(of(folder, 2, FIXED.replace("pictures", "oneshot")).fixed) == 2


SCENES = """\
name: scenes
datasets: {cityscapes: {root: scenes, size: [64, 96]}}
pairs: deeplabv3_resnet18 -> pspnet_mobilenetv2
recipe: {base: cityscapes, epochs: 1, epoch_steps: 0, batch_size: 2, start: random}
methods: {ce: , kd: {temperature: {low: 1, high: 8}}}
search: {trials: 2, parallel: 1}
seeds: 1
"""


def test_scenes_of_which_none_can_be_held_out(folder: Path) -> None:
    (_, line) = told(folder, SCENES)
    assert "methods.kd.temperature" in line
    assert "each of its cities has one training image" in line


@pytest.mark.parametrize("root", ["one_scene", "two_scenes"])
def test_a_single_scene_to_train_on(root: str, folder: Path) -> None:
    text = SCENES.replace("root: scenes", f"root: {root}")
    if root == "one_scene":
        text = text.replace("kd: {temperature: {low: 1, high: 8}}", "kd: ").replace(
            "search: {trials: 2, parallel: 1}\n", ""
        )
    (_, line) = told(folder, text)
    assert "datasets.cityscapes: has one training image to train on" in line


# --- batches of one image -----------------------------------------------------------------------------------------


def test_networks_that_normalise_over_the_batch_are_refused_batches_of_one(folder: Path) -> None:
    text = FIXED.replace("resnet8 -> tinycnn", "[resnet8 -> tinycnn, resnet8 -> timm:levit_conv_128s]")
    text = text.replace("size: 32", "size: 224").replace("resnet8", "timm:resnet18").replace("tinycnn", "timm:resnet18")
    (_, line) = told(folder, text.replace("BATCH", "1"))
    assert "recipe.batch_size: must be at least 2 for timm:levit_conv_128s on imagefolder, got 1" in line
    assert of(folder, 1, FIXED).fixed


def test_teachers_with_batches_of_one(folder: Path) -> None:
    text = FIXED.replace("resnet8 -> tinycnn", "timm:levit_conv_128s -> timm:resnet18").replace("size: 32", "size: 224")
    text += "teachers: {'timm:levit_conv_128s': {recipe: {batch_size: 1}}}\n"
    (_, line) = told(folder, text.replace("BATCH", "4"))
    assert "teachers.timm:levit_conv_128s.recipe.batch_size: must be at least 2" in line


@pytest.mark.parametrize("method", [method.name for method in methods.ALL if method.least_batch > 1])
def test_methods_that_compare_the_images_of_a_batch(method: str, folder: Path) -> None:
    least = methods.get(method).least_batch
    (_, line) = told(folder, FIXED.replace("kd: ", f"{method}: ").replace("BATCH", str(least - 1)))
    assert f"methods.{method}: {method} compares the images of a batch with one another" in line
    assert f"must be at least {least} for it, got {least - 1}" in line
    assert of(folder, least, FIXED.replace("kd: ", f"{method}: ")).fixed
