"""Sweep files for tests: a small sound one, and what is said of it with changes."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from search_spaces import Sweep, SweepFileError, expand, read

SMALL = """\
name: small
dataset: digits100
pairs: tinyresnet -> tinycnn
methods:
  ce:
  kd:
seeds: 2
"""


def write(folder: Path, text: str | bytes) -> Path:
    """Return a sweep file with this text, indented as it may be."""
    path = folder / "sweep.yaml"
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return path


def sweep_of(folder: Path, text: str, overrides: Sequence[str] = ()) -> Sweep:
    """Return the expanded sweep of a text."""
    return expand(read(write(folder, text), overrides), capability=lambda: None)


def told(folder: Path, text: str | bytes, overrides: Sequence[str] = ()) -> list[str]:
    """Return the lines of what is said of a file that breaks rules, without its name and their indent."""
    path = write(folder, text)
    with pytest.raises(SweepFileError) as caught:
        read(path, overrides)
    return [line.strip() for line in str(caught.value).removeprefix(f"{path}: ").splitlines()]


def told_of(folder: Path, old: str, new: str) -> list[str]:
    """Return what is said of the small file with one piece replaced, without the heading."""
    assert old in SMALL
    return told(folder, SMALL.replace(old, new))[1:]
