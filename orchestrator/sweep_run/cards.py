"""The GPUs that trials will have: this machine's, or those of a cluster's nodes, asked once, where something depends on
them."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.home.home import existing_part
from orchestrator.ledger.ledger import Ledger
from orchestrator.planning.gpu_share import gpu_share, probed, this_gpu, unmeasured
from orchestrator.worker.worker import shared_data
from search_spaces import Sweep
from search_spaces.checks.facts import cuda_capability

if TYPE_CHECKING:
    from orchestrator.ray_tune.nodes.survey import Surveyed


class Cards:
    """What is known of them.

    Args:
        address: of a cluster that is not ours; None: this machine's are meant.
        patience_seconds: so long may a cluster's nodes with GPUs be on their way; None: as long as more may come by
            themselves, within bounds.
        say: called with a line where the cards are of several kinds.
    """

    def __init__(
        self, address: str | None, home: Path, patience_seconds: float | None, say: Callable[[str], None]
    ) -> None:
        self._address = address
        self._home = home
        self._patience_seconds = patience_seconds
        self._say = say

    def capability(self) -> tuple[int, int] | None:
        """Return the least compute capability; None without a GPU."""
        if self._address is None:
            return cuda_capability()
        from orchestrator.ray_tune.nodes.survey import least_capability

        return least_capability(self._nodes)

    def share(self, sweeps: Sequence[Sweep], ledger: Ledger, given_up: Callable[[], bool] = lambda: False) -> float:
        """Return what of a GPU one worker takes: of the smallest card, since any may be the one it gets.

        Args:
            given_up: asked several times a second whether to measure no longer.
        """
        name, size = self._smallest
        measure = functools.partial(probed, given_up=given_up) if this_gpu()[0] == name else unmeasured
        return gpu_share(sweeps, ledger, name, size, measure)

    @functools.cached_property
    def _smallest(self) -> tuple[str, int]:
        """Name and bytes; nothing where there is none."""
        if self._address is None:
            return this_gpu()
        there = {card for node in self._nodes if node.gpus and node.facts is not None for card in node.facts.gpus}
        name, size = min(there, key=lambda card: (card[1], card[0]), default=("", 0))
        if len({name for name, _ in there}) > 1:
            self._say(f"note: the nodes have several kinds of GPUs; shares are those of the smallest, {name}")
        return name, size

    @functools.cached_property
    def _nodes(self) -> "Sequence[Surveyed]":
        from orchestrator.ray_tune.nodes.survey import with_gpus

        assert self._address is not None, "nodes are a cluster's"
        return with_gpus(self._address, existing_part(self._home), shared_data(), self._patience_seconds)
