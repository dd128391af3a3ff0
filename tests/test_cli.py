"""The command line: wrong requests get exit 2, one clear message, and nothing is made."""

import contextlib
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import run_sweep
from orchestrator import command_line
from orchestrator.command_line import commands
from tests.orchestrator.cli import ROOT, kdsweep

GOOD = """\
name: good
dataset: digits100
pairs: tinyresnet -> tinycnn
methods: {kd: }
seeds: 1
"""

BAD = {
    "no such file": (None, "no such file"),
    "not yaml": ("name: [", "line 1"),
    "a key twice": (GOOD + "seeds: 2\n", "line 6"),
    "unknown key": (GOOD + "epocs: 2\n", "unknown key; did you mean"),
    "unknown method": (GOOD.replace("kd:", "kdd:"), "did you mean 'kd'?"),
    "unknown model": (GOOD.replace("tinycnn", "tinycn"), "did you mean 'tinycnn'?"),
    "unknown data set": (GOOD.replace("digits100", "digits10"), "did you mean 'digits100'?"),
    "k of 0": (GOOD.replace("kd: ", "gdkd: {k: 0}"), "must be at least 1, got 0"),
    "k of all classes": (GOOD.replace("kd: ", "gdkd: {k: 100}"), "less than the number of classes (100), got 100"),
    "text for a number": (GOOD.replace("kd: ", "gdkd: {w2: big}"), "must be a number, got 'big'"),
    "an empty grid": (GOOD.replace("kd: ", "gdkd: {k: {grid: []}}"), "at least one value"),
    "low above high": (GOOD.replace("kd: ", "gdkd: {k: {low: 9, high: 2}}"), "must be below high"),
    "no arrow": (GOOD.replace(" -> ", " - "), "teacher -> student"),
    "no seeds": (GOOD.replace("seeds: 1", "seeds: []"), "seeds"),
    "a name that leaves the home": (GOOD.replace("name: good", "name: ../../good"), "name"),
}


