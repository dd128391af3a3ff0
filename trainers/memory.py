"""How much memory a trial takes."""

import os
from pathlib import Path

import torch


class MemoryMeter:
    """The peak of a trial: allocated bytes on a GPU; on a CPU the process's resident bytes at the ends of epochs."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.peak_bytes = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def sample(self) -> None:
        """Take a reading."""
        if self._device.type == "cuda":
            now = torch.cuda.max_memory_allocated(self._device)
        else:
            now = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.peak_bytes = max(self.peak_bytes, now)
