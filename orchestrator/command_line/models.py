"""`models`: the networks."""

import argparse
import sys

from orchestrator.command_line._arguments import add_unused_home
from orchestrator.command_line._base import EXIT_WRONG_REQUEST, Command
from orchestrator.command_line._telling import tell, tell_plugins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    add_unused_home(parser)
    parser.add_argument(
        "pattern", nargs="?", metavar="PATTERN", help="names with * and ?, timm's among them: 'timm:swin_tiny*'"
    )


def call(options: argparse.Namespace) -> int:
    """Print them as they are measured."""
    from trainers.model_names import names
    from trainers.models.own import lacks
    from trainers.models.sizes import sizes
    from trainers.own import NETWORKS

    print(f"{'network':<36} {'images':>10} {'classes':>7} {'parameters':>12} {'multiply-adds':>16}")
    found = 0
    for size in sizes(options.pattern):
        found += 1
        images = f"{size.height} x {size.width}"
        line = f"{size.name:<36} {images:>10} {size.classes:>7} {size.parameters:>12,} {size.multiply_adds:>16,}"
        print(line, flush=True)
    if options.pattern is None:
        tell_plugins(NETWORKS, names(), lacks)
        print("and every other network of timm's as timm:NAME; models 'NAME*' has its size")
    elif not found:
        tell(f"no network is called {options.pattern!r}", sys.stderr)
        return EXIT_WRONG_REQUEST
    return 0


COMMAND = Command(
    name="models",
    help="list the networks, with parameters and multiply-adds",
    example="'timm:swin_tiny*'",
    add_arguments=add_arguments,
    call=call,
)
