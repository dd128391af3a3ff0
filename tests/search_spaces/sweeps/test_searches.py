from pathlib import Path

import pytest

from search_spaces import Search
from tests.search_spaces.sweep_texts import SMALL, sweep_of

TUNED = SMALL.replace("  kd:", "  tuned: {method: gdkd, k: {low: 1, high: 50, log: true}, w2: {low: 1, high: 16}}")
SEARCH = "search: {trials: 12, parallel: 3, epochs: 5, confirm: 2, seed: 7}\n"
PARAMS = {"k": 5, "w2": 4.5}


def search_of(folder: Path, text: str = TUNED + SEARCH) -> Search:
    (search,) = sweep_of(folder, text).searches
    return search


def test_dimensions_have_the_types_of_the_method(tmp_path: Path) -> None:
    k, w2 = search_of(tmp_path).dimensions
    assert (k.type, k.low, k.high, k.log, k.choices) == (int, 1, 50, True, None)
    assert (w2.type, w2.low, w2.high, w2.log) == (float, 1.0, 16.0, False)
    assert type(w2.low) is float


def test_a_proposal_trains_short_on_the_search_split(tmp_path: Path) -> None:
    search = search_of(tmp_path)
    member = search.proposal(PARAMS, 3)
    assert (member.phase, member.proposal, member.rank, member.row) == ("search", 3, None, "tuned")
    assert member.trial.split == "search"
    assert member.trial.recipe.epochs == 5
    assert member.trial.recipe == search.recipe
    assert member.trial.seed == member.seed == 1_000_007
    assert member.trial.hyperparameters["warmup_epochs"] == 1.25
    assert member.trial.hyperparameters["k"] == 5
    assert search.proposal(PARAMS, 9).key == member.key


def test_a_confirmed_setting_trains_whole_over_all_seeds(tmp_path: Path) -> None:
    members = search_of(tmp_path).confirmed(PARAMS, 2)
    assert [(member.seed, member.rank, member.phase) for member in members] == [(0, 2, "confirm"), (1, 2, "confirm")]
    assert {member.trial.split for member in members} == {"full"}
    assert {member.trial.recipe.epochs for member in members} == {10}
    assert {member.trial.hyperparameters["warmup_epochs"] for member in members} == {2.5}


def test_a_confirmed_setting_is_the_trial_that_a_fixed_row_would_be(tmp_path: Path) -> None:
    fixed = sweep_of(tmp_path, SMALL.replace("  kd:", "  fixed: {method: gdkd, k: 5, w2: 4.5}")).fixed
    confirmed = search_of(tmp_path).confirmed(PARAMS, 1)
    assert [member.key for member in confirmed] == [member.key for member in fixed if member.row == "fixed"]


def test_a_given_warmup_is_squeezed_as_the_recipe_is(tmp_path: Path) -> None:
    search = search_of(tmp_path, TUNED.replace("method: gdkd", "method: gdkd, warmup_epochs: 4") + SEARCH)
    assert search.proposal(PARAMS, 0).trial.hyperparameters["warmup_epochs"] == 2.0
    assert search.confirmed(PARAMS, 1)[0].trial.hyperparameters["warmup_epochs"] == 4.0


def test_dead_settings_make_one_key(tmp_path: Path) -> None:
    search = search_of(tmp_path)
    assert search.proposal({"k": 1, "w2": 2.0}, 0).key != search.proposal({"k": 1, "w2": 3.0}, 1).key
    one = search_of(tmp_path, TUNED.replace("w2:", "w1:") + SEARCH)
    assert one.proposal({"k": 1, "w1": 2.0}, 0).key == one.proposal({"k": 1, "w1": 3.0}, 1).key


@pytest.mark.parametrize("params", [{}, {"k": 5}, {"k": 5, "w2": 1.0, "w1": 1.0}])
def test_settings_name_every_dimension(params: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"settings must name \['k', 'w2'\], got"):
        search_of(tmp_path).proposal(params, 0)


def test_settings_keep_the_rules_of_the_method(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be less than the number of classes"):
        search_of(tmp_path).proposal({"k": 100, "w2": 1.0}, 0)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("trials: 12", "trials: 99", True),
        ("confirm: 2", "confirm: 1", True),
        ("tuned:", "renamed:", True),
        ("name: small", "name: other", True),
        ("seeds: 2", "seeds: 9", True),
        ("method: gdkd", "method: gdkd, temperature: 4", True),  # the default in words
        ("method: gdkd", "method: gdkd, temperature: 3", False),
        ("high: 50", "high: 40", False),
        ("log: true", "log: false", False),
        ("parallel: 3", "parallel: 4", False),
        ("parallel: 3", "parallel: 3, sampler: gp", False),
        ("parallel: 3", "parallel: 3, pruner: median", False),
        ("seed: 7", "seed: 8", False),
        ("epochs: 5", "epochs: 6", False),
        ("-> tinycnn", "-> tinyresnet", False),
        ("seeds: 2", "seeds: 2\nteachers: {tinyresnet: {recipe: digits-teacher}}", False),
    ],
)
def test_what_makes_another_study(old: str, new: str, same: bool, tmp_path: Path) -> None:
    text = TUNED + SEARCH
    assert old in text
    changed = search_of(tmp_path, text.replace(old, new))
    assert (changed.study_id == search_of(tmp_path, text).study_id) is same
