"""The suites that are run seldom do not rot unseen."""

import ast
import re
from pathlib import Path

import pytest

from tests.suites import SUITES, LastRun, line, unmade_fixtures

ROOT = Path(__file__).parents[1]
DAY = 86_400


def test_a_fixture_that_nobody_makes_is_seen() -> None:
    assert unmade_fixtures(["request", "home", "gone"], ["home", "tmp_path"]) == {"gone"}


def test_when_a_suite_ran_is_told() -> None:
    last = LastRun(at=100.0, commit="c0ffee", passed=149, failed=0, skipped=15)
    assert line("slow", None, 0.0, None) == "make test-slow: never run here"
    assert line("slow", last, 100.0 + DAY / 2, 0) == (
        "make test-slow: run today, 0 commits before this one: 149 passed, 15 skipped"
    )
    assert line("slow", last, 100.0 + 9 * DAY, None).startswith("make test-slow: run 9 days ago: 149 passed")
    assert "run today" in line("slow", last, 0.0, None)  # a clock that was set back
    assert LastRun.from_json({"at": 1.0, "who": "somebody"}) is None


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_has_its_command_and_its_line_in_the_page(suite: str) -> None:
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "docs" / "tests.md").read_text()
    assert re.search(rf"(?m)^test-{suite}: .*\n.*pytest -m {suite}\b", makefile)
    assert f"`make test-{suite}`" in page
    assert f"{suite}:" in (ROOT / "pyproject.toml").read_text()


def test_no_test_is_in_a_suite_that_nobody_runs() -> None:
    """A misspelt mark is refused by pytest (--strict-markers); this holds that each known one has a command."""
    known = {*SUITES, "parametrize", "skipif", "skip", "xfail", "timeout", "filterwarnings", "usefixtures"}
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pytest.mark":
                assert node.attr in known, f"{path}: {node.attr}"
