"""Teachers from files: the field's formats load without executing anything, others are named."""

import argparse
import collections
import datetime
import gzip
import io
import json
import os
import pickle
import types
import warnings
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from trainers import models
from trainers.files.tensor_files import load_tensors
from trainers.teachers.weight_files import Weights, check_weights, import_weights, read_weights

NAME = "cifar_tinycnn"


def new() -> nn.Module:
    return models.create(NAME, classes=10, channels=1)


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return new().state_dict()


def others() -> dict[str, Tensor]:
    """Return weights of the same network that are not those that are meant."""
    return {name: value + 1 for name, value in new().state_dict().items()}


def read(path: Path) -> Weights:
    return read_weights(path, new(), NAME)


def prefixed(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in weights.items()}


def saved(content: Any, path: Path, **more: Any) -> Path:
    torch.save(content, path, **more)
    return path


def assert_read(path: Path, weights: dict[str, Tensor]) -> Weights:
    found = read(path)
    new().load_state_dict(found.tensors, strict=True)
    for name, tensor in found.tensors.items():
        assert torch.equal(tensor, weights.get(name, torch.tensor(0)))
    return found


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_fields_checkpoints_load(weights, prefix, tmp_path: Path):
    content = {"model": prefixed(prefix, weights), "best_acc": np.float64(79.4), "epoch": 240}
    found = assert_read(saved(content, tmp_path / "teacher.pth"), weights)
    assert found.claimed == 79.4
    assert found.note == ("under 'model', without the prefix 'module.'" if prefix else "")
    check_weights(tmp_path / "teacher.pth", NAME, classes=10, channels=1)


@pytest.mark.parametrize(
    "keys",
    ["net", "model_state", "model_state_dict", "student", "ema", "model_ema", "state_dict_ema", "teacher", "network",
     "state_dict", "model.state_dict", "ckpt.0.model", "a.b.c.d"],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "model.", "module.student.net."])
def test_weights_are_found_under_any_key_and_prefix(weights, keys, prefix, tmp_path: Path):
    content: Any = prefixed(prefix, weights)
    for key in reversed(keys.split(".")):
        content = [content, "x"] if key == "0" else {"epoch": 3, key: content, "lr": 0.1}
    found = assert_read(saved(content, tmp_path / "teacher.pth"), weights)
    quiet = not prefix and keys in ("model", "state_dict")
    assert (found.note == "") == quiet
    assert (f"without the prefix {prefix!r}" in found.note) == bool(prefix)


