"""`plan` for people: five lines, of which the time is what trainings of the same networks took here, or a few steps."""

import contextlib
import importlib.util
import json
from pathlib import Path

import pytest
import torch

import run_sweep
from orchestrator import plan_here
from orchestrator.commands.estimate.machine_time import machine_time
from orchestrator.ledger.ledger import Ledger
from orchestrator.worker.probe import image_seconds
from search_spaces import Speed, describe_plan, expand, read
from tests.orchestrator.simulation import SWEEP, drive, new_planner, sweep_of
from tests.search_spaces.plan.test_plan import ELSEWHERE

ONE = """
name: one
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 1, epoch_steps: 2}
methods: {ce: }
seeds: 1
"""


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def planned(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    assert run_sweep.main(["plan", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def test_five_lines_first_and_all_else_behind_details(tmp_path: Path, home: Path, capsys) -> None:
    sweep = sweep_of(SWEEP, tmp_path)
    lines = planned(capsys, tmp_path / "sweep.yaml", "--home", home)
    assert [line.split()[0] for line in lines[:5]] == ["small:", "trainings", "time", "disk", "missing"]
    assert lines[:3] == [
        "small: 1 pair on digits100, 5 rows (1 searched), 2 seeds",
        "trainings  19 at most: 1 teacher, 18 students",
        "time       not known: nothing like it has run here (--probe times a few steps of each kind)",
    ]
    assert lines[4:] == [
        "missing    nothing: data sets, weights and packages are here",
        "",
        "rows, recipes, teachers, what the figures rest on: --details",
    ]
    detailed = planned(capsys, tmp_path / "sweep.yaml", "--home", home, "--details")
    assert "\n".join(detailed[6:]) == describe_plan(sweep).to_text()
    assert not home.exists()


@pytest.mark.parametrize(("most", "told"), [(3, "trainings  7"), (5, "trainings  7 to 11")])
def test_trainings_are_from_and_to_where_seeds_may_be_added(most: int, told: str, tmp_path: Path, home: Path, capsys):
    text = ONE.replace("{ce: }", "{ce: , kd: }").replace("seeds: 1", f"seeds: {{first: 3, most: {most}, settle: kd}}")
    sweep_of(text, tmp_path)
    line = planned(capsys, tmp_path / "sweep.yaml", "--home", home)[1]
    assert line.partition(":")[0].removesuffix(" at most") == told


def test_the_time_is_what_like_trainings_took_here(tmp_path: Path, home: Path, capsys) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(ONE)
    assert run_sweep.main(["run", str(file), "--workers", "0", "--home", str(home)]) == 0
    capsys.readouterr()
    lines = planned(capsys, file, "--home", home)
    assert lines[1:3] == [
        "trainings  1: 0 teachers, 1 student; 1 has ended here before",
        "time       none: all has ended here before",
    ]
    sweep = expand(read(file, ["seeds=3", "recipe.epochs=500"]), capability=lambda: None)
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        (key,) = ledger.states()
        ((_, _, values),) = ledger.epochs(key)
        found = machine_time(sweep, ledger)
        assert (found.left, found.ended, found.unknown) == (3, 0, 0)
        assert found.seconds == pytest.approx(3 * 500 * values["epoch_seconds"] / found.slots)
        with ledger.transaction():
            ledger._db.execute("UPDATE trial SET provenance = json_set(provenance, '$.host', 'another')")
        assert machine_time(sweep, ledger).unknown == 3
    lines = planned(capsys, file, "--home", home, "--set", "seeds=2")
    assert lines[2].startswith("time       not known: nothing like it has run here")


def test_what_searches_still_ask_for_is_counted(tmp_path: Path, home: Path) -> None:
    sweep = sweep_of(SWEEP, tmp_path)
    home.mkdir()
    with contextlib.closing(Ledger(home / "ledger.db")) as ledger:
        planner = new_planner(ledger, sweep)
        assert machine_time(sweep, ledger).left == 19
        drive(planner)
        found = machine_time(sweep, ledger)
        assert (found.left, found.ended) == (0, len(ledger.states()))


def test_a_probe_times_each_kind_once(tmp_path: Path, home: Path, capsys) -> None:
    text = ONE.replace("{ce: }", "{ce: , kd: {temperature: {grid: [1, 2]}}}")
    (tmp_path / "one.yaml").write_text(text)
    assert run_sweep.main(["plan", str(tmp_path / "one.yaml"), "--home", str(home), "--probe", "--json"]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "probing 1 of 3: digits100, cifar_tinyresnet, ce",
        "probing 2 of 3: digits100, cifar_tinycnn, ce",
        "probing 3 of 3: digits100, cifar_tinycnn, kd",
    ]
    machine = json.loads(told.out)["machine"]
    assert (machine["left"], machine["unknown"]) == (4, 0)
    assert machine["seconds"] > 0
    assert not home.exists()


def test_a_step_is_timed_with_and_without_its_teacher(tmp_path: Path) -> None:
    sweep = sweep_of(ONE.replace("ce:", "kd:").replace("tinyresnet ->", "resnet32x4 ->"), tmp_path)
    (member,) = sweep.fixed
    live, stored = (
        image_seconds(member.trial, torch.device("cpu"), None, stored=stored).trained for stored in (False, True)
    )
    assert 0 < stored < live


def test_what_is_missing_is_named(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDSWEEP_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "elsewhere.yaml").write_text(ELSEWHERE)
    file = read(tmp_path / "elsewhere.yaml", planning=True)
    sweep = expand(file, capability=lambda: None)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mlflow" else found(name))
    plan = describe_plan(sweep, assumed=file.assumed, speed=Speed())
    here = plan_here(plan, sweep, home)
    weights = "weights of deeplabv3_resnet101, weights of deeplabv3_resnet18"
    assert here.to_lines()[4] == f"missing    data set cityscapes, {weights}, package mlflow"
    assert here.to_lines()[1] == "trainings  2: 1 teacher, 1 student"
    if not torch.cuda.is_available():
        assert here.to_lines()[2].startswith("time       this machine has no GPU, which the sweep asks for; about ")
