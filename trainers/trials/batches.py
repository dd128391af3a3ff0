"""How the images of an epoch are cut into batches.

An image that is left over where the others fill whole batches joins the last of these: alone, BatchNorm over a map of
1 x 1 has one value a channel to normalise, which torch refuses, and a method that compares the images of a batch has
nothing to compare. The rule depends on the number of images and the recipe alone, so it is the same for every row.
"""

from trainers.trials.recipe import Recipe


def leaves_one(images: int, recipe: Recipe) -> bool:
    """Return whether an epoch of so many images ends with one that whole batches leave over."""
    return not recipe.epoch_steps and images > recipe.batch_size > 1 and images % recipe.batch_size == 1


def batch_sizes(images: int, batch_size: int, *, joined: bool) -> list[int]:
    """Return the images of each batch of an epoch: whole batches, and one of what is left.

    Args:
        joined: a single image that is left belongs to the batch before it.
    """
    whole, left = divmod(images, batch_size)
    sizes = [batch_size] * whole
    if left == 1 and joined and sizes:
        sizes[-1] += 1
    elif left:
        sizes.append(left)
    return sizes


def epoch_images(recipe: Recipe, images: int) -> int:
    """Return how many images an epoch shows, of so many that there are."""
    return recipe.epoch_steps * recipe.batch_size * recipe.accumulate or images
