"""What the ranks of a training do that are not its first: they go along with it, and keep and report nothing."""

from datetime import timedelta

from orchestrator.worker.worker import Order, train
from trainers.files.store import Store

PATIENCE = timedelta(days=1)
"""Of a rank with another: whoever sees no pulse of the first one ends it long before, and with it the others."""


def follow(order: Order, store: Store, rank: int, host: str, port: int) -> None:
    """Be a rank of a training but the first, for as long as that one goes on.

    Args:
        rank: from 1.
        host, port: where the ranks meet.
    """
    import torch

    from trainers.ranks.ranks import joined, met_at

    device = torch.device(order.device)
    with joined(rank, order.ranks, device, met_at(host, port, rank, order.ranks), PATIENCE) as ranks:
        for _ in train(order, store, ranks=ranks):
            pass
