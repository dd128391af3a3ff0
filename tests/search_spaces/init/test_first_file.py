"""`init`: what is proposed for data, the file that says it, and what is never done."""

from pathlib import Path

import pytest

from search_spaces import SweepFileError, init, read
from search_spaces.init.proposal import recipe_for
from tests.trainers.layouts import write_cifar100, write_imagefolder
from trainers.errors import RequestError


def choices(**changed: object) -> init.Choices:
    return init.Choices(**{"methods": ("ce", "kd"), "seeds": 2, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("side", "gpu", "size", "pair", "recipe"),
    [
        (20, True, 32, ("resnet32x4", "resnet8x4"), "small"),
        (90, False, 64, ("resnet20", "resnet8"), "small"),
        (90, True, 64, ("resnet32x4", "resnet8x4"), "small"),
        (230, False, 64, ("resnet20", "resnet8"), "small"),
        (230, True, 224, ("resnet34", "resnet18"), "finetune"),
    ],
)
def test_pictures_are_seen_at_their_size(
    side: int, gpu: bool, size: int, pair: tuple[str, str], recipe: str, tmp_path: Path
) -> None:
    write_imagefolder(tmp_path, size=side)
    found = init.propose(str(tmp_path), gpu=gpu)
    assert (found.dataset, found.recipe, found.side, found.size) == ("imagefolder", recipe, side, size)
    assert (found.teacher, found.student) == pair


@pytest.mark.parametrize(
    ("pictures", "size", "published", "recipe"),
    [
        (40, 64, True, ("small", None, 8)),
        (400, 64, True, ("small", None, 16)),
        (640, 64, True, ("small", None, None)),
        (10_000, 64, True, ("small", None, None)),
        (10_001, 64, True, ("quick", 26, 128)),
        (200_000, 64, True, ("quick", 10, 128)),
        (400, 224, True, ("finetune", None, 16)),
        (2_000, 224, True, ("finetune", None, None)),
        (2_000, 224, False, ("small", None, None)),
        (50_000, 224, False, ("quick", 10, 128)),
        (100_000, 224, True, ("imagenet", None, None)),
    ],
)
def test_the_number_and_size_of_pictures_decide_the_recipe(
    pictures: int, size: int, published: bool, recipe: tuple[str, int | None, int | None]
) -> None:
    assert recipe_for(pictures, size, published=published) == recipe


@pytest.mark.parametrize(
    ("student", "line"),
    [
        (None, "recipe:  # 15 training pictures: from weights published for ImageNet, which the first run fetches"),
        ("vit_tiny_patch16_18x2_x", None),
        ("test_resnet", "recipe:  # 15 training pictures: from weights published"),
        ("densenet264d", "recipe:  # 15 training pictures are few: many epochs of small batches"),
    ],
)
def test_networks_without_published_weights_start_from_random_ones(
    student: str | None, line: str | None, tmp_path: Path
) -> None:
    write_imagefolder(tmp_path / "pictures", size=230, per_class=5)
    proposal = init.propose(str(tmp_path / "pictures"), gpu=True)
    if line is None:
        with pytest.raises(SweepFileError, match="unknown model"):
            init.checked_text(proposal, choices(student=student), tmp_path / "new.yaml")
        return
    assert line in init.checked_text(proposal, choices(student=student), tmp_path / "new.yaml")


def test_a_folder_with_a_space_becomes_a_file_that_keeps_every_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_imagefolder(tmp_path / "my pictures", size=20, per_class=8)
    (tmp_path / "sweeps").mkdir()
    monkeypatch.chdir(tmp_path)
    proposal = init.propose("my pictures", gpu=False)
    path = Path("sweeps") / f"{init.name_of('My Pictures')}.yaml"
    init.write_new(path, init.checked_text(proposal, choices(), path))
    assert path.read_text().startswith("# yaml-language-server: $schema=")
    file = read(path)
    assert file.name == "my-pictures"
    assert file.model.datasets is not None
    assert file.model.datasets["imagefolder"].root == "../my pictures"
    assert (file.given["recipe"]["base"], file.given["recipe"]["batch_size"]) == ("small", 8)
    assert [entry.name for entry in file.entries] == ["ce", "kd"]
    with pytest.raises(RequestError, match="is there already and stays as it is"):
        init.write_new(path, "")
    assert read(path).source == file.source


def test_files_of_a_data_set_are_known_by_themselves(tmp_path: Path):
    write_cifar100(tmp_path, each=2)
    found = init.propose(str(tmp_path), gpu=True)
    assert (found.dataset, found.recipe, found.size, found.epochs) == ("cifar100", "cifar", None, None)
    text = init.checked_text(found, choices(), tmp_path / "new.yaml")
    assert "recipe: cifar  # the data set's own" in text


def test_what_cannot_be_proposed_says_what_to_do(tmp_path: Path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(RequestError, match=r"pictures stand in train/CLASS/ and val/CLASS/; it has cats/"):
        init.propose(str(tmp_path), gpu=False)
    with pytest.raises(RequestError, match="is no folder and no data set"):
        init.propose(str(tmp_path / "none"), gpu=False)
    with pytest.raises(RequestError, match="must be in a folder on this machine"):
        init.propose("https://example.org/pictures", gpu=False)


def test_a_wrong_choice_is_told_as_plan_tells_it_and_nothing_is_written(tmp_path: Path):
    proposal = init.propose("digits100", gpu=False)
    with pytest.raises(SweepFileError, match="unknown method 'kdd'; did you mean 'kd'"):
        init.checked_text(proposal, choices(methods=("kdd",)), tmp_path / "new.yaml")
    assert list(tmp_path.iterdir()) == []


def test_a_shipped_file_is_copied_as_it_is():
    folder = Path(init.__file__).parents[1]
    head, _, rest = init.shipped_text("quickstart").partition("\n")
    assert head.startswith("# yaml-language-server: $schema=")
    assert rest == (folder / "quickstart.yaml").read_text()
    assert "name: cifar100-same-family" in init.shipped_text("cifar100")
    with pytest.raises(RequestError, match="did you mean 'quickstart'"):
        init.shipped_text("quikstart")


def test_home_and_variables_stand_for_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_imagefolder(tmp_path / "data" / "pictures", size=20)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PICTURES", str(tmp_path / "data"))
    text = (
        "name: x\ndatasets: {imagefolder: {root: ROOT, size: 32}}\npairs: resnet8 -> tinycnn\nmethods: {ce: }\nseeds: 1"
    )
    roots = {}
    for number, root in enumerate(("~/data/pictures", "$PICTURES/pictures", "data/pictures")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text.replace("ROOT", root))
        roots[root] = read(path).facts.datasets["imagefolder"].digest
    assert len(set(roots.values())) == 1
    (tmp_path / "wrong.yaml").write_text(text.replace("ROOT", "$NOT_THERE/pictures"))
    with pytest.raises(SweepFileError, match=r"NOT_THERE/pictures \(no such folder\)"):
        read(tmp_path / "wrong.yaml")


@pytest.mark.parametrize(
    "name", ["2024", "true", "null", "1e5", "on", "~", "a: b", "-", "- #1", "flowers, tulips", "it's"]
)
def test_a_name_that_yaml_would_read_as_something_else_is_quoted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_imagefolder(tmp_path / name, size=20)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / name))  # of ~
    path = Path(f"{init.name_of(name)}.yaml")
    init.write_new(path, init.checked_text(init.propose(name, gpu=False), choices(), path))
    file = read(path)
    assert file.name == path.stem
    assert file.model.datasets is not None
    assert file.model.datasets["imagefolder"].root == name


def test_a_name_that_needs_no_quotes_has_none(tmp_path: Path) -> None:
    text = init.checked_text(init.propose("digits100", gpu=False), choices(), tmp_path / "first.yaml")
    assert "\nname: first\n" in text
    assert "\npairs: tinyresnet -> tinycnn  #" in text


@pytest.mark.parametrize("given", ["none.pt", "~nosuch/none.pt", "https://example.org/none.pt"])
def test_weights_that_are_not_there_are_refused(given: str, tmp_path: Path) -> None:
    proposal = init.propose("digits100", gpu=False)
    with pytest.raises(RequestError, match=r"--checkpoint: .*none.pt.* is no file"):
        init.checked_text(proposal, choices(checkpoint=given), tmp_path / "new.yaml")