@pytest.fixture
def same_signals() -> Iterator[None]:
    """A command takes SIGTERM for itself; here it is given back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_is_told_and_nothing_is_made(
    case, tmp_path: Path, capsys: pytest.CaptureFixture[str], same_signals: None
):
    """Called in this process: each case by itself would load torch again."""
    text, message = BAD[case]
    path = tmp_path / "sweep.yaml"
    if text is not None:
        path.write_text(text)
    assert run_sweep.main(["run", str(path), "--home", str(tmp_path / "home")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_a_wrong_file_ends_a_process_with_2_and_no_traceback(tmp_path: Path):
    (tmp_path / "sweep.yaml").write_text(BAD["unknown key"][0])
    result = kdsweep("run", tmp_path / "sweep.yaml", "--home", tmp_path / "home", cwd=tmp_path)
    assert result.returncode == 2
    assert BAD["unknown key"][1] in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(GOOD)
    return path


def test_a_home_that_cannot_be_written(good: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    result = kdsweep("run", good, "--home", tmp_path / "file" / "home", cwd=tmp_path)
    assert result.returncode == 2
    assert "is a file; give another with --home" in result.stderr


def test_a_tracking_server_that_does_not_answer(good: Path, tmp_path: Path):
    uri = "http://127.0.0.1:9"
    result = kdsweep(
        "run",
        good,
        "--home",
        tmp_path / "home",
        cwd=tmp_path,
        MLFLOW_TRACKING_URI=uri,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )
    assert result.returncode == 2
    assert f"the tracking store at {uri} does not answer" in result.stderr
    assert not (tmp_path / "home").exists()


def test_a_report_of_an_unknown_sweep(tmp_path: Path):
    result = kdsweep("report", "nothing", "--home", tmp_path / "home", cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["run"], ["walk"], ["run", "x", "--workers", "-1"], ["plan"]])
def test_a_wrong_command_line(arguments, tmp_path: Path):
    result = kdsweep(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "usage:" in result.stderr


@pytest.mark.parametrize("option", ["--out", "--compare", "--compare-home"])
@pytest.mark.parametrize("url", ["https://example.org/x", "s3://bucket/x", "file:///x"])
def test_a_url_is_no_folder_and_makes_none(
    option: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        run_sweep.main(["report", "any", option, url, "--home", str(tmp_path / "home")])
    assert left.value.code == 2
    assert f"{option}: must be on this machine, got '{url}'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_banks_on_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDSWEEP_BANKS", "s3://bucket/banks")
    assert run_sweep.main(["banks", "--home", str(tmp_path / "home")]) == 2
    assert capsys.readouterr().err == "KDSWEEP_BANKS must name a folder on this machine, got 's3://bucket/banks'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["methods", pytest.param("models", marks=pytest.mark.slow), "datasets"])
def test_lists(command, tmp_path: Path):
    few = {"models": ["tiny*"], "methods": ["gdkd", "crd"]}.get(command, [])
    result = kdsweep(command, *few, cwd=tmp_path)
    assert result.returncode == 0
    expected = {"methods": "gdkd", "models": "tinyresnet", "datasets": "digits100"}[command]
    assert expected in result.stdout


@pytest.mark.parametrize("command", [("models", "nono"), ("methods", "gdk")])
def test_a_list_of_what_is_not_there(command, tmp_path: Path):
    result = kdsweep(*command, cwd=tmp_path)
    assert result.returncode == 2
    assert command[1] in result.stderr


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]):
    import tomllib

    with pytest.raises(SystemExit) as left:
        run_sweep.command_line().parse_args(["--version"])
    assert left.value.code == 0
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert capsys.readouterr().out == f"kdsweep {version}\n"


@pytest.mark.parametrize("words", [["run"], ["launch", "slurm"]])
def test_help_is_that_of_the_command(words: list[str], capsys: pytest.CaptureFixture[str], same_signals: None):
    with pytest.raises(SystemExit) as left:
        run_sweep.main(["help", *words])
    assert left.value.code == 0
    assert f"usage: run_sweep.py {' '.join(words)}" in capsys.readouterr().out


def test_every_command_has_an_example_that_it_reads():
    parser = run_sweep.command_line()
    (below,) = [one for one in parser._actions if hasattr(one, "choices") and one.choices]
    for command in commands():
        words = shlex.split(command.example.partition(">")[0])
        assert parser.parse_args([command.name, *words]).command
        assert below.choices[command.name].epilog.startswith(f"example: python run_sweep.py {command.name}")


def test_every_command_is_a_module_of_its_name():
    folder = Path(command_line.__file__).parent
    modules = {path.stem for path in folder.iterdir() if not path.name.startswith("_")}
    assert modules == {command.name for command in commands()} == set(command_line.NAMES)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str], same_signals: None):
    assert run_sweep.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*command_line.NAMES, "wait-for-nodes", "gpus-per-node"):
        assert word in script


def test_bash_completes_with_it(capsys: pytest.CaptureFixture[str], same_signals: None):
    assert run_sweep.main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    ask = "COMP_WORDS=(kdsweep sta); COMP_CWORD=1; _shtab_kdsweep; echo ${COMPREPLY[@]}"
    answer = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["status"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], same_signals: None):
    assert run_sweep.main(["completion", "fish"]) == 0
    (tmp_path / "kdsweep.fish").write_text(capsys.readouterr().out)
    (tmp_path / "sweep.yaml").touch()
    for typed, answers in {"sta": ["status"], "run --wor": ["--workers"], "run s": ["sweep.yaml"]}.items():
        command = ["fish", "-N", "-c", f"source kdsweep.fish; complete -C 'kdsweep {typed}'"]
        shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert [line.partition("\t")[0] for line in shown.splitlines()] == answers


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_completes_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], same_signals: None):
    """Its completion works in a terminal alone: a function that stands for the command says what it was called with."""
    assert run_sweep.main(["completion", "zsh"]) == 0
    (tmp_path / "_kdsweep").write_text(capsys.readouterr().out)
    (tmp_path / ".zshrc").write_text(
        "fpath=($HOME $fpath); autoload -Uz compinit; compinit -u; kdsweep() { print -r -- called with $*; exit }\n"
    )
    (tmp_path / "sweep.yaml").touch()
    for typed, called in {"sta\t": "status", "run --wor\t 1 sw\t": "run --workers 1 sweep.yaml"}.items():
        ours, theirs = pty.openpty()
        environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm", "ZDOTDIR": str(tmp_path)}
        shell = subprocess.Popen(
            ["zsh", "-i"], cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        os.write(ours, f"kdsweep {typed}\r".encode())
        shown = b""
        with contextlib.suppress(OSError):  # the shell has left
            while piece := os.read(ours, 65536):
                shown += piece
        assert shell.wait() == 0
        os.close(ours)
        assert f"called with {called}" in shown.decode()


def test_init_asks_a_terminal_and_takes_what_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], same_signals: None
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    answers = iter(["", "", "", "ce,kd", "many", "2"])
    monkeypatch.setattr("builtins.input", lambda _question: next(answers))
    assert run_sweep.main(["init"]) == 0
    assert "must be a whole number from 1 to 10000, got 'many'" in capsys.readouterr().out
    text = (tmp_path / "digits100.yaml").read_text()
    assert "pairs: tinyresnet -> tinycnn" in text and "seeds: 2" in text and "  dkd:" not in text
    assert run_sweep.main(["init", "digits100", "--yes"]) == 2
    assert "digits100.yaml is there already and stays as it is" in capsys.readouterr().err

    def leave(_question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", leave)
    assert run_sweep.main(["init", "--out", "other.yaml"]) == 130
    assert not (tmp_path / "other.yaml").exists()


@pytest.mark.parametrize("arguments", [["plan", "~nosuchuser/x.yaml"], ["init", "~nosuchuser/x", "--yes"]])
def test_an_unknown_user_is_a_name_like_others(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    same_signals: None,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run_sweep.main(arguments) == 2
    assert "~nosuchuser/x" in capsys.readouterr().err


def test_init_says_first_that_the_folder_of_its_file_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], same_signals: None
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        run_sweep.main(["init", "nothing", "--yes", "--out", "nodir/x.yaml"])
    assert left.value.code == 2
    assert "--out: must be in a folder that is there, got nodir/x.yaml" in capsys.readouterr().err


def test_a_notebook_says_nothing_of_how_figures_are_drawn(monkeypatch: pytest.MonkeyPatch):
    """What a kernel tells the processes that it starts names a module that our environment may lack."""
    code = "import run_sweep; run_sweep.main(['datasets']); import matplotlib; print('by', matplotlib.get_backend())"
    monkeypatch.setenv("MPLBACKEND", "module://a_notebooks.own")
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "by agg" in shown
