"""What is measured of predictions, by hand and by other code; what is kept of pixels, and by several ranks."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import confusion_matrix
from torch import Tensor

from tests.trainers.ranks.together import in_ranks
from trainers import data
from trainers.data import DataInfo
from trainers.files.tensor_files import load_tensors
from trainers.predictions import kept
from trainers.predictions.answers import Answers, answers_of, save_predictions
from trainers.predictions.measures import measured
from trainers.ranks.ranks import Ranks
from trainers.segmentation import IGNORE, Confusion

IMAGES, CLASSES = 61, 7


def info(task: str = "classification", classes: int = CLASSES) -> DataInfo:
    found = data.describe("digits100")
    return DataInfo(**{**{name: getattr(found, name) for name in found.__slots__}, "task": task, "classes": classes})


def drawn(seed: int, size: tuple[int, ...] = (IMAGES, CLASSES)) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 4 + 3


def targets(seed: int = 9) -> Tensor:
    return torch.randint(CLASSES, (IMAGES,), generator=torch.Generator().manual_seed(seed))


def collected(logits: Tensor, labels: Tensor, ranks: Ranks | None = None, task: str = "classification") -> Answers:
    """Return answers that come in batches of ten, of the images that a rank sees."""
    ranks = ranks or Ranks()
    found = answers_of(info(task, logits.shape[1]), len(logits), ranks)
    own, theirs = logits[ranks.rank :: ranks.size], labels[ranks.rank :: ranks.size]
    for start in range(0, len(own), 10):
        found.add(own[start : start + 10], theirs[start : start + 10])
    found.together(ranks)
    return found


def test_measures_by_hand():
    logits = torch.tensor([[3.0, 1.0], [1.0, 1.0]]).log()  # 3/4 and 1/4; 1/2 and 1/2
    theirs = torch.tensor([[1.0, 1.0], [1.0, 3.0]]).log()
    own = {"logits": logits.numpy(), "targets": np.array([0, 1])}
    measures, counts = measured(own, {"logits": theirs.numpy(), "targets": own["targets"]})
    assert measures["nll"] == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-6)
    assert measures["ece"] == pytest.approx(100 * (0.25 + 0.5) / 2, rel=1e-6)  # right at 3/4, wrong at 1/2
    assert measures["agreement"] == 50.0  # ties go to the first class
    first = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    second = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert measures["kl"] == pytest.approx((first + second) / 2, rel=1e-6)
    assert counts["right"].tolist() == [1, 0]
    assert counts["by_rank"].tolist() == [[2, 0], [1, 0]]  # the teacher has both right


def test_all_is_computed_again_from_what_is_kept(tmp_path: Path):
    own, theirs = collected(drawn(1), targets()), collected(drawn(2), targets())
    save_predictions(tmp_path / "a.safetensors", own, "key", "teacher", theirs.tensors())
    found, told = load_tensors(tmp_path / "a.safetensors")
    assert (told["trial_key"], told["teacher"]) == ("key", "teacher")
    measures = told["measures"]
    assert isinstance(measures, dict) and measures.keys() == kept.MEASURES.keys()
    student, teacher = (one["logits"].numpy().astype(np.float64) for one in (found, theirs.tensors()))
    labels = found["targets"].numpy()
    log_p, log_q = log_softmax(teacher, 1), log_softmax(student, 1)
    right = student.argmax(1) == labels
    assert measures["nll"] == pytest.approx(-np.mean([row[y] for row, y in zip(log_q, labels, strict=True)]))
    assert measures["kl"] == pytest.approx(
        np.mean([(np.exp(p) * (p - q)).sum() for p, q in zip(log_p, log_q, strict=True)])
    )
    assert measures["agreement"] == pytest.approx(100 * np.mean(student.argmax(1) == teacher.argmax(1)))
    assert found["right"].numpy().astype(bool).tolist() == right.tolist()
    confidence = np.exp(log_q.max(1))
    gaps = []
    for number in range(kept.BINS):
        within = (confidence > number / kept.BINS) & (confidence <= (number + 1) / kept.BINS)
        gaps += [within.sum() * abs(right[within].mean() - confidence[within].mean())] if within.any() else []
    assert measures["ece"] == pytest.approx(100 * sum(gaps) / IMAGES)
    ranks = [[*np.argsort(-row, kind="stable")].index(y) for row, y in zip(teacher, labels, strict=True)]
    assert found["by_rank"][0].tolist() == np.bincount(ranks, minlength=CLASSES).tolist()
    assert found["by_rank"][1].tolist() == np.bincount(np.array(ranks)[right], minlength=CLASSES).tolist()


def test_float16_keeps_who_is_first_and_the_probabilities():
    close = torch.tensor([[40.0, 40.0005, -70000.0], [2000.0, 1999.9, 1000.0]])  # alike in float16 as they are
    logits = collected(torch.cat([close, close, close]), torch.zeros(6, dtype=torch.int64)).tensors()["logits"]
    assert logits.argmax(1).tolist() == [1, 0] * 3 and bool(logits.isfinite().all())
    assert torch.allclose(logits[:2].float().softmax(1), close.softmax(1), atol=1e-4)


def test_without_a_teacher_or_with_one_of_other_images_its_measures_are_left_out(tmp_path: Path):
    own, others = collected(drawn(1), targets()), collected(drawn(2), targets(8))
    for theirs in (None, others.tensors(), collected(drawn(2)[:50], targets()[:50]).tensors()):
        save_predictions(tmp_path / "a.safetensors", own, "key", "teacher", theirs)
        found, told = load_tensors(tmp_path / "a.safetensors")
        assert told["teacher"] == "" and "by_rank" not in found
        assert isinstance(told["measures"], dict) and told["measures"].keys() == {"nll", "ece"}


def _of_a_rank(ranks: Ranks, task: str) -> dict[str, Tensor]:
    logits, labels = (drawn(1), targets()) if task == "classification" else _scenes()
    return collected(logits, labels, ranks, task).tensors()


def _scenes() -> tuple[Tensor, Tensor]:
    labels = torch.randint(CLASSES, (5, 9, 12), generator=torch.Generator().manual_seed(3))
    labels[:, :2] = IGNORE
    return drawn(4, (5, CLASSES, 4, 6)), labels


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_ranks_have_together_what_one_has(task: str):
    alone, together = _of_a_rank(Ranks(), task), in_ranks(2, _of_a_rank, task)
    for found in together:
        assert found.keys() == alone.keys()
        assert all(torch.equal(found[name], alone[name]) for name in alone)


def test_pixels_are_kept_thinned_and_counted_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kept, "MOST_BYTES", 5 * 9 * 12 // 3)
    logits, labels = _scenes()
    own, theirs = (collected(one, labels, task="segmentation") for one in (logits, drawn(5, logits.shape)))
    save_predictions(tmp_path / "a.safetensors", own, "key", "teacher", theirs.tensors())
    found, told = load_tensors(tmp_path / "a.safetensors")
    large = torch.nn.functional.interpolate(logits, (9, 12), mode="bilinear", align_corners=True).argmax(1)
    known = labels != IGNORE
    assert found["classes"].tolist() == torch.where(known, large, IGNORE)[:, ::2, ::2].tolist()
    matrix = confusion_matrix(labels[known], large[known], labels=range(CLASSES))
    assert found["confusion"].tolist() == matrix.tolist()
    counted = Confusion(CLASSES)
    counted.add(logits, labels)
    assert torch.equal(counted.matrix, found["confusion"])
    other, seen = theirs.tensors()["classes"], known[:, ::2, ::2]
    same = (other == found["classes"])[seen].float().mean()
    assert told["measures"] == {"agreement": pytest.approx(100 * float(same))}


def test_what_is_too_large_is_not_kept_unless_asked_for():
    small, large = info(), info(classes=20_000)  # 6,000 test images
    assert [kept.are_kept(asked, small) for asked in (None, True, False)] == [True, True, False]
    assert [kept.are_kept(asked, large) for asked in (None, True, False)] == [False, True, False]
    assert kept.are_kept(None, info("segmentation"))
    assert kept.stride_of(500, 1024, 2048) == 3
