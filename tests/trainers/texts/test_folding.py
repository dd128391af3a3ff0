"""Lines that fit a terminal, with every word, URL and command whole."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.texts.folding import folded, folded_command

URL = "sqlite:////data/results/of/several/people/on/one/disk/kdsweep_home/mlflow.db"
COMMAND = f"runs: .venv/bin/mlflow ui --backend-store-uri {URL} --host 0.0.0.0"


def test_what_fits_stays_as_it_is():
    assert folded("a  table   with columns\n  and rows", 40) == "a  table   with columns\n  and rows"
    assert folded_command("runs: mlflow ui", 15) == "runs: mlflow ui"


def test_what_goes_on_is_indented_and_a_long_word_is_whole():
    assert folded("  a note of some words", 14) == "  a note of\n    some words"
    assert folded(f"look at {URL} now", 30) == f"look at\n  {URL}\n  now"
    assert folded(URL, 30) == URL


@given(st.text("ab ", max_size=200), st.integers(4, 60))
def test_no_word_is_cut_and_no_line_is_longer_than_its_one_word(text: str, width: int):
    lines = folded(text, width).split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)


@pytest.mark.parametrize("width", [20, 40, 79, 80, 200])
@pytest.mark.parametrize("line", [COMMAND, "go on with: python run_sweep.py run 'my sweep.yaml' --set name='a b'"])
def test_a_shell_takes_a_folded_command_for_what_it_was(line: str, width: int):
    label, _, command = line.partition(": ")
    shown = folded_command(line, width)
    assert shown.startswith(f"{label}:")
    assert shlex.split(shown.removeprefix(f"{label}:").replace("\\\n", " ")) == shlex.split(command)
    assert all(
        len(one) <= width or len(one.strip(" \\").split()) == 1 for one in shown.split("\n")[1:] if "'" not in one
    )
