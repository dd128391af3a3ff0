"""The ranks of a training: what is minimised is the sum of what each of them computes.

Whatever goes from rank to rank within a step has its true gradient, so the gradients of the parameters add up to those
of one process. `distill` goes through the same calls with one rank, which has everything.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]

from trainers.ranks.norm import OverAll
from trainers.ranks.parts import Part, part_of

T = TypeVar("T")


def totals(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums of numbers by name; what has no number counts nothing."""
    names = dict.fromkeys(name for one in values for name in one)
    return {name: sum(one.get(name, 0.0) for one in values) for name in names}


class LeftAloneError(RuntimeError):
    """Another rank has gone, so nothing can be put together any more; why is known there."""


class Ranks:
    """One rank as it knows itself and the others.

    Args:
        rank: from 0; the first one keeps files and reports.
        size: how many there are; more than one need torch's default group (`joined`).
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self._of_images = self._of_rows = part_of(1, 0, 1)

    @property
    def is_first(self) -> bool:
        """Whether this one keeps files and reports."""
        return self.rank == 0

    # --- within a step ------------------------------------------------------------------------------------------

    def parts(self, sizes: Sequence[int]) -> list[Part]:
        """Return what this rank has of batches of these sizes."""
        return [part_of(size, self.rank, self.size) for size in sizes]

    @contextlib.contextmanager
    def step(self, part: Part, *, synced: bool) -> Iterator[None]:
        """Compute with a part of a batch of images.

        Args:
            synced: BatchNorm normalises by the whole batch, not by each part apart.
        """
        self._of_images = self._of_rows = part
        with OverAll(self._tabled) if synced and part.split else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def rows(self, part: Part) -> Iterator[None]:
        """Compare with a part of other rows than images: of the pixels of a batch."""
        self._of_rows = part
        try:
            yield
        finally:
            self._of_rows = self._of_images

    @property
    def split(self) -> bool:
        """Whether the ranks have different rows of the batch that is computed."""
        return self._of_images.split

    @property
    def image_share(self) -> float:
        """Of the batch, that this rank stands for."""
        return self._of_images.share

    @property
    def weight_of_rows(self) -> float:
        """Times a mean over the rows of this rank, so that what counts as its images do is the mean over all rows."""
        return self._of_rows.share / self._of_images.share

    @property
    def weight_of_whole(self) -> float:
        """Times what every rank has computed of the whole batch, likewise."""
        return 1 / (self.size * self._of_images.share)

    def gathered(self, rows: Tensor) -> Tensor:
        """Return the rows [n, …] of all ranks in the batch's order, with a gradient."""
        part = self._of_rows
        whole = rows.new_zeros(part.batch, *rows.shape[1:])
        return self.summed(whole.index_copy(0, part.places.to(rows.device), rows))

    def summed(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over the ranks, with a gradient; the tensor itself where each has all rows."""
        summed: Tensor = _Sum.apply(tensor) if self.split else tensor
        return summed

    def _tabled(self, row: Tensor) -> Tensor:
        table = row.new_zeros(self.size, len(row))
        return self.summed(table.index_copy(0, torch.tensor([self.rank], device=row.device), row[None]))

    def part_of_rows(self, rows: int) -> Part:
        """Return this rank's part of rows that nobody knows the number of before they are there; every rank calls."""
        if not self.split:
            return Part(torch.arange(rows), rows, rows / self.size, split=False)
        all_rows = self.everyones(rows)
        start = sum(all_rows[: self.rank])
        return Part(torch.arange(start, start + rows), sum(all_rows), rows)

    # --- between steps ------------------------------------------------------------------------------------------

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give every parameter the sum of its gradients over the ranks; none where no rank has one.

        One message for all of them, whatever the network has: parameters that are not used stop nobody.
        """
        if self.size == 1:
            return
        missing = [parameter.grad is None for parameter in parameters]
        pieces = [(torch.zeros_like(one) if one.grad is None else one.grad).reshape(-1) for one in parameters]
        there = pieces[0].new_tensor([float(not one) for one in missing])
        flat = torch.cat([*pieces, there])
        _reduce(flat)
        *sums, counts = flat.split([*map(len, pieces), len(pieces)])
        known = counts.tolist() if any(missing) else None  # else not looked at: a GPU would be waited for
        for i, (parameter, total) in enumerate(zip(parameters, sums, strict=True)):
            if parameter.grad is not None:
                parameter.grad.copy_(total.view_as(parameter))
            elif known is not None and known[i]:
                parameter.grad = torch.empty_like(parameter).copy_(total.view_as(parameter))

    def everyones(self, value: T) -> list[T]:
        """Return what every rank has of something small."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with _together():
            distributed.all_gather_object(values, value)
        return values

    def firsts(self, value: T) -> T:
        """Return what the first rank has."""
        if self.size == 1:
            return value
        values = [value]
        with _together():
            distributed.broadcast_object_list(values)
        return values[0]

    def add(self, *counts: Tensor) -> None:
        """Make counts those of all ranks."""
        for count in counts if self.size > 1 else ():
            _reduce(count)

    def like_the_first(self, *modules: nn.Module) -> None:
        """Give modules the buffers that the first rank's have."""
        for buffer in (one for module in modules for one in module.buffers()) if self.size > 1 else ():
            with _together():
                distributed.broadcast(buffer, 0)


def _reduce(tensor: Tensor) -> None:
    with _together():
        distributed.all_reduce(tensor)


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Tell what goes wrong between ranks from what goes wrong in one."""
    try:
        yield
    except RuntimeError as error:  # torch's word for whatever it is
        raise LeftAloneError(str(error)) from error


class _Sum(torch.autograd.Function):
    """Sum over the ranks; what each of them does with it counts in the gradient."""

    @staticmethod
    def forward(_ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        _reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        _reduce(total)
        return total


def meeting(host: str, ranks: int) -> TCPStore:
    """Return where the ranks meet, on a free port of this host; held by the first of them."""
    return TCPStore(host, 0, ranks, is_master=True, wait_for_workers=False)


def met_at(host: str, port: int, rank: int, ranks: int) -> TCPStore:
    """Return the same for another, who is there now."""
    store = TCPStore(host, port, ranks, is_master=False)
    store.set(f"rank {rank}", "")
    return store


def are_there(store: TCPStore, ranks: int) -> bool:
    """Return whether all others have come to where they meet: joining waits for them, whatever has become of them."""
    there: bool = store.check([f"rank {rank}" for rank in range(1, ranks)])
    return there


@contextlib.contextmanager
def joined(rank: int, size: int, device: torch.device, store: Store, patience: timedelta) -> Iterator[Ranks]:
    """Join the others: by NCCL on GPUs, by Gloo on CPUs.

    Args:
        store: where they meet (`meeting`).
        patience: so long is waited for another rank before its silence is an error.
    """
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    with _together():
        distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=patience)
    try:
        yield Ranks(rank, size)
    finally:
        distributed.destroy_process_group()  # whoever waits for this rank is told so
