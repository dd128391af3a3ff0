"""The suites beside the default one: what keeps them from rotting while nobody runs them.

Every run of pytest imports all test files, so names that are gone are seen at once; `make types` holds what they call;
here are the fixtures that they ask for, and a note of when each suite ran last.
"""

import datetime
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUITES = ("slow", "servers", "faults", "cluster")
"""Marks, each with a `make test-…` of its own."""
BUILT_IN = frozenset({"request"})


def unmade_fixtures(names: Iterable[str], made: Iterable[str]) -> set[str]:
    """Return the names of fixtures that a test asks for and nobody makes."""
    return {*names} - {*made} - BUILT_IN


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a suite went when it was run whole here the last time."""

    at: float
    """Wall clock in seconds."""
    commit: str
    passed: int
    failed: int
    skipped: int

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None) -> "LastRun | None":
        """Return what was kept; None where nothing was, or something else."""
        try:
            return None if content is None else cls(**content)
        except TypeError:
            return None


def line(suite: str, last: LastRun | None, now: float, commits_since: int | None) -> str:
    """Return in words when a suite was run here.

    Args:
        now: wall clock in seconds.
        commits_since: of the run; None where nobody knows.
    """
    if last is None:
        return f"make test-{suite}: never run here"
    days = datetime.timedelta(seconds=max(0.0, now - last.at)).days
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    since = "" if commits_since is None else f", {commits_since} commits before this one"
    counts = ((last.passed, "passed"), (last.failed, "failed"), (last.skipped, "skipped"))
    result = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"make test-{suite}: run {when}{since}: {result or 'nothing'}"


def commit(root: Path) -> str:
    """Return the commit of the tree, "" where there is none to know."""
    return _git(root, "rev-parse", "HEAD")


def commits_since(root: Path, earlier: str) -> int | None:
    """Return how many commits there are since an earlier one; None where nobody knows."""
    count = _git(root, "rev-list", "--count", f"{earlier}..HEAD") if earlier else ""
    return int(count) if count.isdecimal() else None


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
