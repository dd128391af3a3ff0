"""The profile of a teacher: masses and modes by hand, and which stored rows are believed."""

import json
from pathlib import Path

import numpy as np
import pytest

import reports
from reports.figures import Figure, build
from reports.figures.kinds import teacher_profile
from tests.reports.fake_sweep import FakeSweep, row, seeds, teacher
from tests.reports.plain import plain_results
from trainers.teachers.bank_rows import checks_of, multipliers, sampled_rows, stored_bank

TEACHER = teacher(83.6)


def write_bank(folder: Path, logits: np.ndarray, views: int = 2, teacher_id: str = TEACHER.trial_key) -> None:
    """Write a bank as the trainers do, with the first view of each image filled."""
    folder.mkdir(parents=True)
    images, classes = logits.shape
    content = {"id": teacher_id, "logit_type": "float32"}
    manifest = {"format": 2, "teacher": content, "dataset": "digits100", "data_digest": "d"}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "shape": [images, views, classes]}))
    rows, checks = np.zeros((images * views, classes), dtype=np.float32), np.zeros(images * views, dtype=np.uint32)
    numbers = np.arange(images) * views
    rows[numbers] = logits
    checks[numbers] = checks_of(numbers, rows[numbers], multipliers(classes * 4))
    rows.tofile(folder / "logits.bin")
    checks.tofile(folder / "checks.bin")


def test_masses_and_modes_by_hand() -> None:
    """Four classes, of which the upper half of the ranks has two steps: one image stands alone, one has a pair."""
    logits = np.log(np.array([[0.7, 0.1, 0.1, 0.1], [0.05, 0.45, 0.05, 0.45]], dtype=np.float32))
    found = teacher_profile.profile_of("t", "d", logits)
    assert found.multimodal == 0.5
    assert found.suggested == 2
    plain = found.masses[0]
    assert plain.mean == pytest.approx(((0.7 + 0.45) / 2, (0.8 + 0.9) / 2, (0.9 + 0.95) / 2, 1.0))
    assert plain.enough == 4
    assert found.masses[1].temperature == 4.0
    assert found.masses[1].mean[0] < plain.mean[0]


def test_only_rows_whose_check_fits_are_read(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    write_bank(tmp_path / "bank", logits)
    bank = stored_bank(tmp_path / "bank")
    assert bank is not None
    np.testing.assert_array_equal(sampled_rows(bank, 1000), logits)
    assert len(sampled_rows(bank, 10)) == 10
    stored = np.fromfile(tmp_path / "bank" / "logits.bin", dtype=np.float32)
    stored[6 * 2 * 3] += 1.0  # image 3, view 0
    stored.tofile(tmp_path / "bank" / "logits.bin")
    np.testing.assert_array_equal(sampled_rows(bank, 1000), np.delete(logits, 3, axis=0))
    with (tmp_path / "bank" / "logits.bin").open("ab") as file:
        file.truncate(100)
    assert sampled_rows(bank, 1000).shape == (0, 6)


@pytest.mark.parametrize("text", ["{", '{"format": 1}', "[]", '{"format": 2, "shape": [1, 2, 3], "teacher": {}}'])
def test_a_folder_that_is_no_bank(text: str, tmp_path: Path) -> None:
    assert stored_bank(tmp_path) is None
    (tmp_path / "manifest.json").write_text(text)
    assert stored_bank(tmp_path) is None


def test_the_bank_of_this_sweeps_teacher_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDSWEEP_BANKS", raising=False)
    logits = np.random.default_rng(1).normal(size=(300, 10)).astype(np.float32)
    write_bank(tmp_path / "banks" / "b", logits, teacher_id="another")
    sweep = FakeSweep("s", [TEACHER, *seeds("kd", (60.0, 61.0))], [row("kd")])

    def found() -> tuple[list[object], list[str]]:
        plain = plain_results(sweep, datasets={"digits100": {"digest": "d"}})
        results = reports.Results("s", plain.members, plain.trials, plain.resolved, home=tmp_path)
        plots, missing = build(results, reports.table(results))
        profiles = [plot for plot in plots if plot.name == "teacher_profile"]
        return [*profiles], [one.why for one in missing if one.what.startswith(teacher_profile.WHAT)]

    assert found() == ([], ["the home has not 256 stored answers of 8 classes"])
    write_bank(tmp_path / "banks" / "c", logits)
    (profiles,), missing = found()
    assert missing == []
    assert isinstance(profiles, Figure)
    assert [(panel.teacher, panel.images) for panel in profiles.data] == [("TinyResNet", 300)]
