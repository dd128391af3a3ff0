"""Methods of other packages: found through an entry point, held to the registry's rules."""

import dataclasses
from importlib.metadata import EntryPoint

import pytest

from tests.trainers.methods.logits import random_logits
from trainers import methods
from trainers.methods.kd import KD_METHOD

MINE = dataclasses.replace(KD_METHOD, name="mine", summary="somebody's own")


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes an installed package offer this object; the registry is as before afterwards."""

    def offer(value: str) -> None:
        def entry_points(*, group: str) -> list[EntryPoint]:
            return [EntryPoint("its", value, group)] if group == "kdsweep.methods" else []

        monkeypatch.setattr(methods, "entry_points", entry_points)
        methods.methods.cache_clear()

    yield offer
    monkeypatch.undo()
    methods.methods.cache_clear()


def test_a_plug_in_comes_after_our_own_and_is_built_by_its_name(plug_in):
    plug_in(f"{__name__}:MINE")
    assert methods.names() == (*(method.name for method in methods.ALL), "mine")
    assert methods.get("mine") is MINE
    student, teacher, target = random_logits(4, 5)
    ours, theirs = (methods.build(name)(student, teacher, target, epoch=1) for name in ("kd", "mine"))
    assert ours["loss"] == theirs["loss"]


def test_a_plug_in_that_gives_no_method_is_named(plug_in):
    plug_in("trainers.methods.kd:KD")
    with pytest.raises(ValueError, match=r"plug-in trainers\.methods\.kd:KD gives no trainers\.methods\.Method"):
        methods.names()


def test_a_plug_in_may_not_take_a_name_that_is_taken(plug_in):
    plug_in("trainers.methods.kd:KD_METHOD")
    with pytest.raises(ValueError, match="is named 'kd', as another method is"):
        methods.get("kd")


def test_without_plug_ins_there_are_our_own_only():
    assert list(methods.methods()) == [method.name for method in methods.ALL]
