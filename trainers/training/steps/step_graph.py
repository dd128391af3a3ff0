"""What `recipe.compile` asks for: a student that is compiled, or a whole step of training as one CUDA graph, by which
forward, loss, backward and optimiser are sent to the GPU in one call. Graphs were never run on a GPU.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainers.training.tasks.tasks import Seen
from trainers.trials.recipe import Recipe

Terms = dict[str, Tensor]
WARM_UP = 3
"""Steps that are made before one is captured, on a stream beside: libraries and optimiser have then taken what they
need. They are steps of the training like any other."""


def sped_up(recipe: Recipe, student: nn.Module) -> "Callable[[Callable[[Seen], Terms]], StepGraph] | None":
    """Compile a student that learns from logits, where its recipe asks for that; return what makes graphs of its steps,
    where it asks for those: mixed images and several batches a step go without."""
    if recipe.compile is True:
        torch._dynamo.reset()  # a worker's earlier trials would count against what may be compiled
        student.compile(dynamic=False)  # what is called as a module: scoring and the average go without
    return StepGraph if recipe.compile == "graph" and not recipe.mixup and recipe.accumulate == 1 else None


class StepGraph:
    """The steps of one epoch: what a method does may depend on its number, so each epoch is captured anew.

    A batch of another size than the first, the last one of an epoch, makes its step by itself.

    Args:
        step: makes a step of training with what is seen, of the student without its taps; learning rates are tensors.
            What it returns holds no autograd graph: that of one step must be gone before the next is captured.
        capture: has a step recorded, not done, and returns what does it.
        beside: in which steps are made before.
    """

    def __init__(
        self,
        step: Callable[[Seen], Terms],
        capture: Callable[[Callable[[], Terms]], Callable[[], Terms]] | None = None,
        beside: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._step = step
        self._capture = capture or _captured
        self._beside = beside or _beside
        self._made = 0
        self._seen: Seen | None = None
        """What the graph reads: its tensors stay where they are."""
        self._again: Callable[[], Terms] | None = None

    def __call__(self, seen: Seen) -> Terms:
        """Make the step; return the loss and its named parts, which the next step overwrites."""
        rows = _tensors(seen)
        if self._seen is None:
            self._seen = _with(seen, [one.clone() for one in rows])
        still = _tensors(self._seen)
        if [one.shape for one in rows] != [one.shape for one in still]:
            return self._step(seen)
        if self._made < WARM_UP:
            self._made += 1
            with self._beside():
                return self._step(seen)
        for into, one in zip(still, rows, strict=True):
            into.copy_(one, non_blocking=True)
        if self._again is None:
            fixed = self._seen
            self._again = self._capture(lambda: self._step(fixed))
        return self._again()


def _tensors(seen: Seen) -> list[Tensor]:
    """Return what differs from step to step of a student that learns from logits, if from any."""
    assert seen.teacher is None or isinstance(seen.teacher, Tensor)
    return [seen.inputs, seen.batch.targets, *([] if seen.teacher is None else [seen.teacher])]


def _with(seen: Seen, rows: Sequence[Tensor]) -> Seen:
    inputs, targets, *teacher = rows
    return replace(
        seen, inputs=inputs, batch=replace(seen.batch, targets=targets), teacher=teacher[0] if teacher else None
    )


def _captured(step: Callable[[], Terms]) -> Callable[[], Terms]:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others pin memory for pictures meanwhile
        terms = step()

    def again() -> Terms:
        graph.replay()
        return terms

    return again


@functools.cache
def _side(device: int) -> torch.cuda.Stream:
    """Return the stream beside, one for all epochs: the allocator keeps memory apart for every stream."""
    return torch.cuda.Stream(device)


@contextlib.contextmanager
def _beside() -> Iterator[None]:
    stream = _side(torch.cuda.current_device())
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)
