"""`launch kubernetes`: a RayJob."""

import argparse

from orchestrator.command_line._arguments import count
from orchestrator.command_line._base import Command
from orchestrator.command_line.launch._job import add_job, job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    add_job(parser)
    parser.add_argument("--image", required=True, metavar="IMAGE", help="of a container that has kdsweep")
    parser.add_argument("--volume", required=True, metavar="CLAIM", help="of the volume that the home is on")
    parser.add_argument(
        "--not-shared", action="store_true", help="the head alone mounts the volume, files pass through Ray"
    )
    parser.add_argument("--data", metavar="CLAIM", help="of a volume with data sets")
    parser.add_argument("--memory-per-node", type=count, metavar="GIB", help="memory of each node in GiB")
    parser.add_argument("--namespace", metavar="NAME", help="that it runs in")
    parser.add_argument("--mlflow-secret", metavar="NAME", help="of a secret with MLFLOW_TRACKING_URI")
    parser.add_argument("--storage-secret", metavar="NAME", help="of a secret with KDSWEEP_STORAGE")
    parser.add_argument("--queue", metavar="NAME", help="of Kueue, that it waits in")


def call(options: argparse.Namespace) -> int:
    """Print it."""
    from orchestrator.launching.kubernetes import Place, rayjob

    place = Place(
        image=options.image,
        volume=options.volume,
        shared=not options.not_shared,
        data=options.data,
        memory_gib=options.memory_per_node,
        namespace=options.namespace,
        mlflow_secret=options.mlflow_secret,
        storage_secret=options.storage_secret,
        queue=options.queue,
    )
    print(rayjob(*job(options), place), end="")
    return 0


COMMAND = Command(
    name="kubernetes",
    help="a RayJob for KubeRay",
    description="Print a RayJob for KubeRay that runs sweep files on a cluster of its own, which goes when the run has "
    "ended. Starts nothing, but finds what is wrong with the files.",
    add_arguments=add_arguments,
    call=call,
)
