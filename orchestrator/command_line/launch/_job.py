"""What every system is asked for: sweep files, and nodes to run them on."""

import argparse
from typing import TYPE_CHECKING

from orchestrator.command_line._arguments import add_home, add_set, count

if TYPE_CHECKING:
    from orchestrator.launching.job import Nodes, Work


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add it."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="sweep files")
    add_set(parser, "change a value of the files: --set seeds=5")
    parser.add_argument("--nodes", type=count, default=1, metavar="N", help="nodes (else 1)")
    parser.add_argument("--gpus-per-node", type=count, metavar="G", help="GPUs of each (else none)")
    parser.add_argument("--cpus-per-node", type=count, metavar="C", help="cores of each (else what the cluster gives)")
    add_home(parser)


def job(options: argparse.Namespace) -> "tuple[Work, Nodes]":
    """Return what is to be run, and on what."""
    from orchestrator.home.home import home_folder
    from orchestrator.launching.job import Nodes, Work
    from trainers.files.paths import expanded

    files = tuple(expanded(name).absolute() for name in options.files)
    return (
        Work(files=files, home=home_folder(options.home), overrides=tuple(options.set)),
        Nodes(count=options.nodes, gpus=options.gpus_per_node, cpus=options.cpus_per_node),
    )
