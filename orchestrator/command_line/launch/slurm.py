"""`launch slurm`: a job script."""

import argparse

from orchestrator.command_line._base import Command
from orchestrator.command_line.launch._job import add_job, job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    add_job(parser)
    parser.add_argument("--time", metavar="TIME", help="time limit as Slurm takes it: 8:00:00 (else the cluster's)")
    parser.add_argument("--partition", metavar="NAME", help="that it is to wait for (else the cluster's)")
    parser.add_argument("--account", metavar="NAME", help="that pays for it (else the user's)")
    parser.add_argument("--array", metavar="RANGE", help="several jobs, one after another for one home: 1-4%%1")
    parser.add_argument(
        "--sbatch", action="append", default=[], metavar="OPTION", help="another option of sbatch: --sbatch=--qos=long"
    )
    parser.add_argument("--submit", action="store_true", help="submit it instead of printing it")


def call(options: argparse.Namespace) -> int:
    """Print it, or submit it."""
    from orchestrator.launching.slurm import Limits, slurm_script, submit

    limits = Limits(
        time=options.time,
        partition=options.partition,
        account=options.account,
        array=options.array,
        others=tuple(options.sbatch),
    )
    script = slurm_script(*job(options), limits)
    print(submit(script) if options.submit else script, end="\n" if options.submit else "")
    return 0


COMMAND = Command(
    name="slurm",
    help="a job script for sbatch",
    description="Print a job script for sbatch that runs sweep files on nodes of Slurm. Asked to stop, before its time "
    "is up or by preemption, it goes back into the queue and then on with what is left. Starts nothing, but finds what "
    "is wrong with the files.",
    add_arguments=add_arguments,
    call=call,
)
