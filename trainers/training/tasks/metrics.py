"""The numbers that a training gives, by name. Scores are in percent; a loss that is not finite is not-a-number."""

from collections.abc import Mapping, Sequence

LOGGED = {"loss": "train_loss"}
"""Names in the log of parts of a loss that have another one there."""
EACH_EPOCH = {
    "train_loss": "mean over the epoch's images of what was minimised",
    "ce": "its cross-entropy, before any factor",
    "lr": "learning rate of the epoch's last step",
    "epoch_seconds": "of training, without scoring",
    "images_per_second": "of training",
    "val_top1": "on the validation images, in a search",
    "val_miou": "of a segmentation, in place of top-1",
    "test_top1": "on the test images, elsewhere",
    "test_miou": "of a segmentation, likewise",
    "test_top5": "on the test images, elsewhere",
}
"""After every epoch, beside the named parts of its method's term (`Method.logs`)."""

AT_THE_END = {
    "final_val_top1": "on the validation images after the last epoch, in a search",
    "final_val_miou": "of a segmentation, likewise",
    "final_top1": "on the test images after the last epoch",
    "final_miou": "of a segmentation, likewise",
    "best_top1": "on the test images, the highest of any epoch: chosen on test",
    "best_miou": "of a segmentation, likewise",
    "final_top5": "on the test images after the last epoch",
    "claimed_score": "a given teacher's, in percent, where its file says what it scores",
    "reordered_top1": "a given teacher's, in percent, where it would score far more with its classes in another order",
    "train_seconds": "sum of `epoch_seconds`",
    "teacher_images": "images that the teacher answered",
    "extra_parameters": "numbers that the method learned beside the student's: adapters, variances, a temperature",
    "peak_memory_bytes": "most memory that the trial took, allocated on a GPU (reserved for CUDA graphs), resident on "
    "a CPU, beside what follows; not of one on a CPU that others were trained in step with",
    "held_memory_bytes": "what its process held before: data, teachers, on a CPU the program itself",
}
"""After the last epoch."""


def accuracies(history: Sequence[Mapping[str, float]], scores: Sequence[str]) -> dict[str, float]:
    """Return the scores of a whole training: those after the last epoch, and the best of any.

    Args:
        history: what was logged, by epoch.
        scores: names of the task's; the first is the main one.
    """
    main = scores[0]
    of_search = [values[f"val_{main}"] for values in history if f"val_{main}" in values]
    if of_search:
        return {f"final_val_{main}": of_search[-1]}
    tested = [values for values in history if f"test_{main}" in values]
    if not tested:
        return {}
    last = {f"final_{name}": tested[-1][f"test_{name}"] for name in scores}
    return last | {f"best_{main}": max(values[f"test_{main}"] for values in tested)}
