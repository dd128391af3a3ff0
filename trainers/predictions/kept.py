"""The contract of a file of predictions, and how large one may be. No torch in here: reports read them.

A file of a classifier has `logits` [N, C] in float16, each row less its largest, which changes no probability and no
rank, and lets the likely classes have the most digits; `targets` [N]; and what is counted of them: `right` [N], `bins`
[3, BINS] and, beside a teacher, `by_rank` [2, C]. One of a segmentation has `classes` [N, h, w], the class of every
s-th pixel of every s-th row with IGNORE where a pixel has no label, and `confusion` [C, C], pixels by label and answer.
Metadata: `trial_key`, `measures` and `teacher`, the key of the trial that trained or scored the teacher that they were
compared with; empty for none.

Shapes: N = test images, C = classes, h, w = height and width over the stride s.
"""

from trainers.data import DataInfo

IGNORE = 255
"""In the classes of pixels: one without a label."""
MOST_BYTES = 200_000_000
"""By default predictions of a trial that would take more are not kept; pixels are thinned until they take less."""
BINS = 15
"""Of the confidence, equally wide."""

MEASURES = {
    "nll": "negative log-likelihood of the right class, in nats, mean over the test images",
    "ece": (
        "expected calibration error, in percent: the confidence is the largest probability; over 15 equally wide bins "
        "of it, the mean distance between accuracy and mean confidence, weighted by the images of a bin"
    ),
    "agreement": "test images, or pixels, to which student and teacher give the same class, in percent",
    "kl": "KL divergence from the teacher's probabilities to the student's at temperature 1, in nats, mean over images",
}
"""What is measured: name -> definition."""


def answer_bytes(info: DataInfo) -> int:
    """Return what the predictions of one trial take, roughly; of pixels never more than `MOST_BYTES`."""
    if info.task == "segmentation":
        return MOST_BYTES
    return info.test * info.classes * 2


def are_kept(asked: bool | None, info: DataInfo) -> bool:
    """Return whether predictions on a data set are kept: as a sweep asks, else where they are not too large."""
    return answer_bytes(info) <= MOST_BYTES if asked is None else asked


def stride_of(images: int, height: int, width: int) -> int:
    """Return the least stride by which one byte a pixel is not more than `MOST_BYTES`."""
    stride = 1
    while images * -(-height // stride) * -(-width // stride) > MOST_BYTES:
        stride += 1
    return stride
