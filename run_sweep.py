"""The entry: runs one command of `orchestrator.command_line`, and makes an exit code of how it ended."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.command_line import EXIT_STOPPED, EXIT_WRONG_REQUEST, command_line, shell_line, tell
from orchestrator.sweep_run.signals import Interrupting
from trainers.texts.letters import let_write


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 something failed, 2 a wrong request, 129/130/143 stopped."""
    stopping = Interrupting()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a script
            signal.signal(number, stopping)
    _open_streams()
    os.environ["MPLBACKEND"] = "agg"  # that of a notebook which calls us may not be in our environment
    try:
        options = command_line().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except KeyboardInterrupt as stop:
        print(f"stopped; go on with: {shell_line(sys.argv)}", file=sys.stderr)
        return EXIT_STOPPED + int(stop.args[0] if stop.args else signal.SIGINT)
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_users(error):
            raise
        tell(str(error), sys.stderr)
        return EXIT_WRONG_REQUEST


def _open_streams() -> None:
    """Have something to print on, which takes every letter: a stream may have been closed, or have few of them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (as long as the process)
        let_write(getattr(sys, name))


def _is_users(error: Exception) -> bool:
    """Return whether the error is one that the user can mend: told in one message, without a traceback."""
    from trainers.errors import RequestError

    return isinstance(error, RequestError)


if __name__ == "__main__":
    sys.exit(main())
