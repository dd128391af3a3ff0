"""Every method on 2 to 6 classes: defaults that cannot be there are fitted and shown, or refused in one line."""

from pathlib import Path

import pytest

from search_spaces import Sweep, SweepFileError, describe_plan, expand, read
from tests.search_spaces.sweep_texts import write
from tests.trainers.layouts import write_imagefolder
from trainers import methods

SWEEP = """\
name: few
datasets: {{imagefolder: {{root: "{classes}", size: 32}}}}
pairs: tinyresnet -> tinycnn
recipe: {{base: quick, epochs: 2}}
methods: {methods}
search: {{trials: 2}}
seeds: 1
"""
NAMES = [method.name for method in methods.ALL]
COUNTS = (2, 3, 4, 5, 6)
RANKED = "gdkd", "gdkd3", "partition"
CUTS = [
    "{method: gdkd, cut: mass}",
    "{method: gdkd, cut: gap}",
    "{method: gdkd3, cut: mass}",
    "{method: gdkd3, cut: gap}",
    "{method: gdkd, cut: {choice: [k, mass, gap]}}",
    "{method: gdkd3, cut: {grid: [k, mass]}}",
    "{method: [gdkd, crd]}",
    "{method: [partition, dkd]}",
    "{method: gdkd, k: {search: default}}",
    "{method: gdkd3, k: {search: default}}",
    "{method: gdkd, w1: {search: default}}",
    "{method: gdkd, k: 1}",
    "{method: partition, cuts: [1]}",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set of each number of classes."""
    made = tmp_path_factory.mktemp("classes")
    for count in (1, *COUNTS):
        write_imagefolder(made / str(count), classes=count, per_class=10, size=16)
    return made


def sweep_of(folder: Path, classes: int, entries: str) -> Sweep:
    return expand(read(write(folder, SWEEP.format(classes=classes, methods=entries))), capability=lambda: None)


def hyperparameters(sweep: Sweep) -> dict[str, object]:
    (member,) = sweep.fixed
    return dict(member.trial.hyperparameters)


def refusal(folder: Path, classes: int, entries: str) -> str:
    with pytest.raises(SweepFileError) as caught:
        sweep_of(folder, classes, entries)
    (problem,) = caught.value.problems
    return f"{problem.where}: {problem.message}"


@pytest.mark.parametrize("entry", [*[f"{{method: {name}}}" for name in NAMES], *CUTS])
@pytest.mark.parametrize("classes", COUNTS)
def test_a_method_at_its_defaults_is_planned_or_refused_in_one_line(folder: Path, classes: int, entry: str) -> None:
    if ("gdkd3" in entry or "normkd" in entry) and classes == 2:
        assert refusal(folder, classes, f"{{row: {entry}}}").endswith("needs at least 3 classes, got 2")
        return
    sweep = sweep_of(folder, classes, f"{{row: {entry}}}")
    assert describe_plan(sweep).to_text()
    for search in sweep.searches:
        for choice in search.dimensions[0].choices or (search.dimensions[0].low, search.dimensions[0].high):
            assert search.proposal({search.dimensions[0].name: choice}, 0).key


@pytest.mark.parametrize(
    ("method", "classes", "expected"),
    [
        ("gdkd", 2, {"k": 1}),
        ("gdkd", 3, {"k": 2}),
        ("gdkd", 5, {"k": 4}),
        ("gdkd", 6, {"k": 5}),
        ("gdkd3", 3, {"k": 2}),
        ("gdkd3", 4, {"k": 3}),
        ("gdkd3", 5, {"k": 4}),
        ("partition", 2, {"cuts": (1,)}),
        ("partition", 3, {"cuts": (1, 2)}),
        ("partition", 6, {"cuts": (1, 5)}),
    ],
)
def test_a_rank_becomes_one_less_than_the_classes(folder: Path, method: str, classes: int, expected: dict) -> None:
    found = hyperparameters(sweep_of(folder, classes, f"{{{method}: }}"))
    assert expected.items() <= found.items()


def test_a_fitted_default_has_the_keys_of_the_same_value_written(folder: Path) -> None:
    for plain, written in (("{gdkd: }", "{gdkd: {k: 3}}"), ("{partition: }", "{partition: {cuts: [1, 3]}}")):
        (one,), (other,) = (sweep_of(folder, 4, entries).fixed for entries in (plain, written))
        assert one.key == other.key
    searched = ("{gdkd: {w1: {search: default}}}", "{gdkd: {k: 3, w1: {search: default}}}")
    (one,), (other,) = (sweep_of(folder, 4, entries).searches for entries in searched)
    assert one.study_id == other.study_id  # type: ignore[attr-defined]
    assert one.proposal({"w1": 1.0}, 0).key == other.proposal({"w1": 1.0}, 0).key


def test_a_default_that_changes_nothing_stays_in_keys_and_studies(folder: Path) -> None:
    assert hyperparameters(sweep_of(folder, 4, "{gdkd: {cut: mass}}"))["k"] == 5
    (search,) = sweep_of(folder, 4, "{gdkd: {cut: {choice: [mass, gap]}}}").searches
    assert search.blueprint.to_json(search.dimensions)["settings"]["k"] == 5
    (search,) = sweep_of(folder, 4, "{gdkd: {cut: {choice: [k, gap]}}}").searches
    assert search.blueprint.to_json(search.dimensions)["settings"]["k"] == 3


def test_the_plan_shows_what_was_fitted(folder: Path) -> None:
    sweep = sweep_of(
        folder, 3, "{gdkd: , gdkd (mass): {method: gdkd, cut: mass}, partition: , set: {method: gdkd, k: 2}}"
    )
    plan = describe_plan(sweep)
    expected = (
        "imagefolder has 3 classes: gdkd takes k = 2, the default is 5",
        "imagefolder has 3 classes: partition takes cuts = [1,2], the default is [1,5]",
    )
    assert tuple(line for line in plan.notes if "takes" in line) == expected
    assert all(f"note     {line}" in plan.to_text() for line in expected)
    enough = describe_plan(sweep_of(folder, 6, "{gdkd: , partition: }"))
    assert not any("takes" in line for line in enough.notes)


def test_a_search_shows_what_was_fitted(folder: Path) -> None:
    sweep = sweep_of(folder, 3, "{gdkd: {w1: {search: default}, cut: {choice: [k, mass]}}}")
    found = tuple(line for line in describe_plan(sweep).notes if "takes" in line)
    assert found == ("imagefolder has 3 classes: gdkd takes k = 2, the default is 5",)


def test_what_follows_from_a_fitted_default_is_told_with_it(folder: Path) -> None:
    assert refusal(folder, 2, "{partition: {weights: [0, 2, 8]}}") == (
        "methods.partition.weights: must be one for each of the 2 groups, got 3 (on 2 classes cuts is [1])"
    )


def test_a_written_value_is_not_fitted(folder: Path) -> None:
    assert refusal(folder, 3, "{gdkd: {k: 3}}") == (
        "methods.gdkd.k: must be less than the number of classes (3), got 3"
    )
    for shape in ("{grid: [1, 3]}", "{choice: [1, 3]}", "{low: 1, high: 3}"):
        assert "must be less than the number of classes (3), got 3" in refusal(folder, 3, f"{{gdkd: {{k: {shape}}}}}")


def test_one_class_is_refused(folder: Path) -> None:
    for name in RANKED:
        assert "class" in refusal(folder, 1, f"{{{name}: }}")
