"""`init`: a first sweep file."""

import argparse
import sys
from pathlib import Path

from orchestrator.command_line._arguments import count, new_file
from orchestrator.command_line._base import EXIT_WRONG_REQUEST, Command
from orchestrator.command_line._telling import asked, shell_line, tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what it is asked for."""
    parser.add_argument("data", nargs="?", metavar="DATA", help="folder with train/ and val/, or a data set's name")
    parser.add_argument("--teacher", metavar="NETWORK", help="that teaches (else proposed)")
    parser.add_argument("--checkpoint", metavar="FILE", help="weights of the teacher (else it is trained)")
    parser.add_argument("--student", metavar="NETWORK", help="that learns (else proposed)")
    parser.add_argument("--methods", metavar="LIST", help="with commas between: --methods ce,kd,gdkd (those else)")
    parser.add_argument("--seeds", type=count, metavar="N", help="trainings of each row (else 3)")
    parser.add_argument("--from", dest="shipped", metavar="NAME", help="copy a sweep that comes along: quickstart")
    parser.add_argument("--yes", action="store_true", help="take what is proposed without a question")
    parser.add_argument("--out", type=new_file, metavar="FILE", help="to write (else NAME.yaml, after the data)")


def call(options: argparse.Namespace) -> int:
    """Write it, where there is none."""
    from search_spaces import init
    from search_spaces.checks.facts import cuda_capability

    if options.shipped is not None:
        text, path = init.shipped_text(options.shipped), Path(options.out or f"{options.shipped}.yaml")
    else:
        asks = sys.stdin.isatty() and sys.stdout.isatty() and not options.yes
        given = options.data or (asked("folder with your pictures, or a data set's name", "digits100") if asks else "")
        if not given:
            tell("init needs the folder with your data: init DATA, or --from quickstart", sys.stderr)
            return EXIT_WRONG_REQUEST
        proposal = init.propose(given, gpu=cuda_capability() is not None)
        path = Path(options.out or f"{init.name_of(Path(given).absolute().name)}.yaml")
        choices = init.Choices(
            teacher=options.teacher or (asked("teacher", proposal.teacher) if asks else None),
            checkpoint=options.checkpoint,
            student=options.student or (asked("student", proposal.student) if asks else None),
            methods=init.words_of(options.methods or (asked("methods", init.METHODS) if asks else init.METHODS)),
            seeds=options.seeds or (_asked_count("seeds", 3) if asks else 3),
        )
        text = init.checked_text(proposal, choices, path)
    init.write_new(path, text)
    tell(f"written: {path}\nlook at it with: {shell_line([sys.argv[0], 'plan', str(path)])}")
    return 0


def _asked_count(question: str, proposed: int) -> int:
    """Return a number that is asked for until it is one."""
    while True:
        try:
            return count(asked(question, str(proposed)))
        except argparse.ArgumentTypeError as error:
            tell(str(error))


COMMAND = Command(
    name="init",
    help="write a first sweep file for your data",
    description="Write a commented sweep file that `plan` takes, for a folder of pictures or a data set by its name: "
    "recipe, batch and size are proposed by how many pictures there are and how large. A terminal is asked for what no "
    "option says. A file that is there is never written over.",
    example="~/pictures --teacher resnet34 --student resnet18 --methods ce,kd,gdkd --seeds 3",
    add_arguments=add_arguments,
    call=call,
)
