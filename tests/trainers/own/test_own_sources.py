"""Code of somebody's own: which files it is made of, how they find each other, that loading them changes no number."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from trainers.own import Code, OwnCodeError, code_of, parse
from trainers.own.code import MOST_BYTES, _importable
from trainers.own.sources import sources
from trainers.trials.randomness import from_stream


def made(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def code(folder: Path, named: str) -> Code:
    reference = parse(named)
    assert reference is not None
    return code_of(reference, folder)


def digest_of_module(named: str) -> str:
    _importable.cache_clear()  # as in another process
    return code(Path(), named).digest


def test_the_digest_of_a_file_alone_stays_what_it_was(tmp_path: Path):
    made(tmp_path, {"net.py": "from torch import nn\n\nNet = nn.Linear\n"})
    assert code(tmp_path, "./net.py:Net").digest[:16] == "a834ebcdb983caa3"


def test_packages_that_a_module_stands_in_are_in_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(made(tmp_path, {"above_a/__init__.py": "", "above_a/below/nets.py": "Net = dict\n"}))
    first = digest_of_module("above_a.below.nets:Net")
    made(tmp_path, {"above_a/__init__.py": "WIDTH = 4\n"})
    assert digest_of_module("above_a.below.nets:Net") != first


def test_of_an_installed_module_only_its_own_package_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = {"mine_i/__init__.py": "", "mine_i/nets.py": "import other_i\nfrom mine_i.parts import Net\n"}
    made(tmp_path, package | {"mine_i/parts.py": "Net = dict\n", "other_i.py": "", "mine_i-1.dist-info/METADATA": ""})
    monkeypatch.syspath_prepend(tmp_path)
    first = digest_of_module("mine_i.nets:Net")
    made(tmp_path, {"other_i.py": "1"})
    assert digest_of_module("mine_i.nets:Net") == first
    made(tmp_path, {"mine_i/parts.py": "Net = list\n"})
    assert digest_of_module("mine_i.nets:Net") != first


def test_a_module_with_the_name_of_one_of_pythons_is_followed_where_it_is_meant(tmp_path: Path):
    made(tmp_path, {"net.py": "from .types import Net\nimport random\n", "types.py": "Net = dict\n", "random.py": "1"})
    assert sources(tmp_path, "net.py").keys() == {"net.py", "types.py"}
    assert code(tmp_path, "./net.py:Net").load() is dict


def test_a_file_beside_does_not_stand_for_a_module_of_pythons(tmp_path: Path):
    text = "from .types import Net\nimport types\n\nassert types.SimpleNamespace\n"
    made(tmp_path, {"net.py": text, "types.py": "Net = dict\n"})
    assert code(tmp_path, "./net.py:Net").load() is dict


LAZY = """
import parts
def make():
    from parts import Part
    assert Part is parts.Part
    from inner.deep import name
    return Part, name()
"""


def test_what_a_function_imports_when_it_is_called_is_there_and_the_same(tmp_path: Path):
    files = {"net.py": LAZY, "parts.py": "class Part: pass\n", "inner/other.py": "NAME = 'deep'\n"}
    made(tmp_path, files | {"inner/deep.py": "def name():\n    from .other import NAME\n    return NAME\n"})
    one = code(tmp_path, "./net.py:make")
    for name in files | {"inner/deep.py": ""}:
        (tmp_path / name).unlink()
    part, name = one.load()()
    assert (part, name) == (one.load()()[0], "deep")


@pytest.mark.parametrize("name", ["net.v2.py", "my-net.py", "my-net.v2.py"])
def test_a_file_is_loaded_whatever_its_name_is(tmp_path: Path, name: str):
    made(tmp_path, {name: "from parts import Net\n", "parts.py": "class Net: pass\n"})
    assert code(tmp_path, f"./{name}:Net").load().__name__ == "Net"


def test_a_mark_of_byte_order_is_no_part_of_the_text(tmp_path: Path):
    made(tmp_path, {"net.py": "Net = dict\n"})
    plain = code(tmp_path, "./net.py:Net")
    (tmp_path / "net.py").write_text("Net = dict\n", encoding="utf-8-sig")
    assert code(tmp_path, "./net.py:Net").digest == plain.digest


def test_the_limit_is_of_bytes(tmp_path: Path):
    made(tmp_path, {"net.py": f"Net = {'ä' * (MOST_BYTES * 2 // 3)!r}\n"})
    with pytest.raises(OwnCodeError, match="got 1,333 kB in 1 files"):
        code(tmp_path, "./net.py:Net")


DRAWS = """
import random
import numpy
import torch
VALUES = float(torch.rand(())), random.random(), numpy.random.rand()
def make(): return torch.rand(()), VALUES
def later():
    import parts
    return parts.VALUES
"""


def test_what_a_module_draws_while_it_is_loaded_changes_no_other_number(tmp_path: Path):
    folders = [made(tmp_path / name, {"net.py": DRAWS, "parts.py": DRAWS + "# other\n"}) for name in "ab"]
    first, second = (code(folder, "./net.py:make") for folder in folders)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    states = random.getstate(), np.random.get_state()[1].tolist()
    new, again, elsewhere = (from_stream(lambda one=one: one.load()(), "weights") for one in (first, first, second))
    assert new == again == elsewhere
    lazy = [code(folder, "./net.py:later").load()() for folder in folders]
    assert lazy[0] == lazy[1] != new[1]
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


def test_neither_does_an_installed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(made(tmp_path, {"draws_i/__init__.py": DRAWS, "draws_i/net.py": DRAWS}))
    one = code(Path(), "draws_i.net:make")
    new, again = (from_stream(lambda: one.load()(), "weights") for _ in range(2))
    assert new == again
