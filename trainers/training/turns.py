"""Trainings that take turns, step by step: a cohort, which sees each batch once.

Each has torch's global random state to itself while it is on, so that dropout draws what it would draw alone.
"""

import contextlib
import sys
from collections.abc import Generator, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Name = TypeVar("Name", bound=Hashable)
Word = TypeVar("Word")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of training or scoring is next."""

    epoch: int
    """That it belongs to, from 1."""


Steps = Generator[Step | Word, None, None]
"""A training as it goes on: a `Step` before each of its steps, and what it has to say after every epoch."""


class RandomState:
    """Torch's global random state as one of several sees it: at first as it is then. Where torch has not been loaded
    yet nothing loads it here: a worker shows that it lives before it does."""

    def __init__(self) -> None:
        self._state: list[Tensor] | None = None

    @contextlib.contextmanager
    def switched(self) -> Iterator[None]:
        """Have it in force for a while."""
        others = _random_state() if "torch" in sys.modules else None
        if self._state is not None:
            _set_random_state(self._state)
        try:
            yield
        finally:
            self._state = _random_state()
            if others is not None:
                _set_random_state(others)


@dataclass(slots=True)
class _Member(Generic[Word]):
    steps: Steps[Word]
    random: RandomState = field(default_factory=RandomState)
    epoch: int = 0
    """That its next step belongs to; 0 where that is not known: before it has begun, and after it has spoken."""


class Turns(Generic[Name, Word]):
    """Takes trainings on in step.

    Attributes:
        errors: what ended trainings, by their names; the others go on.
    """

    def __init__(self, trainings: dict[Name, Steps[Word]]) -> None:
        self._members = {name: _Member(steps) for name, steps in trainings.items()}
        self._said: list[tuple[Name, Word]] = []
        self.errors: dict[Name, Exception] = {}

    @property
    def is_over(self) -> bool:
        """Whether all have ended."""
        return not self._members

    def round(self) -> list[tuple[Name, Word]]:
        """Take those that have come least far to the end of their epoch, and return what they say: one that goes on
        from a later epoch waits for the others. Empty once all have ended."""
        while self._members and not self._said:
            for name in [name for name, member in self._members.items() if not member.epoch]:
                self._turn(name)
            if self._said or not self._members:
                continue
            least = min(member.epoch for member in self._members.values())
            group = [name for name, member in self._members.items() if member.epoch == least]
            while group:
                group = [name for name in group if self._turn(name)]
                group = group[1:] + group[:1]  # whoever comes first reads and teaches for all
        return self.said()

    def said(self) -> list[tuple[Name, Word]]:
        """Return what was said in a round that something has put an end to."""
        said, self._said = self._said, []
        return said

    def _turn(self, name: Name) -> bool:
        """Let one make a step; return whether its epoch goes on."""
        member = self._members[name]
        try:
            with member.random.switched():
                word = next(member.steps)
        except StopIteration:
            del self._members[name]
            return False
        except Exception as error:  # noqa: BLE001 (of one training; it is for whoever runs them to tell)
            self.errors[name] = frameless(error)
            del self._members[name]
            return False
        if isinstance(word, Step):
            member.epoch = word.epoch
            return True
        self._said.append((name, word))
        member.epoch = 0
        return False

    def drop(self, name: Name) -> None:
        """End one of them before its time."""
        member = self._members.pop(name, None)
        if member is not None:
            with member.random.switched():
                member.steps.close()

    def close(self) -> None:
        """End all of them."""
        for name in [*self._members]:
            self.drop(name)


def frameless(error: Exception) -> Exception:
    """Return the error without the frames that it and those behind it have come through: they hold all that the
    training has held, while others go on."""
    behind: list[BaseException | None] = [error]
    seen: set[int] = set()
    while behind:
        one = behind.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            behind += one.__cause__, one.__context__
            if isinstance(one, BaseExceptionGroup):
                behind += one.exceptions
    return error


def _random_state() -> "list[Tensor]":
    import torch

    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else ())]


def _set_random_state(state: "list[Tensor]") -> None:
    import torch

    torch.set_rng_state(state[0])
    if state[1:]:
        torch.cuda.set_rng_state_all(state[1:])
