"""`plan`: what a sweep file asks for."""

import argparse
import json
import math
import sys

from orchestrator.command_line._arguments import add_home, add_json, add_set
from orchestrator.command_line._base import Command
from orchestrator.command_line._telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("file", metavar="FILE", help="sweep file")
    parser.add_argument(
        "--details", action="store_true", help="then rows, searches, recipes, teachers, GPU hours and notes, too"
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="time a few steps of each kind of training here (else what ran here before says how long it takes)",
    )
    add_set(parser, "change a value of the file")
    parser.add_argument(
        "--deep", action="store_true", help="decode every picture, where else heads are read: a cut one is found, too"
    )
    parser.add_argument(
        "--tflops", type=_speed, metavar="N", help="10^12 operations a second that a GPU is taken to reach (else 10)"
    )
    add_json(parser)
    add_home(parser)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, got {text}")
    return speed


def call(options: argparse.Namespace) -> int:
    """Print it; pictures are looked at, networks built, and nothing is started."""
    import torch

    import search_spaces
    from orchestrator.acceptance.left_behind import told_in_plan
    from orchestrator.acceptance.picture_checks import check_pictures
    from orchestrator.commands.plan import plan_here
    from orchestrator.home.home import home_folder

    torch.set_num_threads(1)  # networks are probed image by image: on a busy machine threads wait for one another
    file = search_spaces.read(options.file, options.set, planning=True)
    speed = search_spaces.Speed() if options.tflops is None else search_spaces.Speed(tflops=options.tflops)
    sweep = search_spaces.expand(file)
    plan = search_spaces.describe_plan(sweep, assumed=file.assumed, speed=speed)
    looked = check_pictures([sweep], deep=options.deep, say=lambda line: tell(line, sys.stderr))
    home = home_folder(options.home)
    left = told_in_plan(sweep, home)
    here = plan_here(plan, sweep, home, probe=options.probe, say=lambda line: tell(line, sys.stderr))
    if options.json:
        print(json.dumps({**here.to_json(), "left_behind": list(left), "pictures": looked}, indent=2))
        return 0
    details = ["", plan.to_text(), *(f"pictures {line}" for line in looked)] if options.details else []
    tell("\n".join([*here.to_lines(), *details, *left, *([] if options.details else ["", here.more()])]))
    return 0


COMMAND = Command(
    name="plan",
    help="say what a sweep file asks for; start nothing",
    description="Say in five lines what a sweep file asks for: trainings, time on this machine, disk, what is missing. "
    "Starts nothing, makes nothing, fetches nothing.",
    example="sweep.yaml --set recipe.epochs=24",
    add_arguments=add_arguments,
    call=call,
)
