"""Faults take minutes and machines' own means: run by `make test-faults`."""

from pathlib import Path

import pytest

from tests.faults.world import World


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the table of the sweep as nothing has disturbed it."""
    world = World(tmp_path_factory.mktemp("undisturbed"))
    result = world.run()
    assert result.returncode == 0, result.stdout + result.stderr
    world.check()
    return world.table


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a home of its own."""
    return World(tmp_path)
