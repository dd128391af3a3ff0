"""Teachers from files: the field's formats load without executing anything, others are named."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from trainers import models
from trainers.teacher_files import check_weights, import_weights, read_weights
from trainers.tensor_files import load_tensors


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    return models.create("cifar_tinycnn", classes=10, channels=1).state_dict()


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_fields_checkpoints_load(weights, prefix, tmp_path: Path):
    content = {
        "model": {prefix + name: value for name, value in weights.items()},
        "best_acc": np.float64(79.4),
        "epoch": 240,
    }
    torch.save(content, tmp_path / "teacher.pth")
    found = read_weights(tmp_path / "teacher.pth")
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    check_weights(tmp_path / "teacher.pth", "cifar_tinycnn", classes=10, channels=1)


def test_they_are_kept_as_safetensors_which_load_too(weights, tmp_path: Path):
    torch.save(weights, tmp_path / "teacher.pth")
    import_weights(tmp_path / "teacher.pth", tmp_path / "teacher.safetensors")
    kept, metadata = load_tensors(tmp_path / "teacher.safetensors")
    assert metadata == {"source": "teacher.pth"}
    assert all(torch.equal(kept[name], weights[name]) for name in weights)
    check_weights(tmp_path / "teacher.safetensors", "cifar_tinycnn", classes=10, channels=1)


def test_another_network_is_named_with_the_first_keys_that_differ(weights, tmp_path: Path):
    torch.save(weights, tmp_path / "teacher.pth")
    with pytest.raises(ValueError, match=r"does not fit cifar_tinyresnet: .* is missing; "):
        check_weights(tmp_path / "teacher.pth", "cifar_tinyresnet", classes=10, channels=1)
    with pytest.raises(ValueError, match=r"fc\.weight is \[10, 256\], the network's is \[100, 256\]"):
        check_weights(tmp_path / "teacher.pth", "cifar_tinycnn", classes=100, channels=1)


class Executes:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_file_is_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Executes()))
    torch.save({"model": Executes()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(ValueError, match="not a checkpoint that can be loaded safely"):
            read_weights(tmp_path / name)
    assert "executed" not in capsys.readouterr().out


def test_a_file_without_weights_is_named(tmp_path: Path):
    torch.save({"accuracy": 3.0}, tmp_path / "numbers.pth")
    with pytest.raises(ValueError, match="holds no state dict"):
        read_weights(tmp_path / "numbers.pth")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.safetensors"):
        read_weights(tmp_path / "text.safetensors")
