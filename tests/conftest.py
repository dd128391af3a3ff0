"""Shared by all tests: one thread, no network store by accident, fresh homes; and a look after the rarer suites."""

import gc
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from tests.suites import SUITES, LastRun, commit, commits_since, line, unmade_fixtures

SLURM_CORES = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's tracking server, home or cluster; every test computes on one thread."""
    for name in ("MLFLOW_TRACKING_URI", "KDSWEEP_HOME", "RAY_ADDRESS", "SLURM_JOB_ID", *SLURM_CORES):
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder for a home that is not there yet."""
    return tmp_path / "home"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hold that every test's fixtures are there, also of tests that this run leaves out."""
    for item in items:
        if isinstance(item, pytest.Function):
            missing = unmade_fixtures(item.fixturenames, item._fixtureinfo.name2fixturedefs)
            if missing:
                names = ", ".join(sorted(missing))
                raise pytest.UsageError(f"{item.nodeid} asks for fixtures that nobody makes: {names}")


def pytest_collection_finish() -> None:
    """Leave what imports and collection made out of every later look for garbage: there is none among it, and a look
    takes a second."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Note how a whole suite went; after a run of the default one, say when the others ran."""
    cache = getattr(config, "cache", None)
    if cache is None or not _is_whole(config):
        return
    suite = config.option.markexpr
    if suite in SUITES:
        counts = {name: len(terminalreporter.stats.get(name, ())) for name in ("passed", "failed", "skipped", "error")}
        failed = counts["failed"] + counts["error"]
        last = LastRun(time.time(), commit(config.rootpath), counts["passed"], failed, counts["skipped"])
        cache.set(f"kdsweep/{suite}", asdict(last))
        return
    for name in SUITES:
        known = LastRun.from_json(cache.get(f"kdsweep/{name}", None))
        since = None if known is None else commits_since(config.rootpath, known.commit)
        terminalreporter.write_line(line(name, known, time.time(), since))


def _is_whole(config: pytest.Config) -> bool:
    """Return whether a suite is run with nothing left out: no paths, no words, no stop half-way."""
    chosen = config.option.keyword or config.option.lf or config.option.collectonly
    return not chosen and config.args == config.getini("testpaths")
