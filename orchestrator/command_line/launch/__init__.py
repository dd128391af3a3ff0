"""`launch`: what a cluster is given, one system a module."""

import argparse

from orchestrator.command_line._base import Command
from orchestrator.command_line.launch import kubernetes, slurm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the systems."""
    systems = parser.add_subparsers(required=True, metavar="SYSTEM")
    for system in (slurm, kubernetes):
        system.COMMAND.add_to(systems)


COMMAND = Command(
    name="launch",
    help="print what a cluster is given to run sweep files",
    example="slurm sweep.yaml --nodes 2 --gpus-per-node 4 --time 8:00:00",
    add_arguments=add_arguments,
)
