"""Whose fault it is when trials fail: their own, or that of the node they ran on.

What happens on one node and on no other may be the node's fault, and the trial is tried again; the second time the node
is set aside. Where it then happens on another one, too, it was the trials', and the node is taken back.
"""

import re
from collections import Counter, defaultdict
from typing import Protocol

from trainers.texts.words import line_of

MOST_ON_A_NODE = 2
TEXT_CHARACTERS = 200


class Nodes(Protocol):
    """The nodes of a cluster, as far as they are judged here; each by Ray's id."""

    def is_alive(self, node_id: str) -> bool: ...

    def has_lost_one(self) -> bool: ...

    def has_others(self, node_id: str) -> bool: ...

    def name(self, node_id: str) -> str: ...

    def set_aside(self, node_id: str, why: str) -> None: ...

    def take_back(self, node_id: str) -> None: ...


class Blame:
    """What has happened on which node."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._failed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By what was raised, how often on which node."""
        self._lost: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By what became of workers, how often since a trial got on there."""
        self._aside: dict[str, str] = {}
        """By node, because of what."""

    def failed(self, node_id: str, reason: str) -> str:
        """Take that a trial has raised; return why it is tried again, in words, and nothing where it is not.

        Args:
            reason: a traceback.
        """
        what = reason.strip().splitlines()[-1]
        if not node_id or not self._is_suspect(node_id, what, self._failed):
            return ""
        return f"{what}; the node {self._nodes.name(node_id)} may be the cause: the trial is tried again"

    def lost(self, node_id: str, reason: str) -> bool:
        """Take that a worker was lost; return whether its node was, too, which is no trial's fault."""
        if not node_id:  # the worker had not begun
            return self._nodes.has_lost_one()
        if not self._nodes.is_alive(node_id):
            return True
        self._is_suspect(node_id, reason, self._lost)
        return False

    def got_on(self, node_id: str) -> None:
        """Take that a trial got on: that workers were lost there was not the node's fault."""
        for nodes in self._lost.values():
            nodes.pop(node_id, None)

    def _is_suspect(self, node_id: str, what: str, happened: defaultdict[str, Counter[str]]) -> bool:
        """Count what has happened on a node; return whether the node may be the cause."""
        kind = re.sub(r"0x[0-9a-f]+|\d+", "#", what)
        nodes = happened[kind]
        nodes[node_id] += 1
        if len(nodes) > 1:
            for other in [other for other, why in self._aside.items() if why == kind]:
                del self._aside[other]
                self._nodes.take_back(other)
            return False
        if not self._nodes.has_others(node_id):
            return False
        if nodes[node_id] == MOST_ON_A_NODE:
            self._aside[node_id] = kind
            self._nodes.set_aside(node_id, f"trials fail there again and again: {line_of(what, TEXT_CHARACTERS)}")
        return True
