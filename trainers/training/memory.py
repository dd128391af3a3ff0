"""How much memory a trial takes: its own, apart from what its process held before and what others in it take."""

import contextlib
import ctypes
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch

STATM = Path("/proc/self/statm")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Allocator(Protocol):
    """What `torch.cuda` says of the memory that it has given out, in bytes."""

    def memory_stats_as_nested_dict(self, device: torch.device) -> dict[str, Any]: ...

    def reset_peak_memory_stats(self, device: torch.device) -> None: ...

    def empty_cache(self) -> None: ...


class MemoryMeter:
    """The increase of a process's memory by one trial: that of data, teachers and runtime, which trials of a process
    share, is not in it, nor what trials before left with the allocator.

    On a GPU allocated bytes, of which none escapes; what is taken and given back while it is another trial's turn does
    not count. Where steps are CUDA graphs reserved ones, as a graph keeps what its steps need though nothing of it is
    allocated between them; what the allocator keeps to give it out again counts with them. On a CPU resident ones that
    no file backs, as they are found at each sample: files that are mapped, stored logits and libraries, can be dropped
    at any time. There nothing is known of one of several that take turns: what one gives back the next takes up again,
    and the system sees neither.

    Args:
        graphs: steps are CUDA graphs.

    Attributes:
        held_bytes: what the process held when the meter was made, without what trials then had that still go on.
        peak_bytes: the largest increase so far.
    """

    def __init__(self, device: torch.device, allocator: Allocator = torch.cuda, *, graphs: bool = False) -> None:
        self._device = device
        self._gpu = allocator if device.type == "cuda" else None
        self.peak_bytes = 0
        self._counted = "reserved_bytes" if graphs else "allocated_bytes"
        self._own = self._before = 0
        """Bytes that are there of all turns before, and that all had when this turn began."""
        if self._gpu is not None:
            if graphs:  # else what trials before left with the allocator would cost nothing
                self._gpu.empty_cache()
            self._begin(self._gpu)
            self.held_bytes = self._before - sum(one._own for one in _LIVE if one._device == device)
            _LIVE.add(self)
        else:
            _give_back()
            self.held_bytes = _resident()

    def metrics(self, *, alone: bool) -> dict[str, float]:
        """Return what is logged of it, in bytes; nothing where it cannot be known.

        Args:
            alone: no other trial has taken turns with it.
        """
        if self._gpu is None and not alone:
            return {}
        return {"peak_memory_bytes": float(self.peak_bytes), "held_memory_bytes": float(self.held_bytes)}

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Measure a while in which no other trial of the process does anything."""
        if self._gpu is not None:
            self._begin(self._gpu)
        try:
            yield
        finally:
            self.end()

    def _begin(self, gpu: Allocator) -> None:
        gpu.reset_peak_memory_stats(self._device)
        self._before, _ = self._bytes(gpu)

    def _bytes(self, gpu: Allocator) -> tuple[int, int]:
        """Return the bytes that there are now, and the most that there were since the peak was reset."""
        found = gpu.memory_stats_as_nested_dict(self._device)[self._counted]["all"]
        return found["current"], found["peak"]

    def end(self) -> None:
        """End a turn: the first one begins as the meter is made."""
        if self._gpu is not None:
            now = self.sample()
            self._own, self._before = self._own + now - self._before, now

    def sample(self) -> int:
        """Take a reading, as at the end of an epoch; return the bytes that the process has."""
        if self._gpu is not None:
            now, most = self._bytes(self._gpu)
            taken = self._own + most - self._before
        else:
            now = _resident()
            taken = now - self.held_bytes
        self.peak_bytes = max(self.peak_bytes, taken)
        return now

    def sample_step(self) -> None:
        """Take a reading when all is there that a step will need: between its way forward and its way back. Takes some
        10 µs; a GPU counts for itself."""
        if self._gpu is None:
            self.sample()


_LIVE: "weakref.WeakSet[MemoryMeter]" = weakref.WeakSet()
"""Those of trials on a GPU that go on in this process."""


def _resident() -> int:
    """Return the resident bytes of this process that no file backs; 0 where the system does not say."""
    try:
        _, resident, shared, *_ = STATM.read_text().split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * PAGE


def _give_back() -> None:
    """Give free memory back to the system, where the C library can: what stays is then in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