def _settings() -> dict[str, Any]:
    deep = collections.defaultdict(list)
    deep["losses"].append(0.25)
    return {
        "args": argparse.Namespace(lr=0.1, data=Path("/data"), sizes=(1, 2), nested=argparse.Namespace(on=True)),
        "config": types.SimpleNamespace(name="x"),
        "history": deep,
        "seen": collections.Counter("abca"),
        "recent": collections.deque([1, 2], maxlen=3),
        "order": collections.OrderedDict(a=1),
        "kinds": frozenset({"a"}),
        "where": [Path("out"), PureWindowsPath("c:/out")],
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "took": datetime.timedelta(seconds=3),
        "best": [np.float32(75.5), np.int64(3), np.bool_(True), np.str_("x")],
        "curve": np.linspace(0, 1, 5),
        "random": [np.random.default_rng(0).bit_generator.state, torch.get_rng_state()],
        "device": torch.device("cuda:0"),
        "type": torch.float16,
        "none": None,
        "long": 2**70,
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_settings_optimisers_and_counters_may_lie_beside(weights, zipped, tmp_path: Path):
    network = new()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.randn(4, 1, 16, 16)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    content = {
        **_settings(),
        "optimizer": optimizer.state_dict(),
        "scheduler": schedule.state_dict(),
        "scaler": {"scale": torch.tensor(65536.0), "growth": 2},
        "epoch": torch.tensor(7),
        "net": weights,
        "acc1": torch.tensor(61.25),
    }
    path = saved(content, tmp_path / "all.pth", _use_new_zipfile_serialization=zipped)
    assert assert_read(path, weights).claimed == 61.25


def test_namespaces_hold_nothing_that_is_run_and_counters_at_the_top_are_left_out(weights, tmp_path: Path):
    content = {**weights, "epoch": 3, "args": argparse.Namespace(lr=1), "acc": 0.5, "conv1.total_ops": torch.zeros(1)}
    found = assert_read(saved(content, tmp_path / "flat.pth"), weights)
    assert found.claimed == 50 and found.note == "with 1 counter left out"


def test_one_difference_is_one(weights, tmp_path: Path):
    path = saved({**weights, "more.weight": torch.zeros(2)}, tmp_path / "more.pth")
    with pytest.raises(ValueError, match=r"more\.weight is not in the network \(1 difference\)$"):
        assert_read(path, weights)


def test_old_files_have_no_counters_of_batches(weights, tmp_path: Path):
    old = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(weights)
    found = assert_read(saved(old, tmp_path / "old.pth"), old)
    assert found.note == "without num_batches_tracked, which changes nothing"
    assert found.tensors.keys() == weights.keys()


def test_averaged_and_wrapped_networks(weights, tmp_path: Path):
    network = new()
    network.load_state_dict(weights)
    averaged = torch.optim.swa_utils.AveragedModel(network)
    assert_read(saved(averaged.state_dict(), tmp_path / "swa.pth"), weights)
    compiled: nn.Module = torch.compile(nn.DataParallel(network))
    assert_read(saved({"model": compiled.state_dict()}, tmp_path / "compiled.pth"), weights)
    inside = {name.replace("fc.", "fc._orig_mod.module."): value for name, value in weights.items()}
    assert inside.keys() != weights.keys()
    assert "in names" in assert_read(saved(inside, tmp_path / "inside.pth"), weights).note


def test_arrays_of_numpy_are_weights_too(weights, tmp_path: Path):
    arrays = {name: value.numpy() for name, value in weights.items()}
    assert_read(saved({"params": arrays}, tmp_path / "arrays.pth"), weights)


@pytest.mark.parametrize("ending", ["safetensors", "pth", "bin", "pt", "ckpt", ""])
def test_the_content_of_a_file_says_what_it_is(weights, ending, tmp_path: Path):
    path = tmp_path / f"teacher.{ending}"
    save_file(prefixed("model.", weights), path)
    assert_read(path, weights)
    save_file(weights, path)
    assert assert_read(path, weights).note == ""
    assert_read(saved({"model": weights}, path), weights)


def test_of_several_that_fit_one_is_taken_by_a_rule(weights, tmp_path: Path):
    for content in (
        {"ema": others(), "model": weights},
        {"state_dict_ema": others(), "state_dict": weights},
        {"teacher": others(), "student": weights},
        {"net_ema": others(), "net": weights, "ema_net": others()},
        {"model": {**prefixed("module.teacher.", others()), **prefixed("module.student.", weights)}},
    ):
        found = assert_read(saved(content, tmp_path / "several.pth"), weights)
        assert "would fit as well" in found.note


def test_the_one_that_fits_is_taken(weights, tmp_path: Path):
    content = {"model": models.create(NAME, classes=7, channels=1).state_dict(), "teacher": weights}
    assert "under 'teacher'" in assert_read(saved(content, tmp_path / "two.pth"), weights).note
    wrn = models.create("cifar_wrn_16_1", classes=10, channels=1).state_dict()
    mixed = {**prefixed("module.student.", wrn), **prefixed("module.teacher.", weights)}
    assert_read(saved({"model": mixed}, tmp_path / "mixed.pth"), weights)


def test_they_are_kept_as_safetensors_which_load_too(weights, tmp_path: Path):
    torch.save({"net": weights, "best_acc": 71}, tmp_path / "teacher.pth")
    kept = tmp_path / "teacher.safetensors"
    import_weights(tmp_path / "teacher.pth", kept, NAME, classes=10, channels=1)
    tensors, metadata = load_tensors(kept)
    assert metadata == {"source": "teacher.pth", "claimed": 71.0}
    assert all(torch.equal(tensors[name], weights[name]) for name in weights)
    check_weights(kept, NAME, classes=10, channels=1)


def test_tensors_that_share_memory_are_kept(weights, tmp_path: Path):
    whole = torch.cat([value.flatten().float() for value in weights.values()])
    parts = whole.split([value.numel() for value in weights.values()])
    views = {name: part.view(value.shape) for part, (name, value) in zip(parts, weights.items(), strict=True)}
    path = saved(views, tmp_path / "views.pth")
    import_weights(path, tmp_path / "kept", NAME, classes=10, channels=1)
    assert torch.equal(load_tensors(tmp_path / "kept")[0]["fc.weight"], weights["fc.weight"])


def test_another_network_is_named_with_the_first_keys_that_differ(weights, tmp_path: Path):
    torch.save({"net": prefixed("module.", weights)}, tmp_path / "teacher.pth")
    with pytest.raises(ValueError, match=r"does not fit cifar_tinyresnet: .* is missing; "):
        check_weights(tmp_path / "teacher.pth", "cifar_tinyresnet", classes=10, channels=1)
    wrong = r"under 'net', without the prefix 'module\.' does not fit cifar_tinycnn: fc\.weight is \[10, 256\], the net"
    with pytest.raises(ValueError, match=wrong):
        check_weights(tmp_path / "teacher.pth", NAME, classes=100, channels=1)
    whole = {name: value.to(torch.int8) for name, value in weights.items()}
    with pytest.raises(ValueError, match=r"holds torch\.int8, the network's are torch\.float32"):
        read(saved(whole, tmp_path / "int8.pth"))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_are_named(weights, value, tmp_path: Path):
    weights["fc.weight"][3, 5] = value
    with pytest.raises(ValueError, match=r"weights that are not finite: fc\.weight \(1 of \d+ tensors\)"):
        check_weights(saved(weights, tmp_path / "teacher.pth"), NAME, classes=10, channels=1)
    weights["fc.weight"][3, 5] = 0
    wide = {name: one.double() if one.is_floating_point() else one for name, one in weights.items()}
    wide["fc.weight"][0, 0] = 1e300  # finite here, but not in the network
    with pytest.raises(ValueError, match="not finite"):
        check_weights(saved(wide, tmp_path / "wide.pth"), NAME, classes=10, channels=1)


@pytest.mark.parametrize(
    ("content", "claimed"),
    [
        ({"best_acc": 75.1}, 75.1),
        ({"best_acc1": torch.tensor(75.0)}, 75.0),
        ({"acc": 0.751}, 75.1),
        ({"top1": np.float32(0.5)}, 50.0),
        ({"best_prec1": 70, "prec1": 60}, 70.0),
        ({"acc@1": 60.5, "acc@5": 90.0}, 60.5),
        ({"val_acc": 61, "best_top1": 62}, 62.0),
        ({"Test-Accuracy": 61}, 61.0),
        ({"meta": {"metrics": {"top1_acc": 44.0}}}, 44.0),
        ({"best_mIoU": 0.71}, 71.0),
        ({"metric": 77.2}, 77.2),
        ({"metric": 0.83}, None),  # may be a loss
        ({"train_acc": 99.0, "top5": 95.0, "epoch": 240, "loss": 0.3, "acc": True, "best_acc": torch.nan}, None),
        ({"best_acc": "75.1", "acc": [75.0], "top1": 751.0}, None),
    ],
)
def test_what_a_file_says_of_its_network(content, claimed, weights, tmp_path: Path):
    path = saved({"model": weights, **content}, tmp_path / "teacher.pth")
    assert read(path).claimed == (None if claimed is None else pytest.approx(claimed))


class Executes:
    def __reduce__(self):
        return (print, ("executed",))


class Stranger:
    """Somebody's own class."""

    def __init__(self) -> None:
        self.value = 1


def test_nothing_in_a_file_is_executed(weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Executes()))
    torch.save({"model": Executes()}, tmp_path / "evil2.pth")
    torch.save({"model": weights, "args": argparse.Namespace(x=Executes())}, tmp_path / "evil3.pth")
    for name in ("evil.pth", "evil2.pth", "evil3.pth"):
        with pytest.raises(ValueError, match="not a checkpoint that can be loaded safely"):
            read(tmp_path / name)
    assert "executed" not in capsys.readouterr().out


