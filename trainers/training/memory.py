"""How much memory a trial takes: its own, apart from what its process held before."""

import ctypes
import os
from pathlib import Path

import torch

STATM = Path("/proc/self/statm")
PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryMeter:
    """The increase of a process's memory since the meter was made: that of data, teachers and runtime, which trials of
    a process share, is not in it, nor what trials before left with the allocator.

    On a GPU allocated bytes, of which none escapes. On a CPU resident ones that no file backs, as they are found at
    each sample: files that are mapped, stored logits and libraries, can be dropped at any time.

    Attributes:
        held_bytes: what the process held when the meter was made.
        peak_bytes: the largest increase so far.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.peak_bytes = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self.held_bytes = torch.cuda.memory_allocated(device)
        else:
            _give_back()
            self.held_bytes = _resident()

    def metrics(self) -> dict[str, float]:
        """Return what is logged of it, in bytes."""
        return {"peak_memory_bytes": float(self.peak_bytes), "held_memory_bytes": float(self.held_bytes)}

    def sample(self) -> None:
        """Take a reading at the end of an epoch."""
        on_gpu = self._device.type == "cuda"
        now = torch.cuda.max_memory_allocated(self._device) if on_gpu else _resident()
        self.peak_bytes = max(self.peak_bytes, now - self.held_bytes)

    def sample_step(self) -> None:
        """Take a reading when all is there that a step will need: between its way forward and its way back. Takes some
        10 µs; a GPU counts for itself."""
        if self._device.type != "cuda":
            self.sample()


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
