import pytest

from search_spaces import recipes
from search_spaces.files.schema import RecipeModel
from trainers.trials.recipe import Recipe


def test_the_cifar_recipe_is_the_literatures() -> None:
    assert recipes.get("cifar") == Recipe(
        epochs=240,
        batch_size=64,
        learning_rate=0.05,
        weight_decay=5e-4,
        schedule="step",
        milestones=(150, 180, 210),
        gamma=0.1,
        method_warmup_epochs=20.0,
    )


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_has_numbers_of_their_types(name: str) -> None:
    for field, of in Recipe.model_fields.items():
        if of.annotation is float:
            assert type(getattr(recipes.get(name), field)) is float


def test_epochs_alone_squeeze_the_rest() -> None:
    recipe = recipes.changed(recipes.get("cifar"), RecipeModel(epochs=60), "float32")  # type: ignore[call-arg]
    assert (recipe.epochs, recipe.milestones, recipe.method_warmup_epochs) == (60, (38, 45, 52), 5.0)


def test_given_milestones_stay() -> None:
    recipe = recipes.changed(recipes.get("cifar"), RecipeModel(epochs=60, milestones=[40]), "float32")  # type: ignore[call-arg]
    assert (recipe.epochs, recipe.milestones, recipe.method_warmup_epochs) == (60, (40,), 20.0)


def test_whole_numbers_for_floats_make_the_same_recipe() -> None:
    base = recipes.get("digits")
    one = recipes.changed(base, RecipeModel(learning_rate=1), "float32")  # type: ignore[call-arg]
    assert type(one.learning_rate) is float


def test_what_has_no_effect_is_at_its_default_in_a_trial() -> None:
    cosine = recipes.get("digits").replaced(gamma=0.5)
    adamw = recipes.get("cifar").replaced(optimizer="adamw", momentum=0.5)
    assert recipes.as_trained(cosine).gamma == 0.1
    assert recipes.as_trained(cosine).method_warmup_epochs == 0.0
    assert recipes.as_trained(adamw).momentum == 0.9
    assert recipes.as_trained(recipes.get("cifar")).milestones == (150, 180, 210)
