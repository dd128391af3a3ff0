"""Whether a cluster that is not ours may get more nodes by itself."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray._private.ray_constants import DEBUG_AUTOSCALING_STATUS
from ray.autoscaler._private.util import format_readonly_node_type
from ray.autoscaler.v2.utils import is_autoscaler_v2
from ray.experimental.internal_kv import _internal_kv_get

ROOM_SECONDS = 600.0
"""So long is waited, by default, for nodes that may come."""


def may_be_more(alive: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether nodes may come by themselves to those of the cluster that this process is connected to: none has a
    core yet, our job has more than have joined, or an autoscaler makes them."""
    cores = any(node["Resources"].get("CPU") for node in alive)
    return not cores or nodes_of_job() > len(alive) or autoscales()


def nodes_of_job(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many nodes the Slurm job has that we are in; 0 where we are in none."""
    told = environment.get("SLURM_JOB_NUM_NODES", "")
    return int(told) if told.isdecimal() else 0


def autoscales() -> bool:
    """Return whether an autoscaler looks after the cluster that this process is connected to. Every head runs what
    could be one: without node types to choose from, it gives each node a type of its own."""
    if is_autoscaler_v2(fetch_from_server=True, gcs_client=ray._private.worker.global_worker.gcs_client):
        return True
    told = _internal_kv_get(DEBUG_AUTOSCALING_STATUS)
    report = json.loads(told).get("autoscaler_report") if told else None
    types = report["active_nodes"] if report else ()
    return any(not kind.startswith(format_readonly_node_type("")) for kind in types)