def _one_line(path: Path) -> str:
    with pytest.raises(ValueError) as refusal:
        read(path)
    text = str(refusal.value)
    assert "\n" not in text and text.isprintable() and len(text) < 500
    assert path.name in text
    assert "weights_only" not in text and "add_safe_globals" not in text and "add_safe" not in text
    return text


@pytest.mark.filterwarnings("error")
def test_what_is_no_weights_file_is_told_in_one_line(weights, tmp_path: Path):
    network = new()
    whole = _one_line(saved(network, tmp_path / "network.pth"))
    assert "a whole network, trainers.models.digits." in whole and "state_dict()" in whole
    assert "a whole network" in _one_line(saved({"model": network, "epoch": 3}, tmp_path / "network2.pth"))
    stranger = _one_line(saved({"model": weights, "meter": Stranger()}, tmp_path / "stranger.pth"))
    assert "test_teacher_files.Stranger" in stranger and "whole network" not in stranger
    old = saved(network, tmp_path / "network3.pth", _use_new_zipfile_serialization=False)
    assert "state_dict()" in _one_line(old)
    assert "is empty" in _one_line(_written(tmp_path / "empty.pth", b""))
    content = saved(weights, tmp_path / "good.pth").read_bytes()
    for share in (0.1, 0.5, 0.99):
        _one_line(_written(tmp_path / "half.pth", content[: int(share * len(content))]))
    buffer = io.BytesIO()
    torch.save(weights, buffer, _use_new_zipfile_serialization=False)
    _one_line(_written(tmp_path / "half_of_old.pth", buffer.getvalue()[:3000]))
    save_file(weights, tmp_path / "good.safetensors")
    _one_line(_written(tmp_path / "half.safetensors", (tmp_path / "good.safetensors").read_bytes()[:3000]))
    assert "holds no state dict" in _one_line(saved({"accuracy": 3.0}, tmp_path / "numbers.pth"))
    assert "holds no state dict" in _one_line(saved(torch.ones(3), tmp_path / "tensor.pth"))
    _one_line(_written(tmp_path / "text.safetensors", b"hello"))
    _one_line(_written(tmp_path / "noise.pth", np.random.default_rng(0).bytes(5000)))
    _one_line(_written(tmp_path / "zeros.pth", bytes(5000)))
    assert "web page" in _one_line(_written(tmp_path / "page.pth", b"\n<!DOCTYPE html><html>"))
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    assert "Git LFS" in _one_line(_written(tmp_path / "lfs.pth", pointer))
    assert "gzip" in _one_line(_written(tmp_path / "teacher.pth.gz", gzip.compress(content)))
    _one_line(_written(tmp_path / "json.pth", json.dumps({"weights": list(weights)}).encode()))
    np.savez(tmp_path / "arrays.npz", a=np.ones(3))
    _one_line(tmp_path / "arrays.npz")
    for protocol in range(2, 6):
        _one_line(_written(tmp_path / "plain.pkl", pickle.dumps({"a": [1, 2]}, protocol)))
    with warnings.catch_warnings(action="ignore"):
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), str(tmp_path / "program.pt"))
    assert "TorchScript" in _one_line(tmp_path / "program.pt")
    strange = {"conv\x1b[31m\x00\n" + "x" * 10_000: torch.ones(2)}
    _one_line(saved({"\x1b[2J": strange}, tmp_path / "escapes.pth"))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_only_files_are_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.pth")
    kinds = {tmp_path / "pipe.pth": "a named pipe", tmp_path: "a directory", Path("/dev/zero"): "a device"}
    for path, what in kinds.items():
        with pytest.raises(ValueError, match=f"must be a file, .* is {what}"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.pth")


def test_a_file_that_refers_to_itself_ends(weights, tmp_path: Path):
    content: dict[str, Any] = {"net": weights}
    content["self"] = content
    content["wide"] = [[content] * 50] * 50
    assert_read(saved(content, tmp_path / "loop.pth"), weights)
