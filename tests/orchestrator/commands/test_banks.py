"""`banks` lists what is stored and clears it, after a question."""

import shutil
from pathlib import Path

import pytest

import run_sweep
from orchestrator import banks, clear, to_clear
from orchestrator.commands.banks import UnknownBankError
from orchestrator.home.home import HomeError, driver_lock
from tests.trainers.teachers.test_bank import IMAGES, VIEWS, batch, folder, opened
from tests.trainers.tiny import new_store
from trainers.files.store import Store


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = new_store(tmp_path_factory.mktemp("home"))
    opened(store).rows(batch(IMAGES, VIEWS))
    shutil.copytree(folder(store), folder(store).with_name(f"{folder(store).name}.damaged"))
    (store.home / "banks" / "strange").mkdir()
    return store


@pytest.fixture
def home(filled: Store, tmp_path: Path) -> Path:
    shutil.copytree(filled.home, tmp_path / "home")
    return tmp_path / "home"


def test_what_is_there(home: Path):
    bank, aside, strange = banks(home)
    assert (bank.network, bank.dataset, bank.view_set) == ("cifar_tinycnn", "digits100", "pad2-crop")
    assert (bank.rows, bank.filled, bank.damaged) == (250_000, 4, False)
    assert bank.disk_bytes > 0
    assert aside.damaged
    assert (strange.rows, strange.network) == (0, "")
    assert banks(home / "nowhere") == []


def test_clearing_asks_first(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert run_sweep.main(["banks", "--clear", "--home", str(home)]) == 0  # nobody can be asked in a test
    assert "say --yes" in capsys.readouterr().out
    assert len(banks(home)) == 3
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert run_sweep.main(["banks", "strange", "--clear", "--home", str(home)]) == 0
    assert len(banks(home)) == 3
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert run_sweep.main(["banks", "strange", "--clear", "--home", str(home)]) == 0
    assert "0.0 kB freed" in capsys.readouterr().out
    assert len(banks(home)) == 2
    clear(home, to_clear(home, []))
    assert banks(home) == []


def test_not_while_a_driver_works(home: Path):
    with driver_lock(home, ["a"]), pytest.raises(HomeError, match="a driver works"):
        to_clear(home, [])


def test_a_name_that_is_no_banks(home: Path):
    with pytest.raises(UnknownBankError, match="no bank begins with 'x'"):
        to_clear(home, ["x"])


def test_another_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KDSWEEP_BANKS", str(tmp_path / "scratch"))
    assert banks(home) == []
