"""Every method on 2 to 6 classes in real, tiny trainings: losses and weights stay finite."""

import math
from pathlib import Path

import pytest
import torch

from tests.trainers.layouts import write_imagefolder
from tests.trainers.picture_trials import new_teacher, recipe, run, trial
from trainers import methods
from trainers.files.store import Store

Entry = tuple[str, dict[str, object]]
PARTS: list[Entry] = [(name, {"cut": cut}) for name in ("gdkd", "gdkd3") for cut in ("mass", "gap")]
ENTRIES: list[Entry] = [*((method.name, {}) for method in methods.ALL), *PARTS, ("gdkd+crd", {})]
STANDARDIZED: list[Entry] = [
    (m.name, {"standardize": True}) for m in methods.ALL if "standardize" in [f.name for f in m.fields()]
]
PARTITIONS: list[Entry] = [(name, {}) for name in ("gdkd", "gdkd3", "partition", "dkd", "rld", "sdd")]
"""Whose terms are cut by how many classes there are; of all others 2 is the odd one, and 3 like any more."""
CASES = [
    *((2, *entry) for entry in ENTRIES),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in (
            *((3, *entry) for entry in ENTRIES),
            *((2, *entry) for entry in STANDARDIZED),
            *((classes, *entry) for classes in (4, 5, 6) for entry in [*PARTITIONS, *PARTS]),
        )
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    made = tmp_path_factory.mktemp("classes")
    for count in range(2, 7):
        write_imagefolder(made / str(count), classes=count, per_class=8, size=16)
    return made


@pytest.mark.parametrize(("classes", "name", "settings"), CASES, ids=str)
def test_a_method_at_its_defaults_trains_on_few_classes(
    folder: Path, tmp_path: Path, classes: int, name: str, settings: dict[str, object]
) -> None:
    if name in ("gdkd3", "normkd") and classes == 2:
        with pytest.raises(ValueError, match="needs at least 3 classes, got 2"):
            methods.get(name).canonical(settings, classes)
        return
    store = Store(tmp_path)
    teacher = None if name == "ce" else new_teacher(store, "cifar_tinyresnet", classes)
    warmups = {f.name: 0.0 for f in methods.get(name).fields() if f.name.endswith("warmup_epochs")}
    of = trial(
        folder / str(classes),
        name,
        teacher=teacher,
        views="rrc16-flip",
        changes=recipe(learning_rate=1e-3),
        hyperparameters=warmups | settings,
    )
    epochs = run(of, store, folder / str(classes))
    assert [epoch.diverged for epoch in epochs] == [False, False]
    assert all(math.isfinite(epoch.values["train_loss"]) for epoch in epochs)
    assert all(bool(value.isfinite().all()) for value in epochs[-1].training.student.state_dict().values())
