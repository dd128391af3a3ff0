"""The way into a Ray cluster: with which token and how loud; for one of our own, where its files are and what keeps it
from coming up."""

import contextlib
import errno
import functools
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray._private.authentication.authentication_token_setup import (
    maybe_enable_token_auth_if_token_available as enter_with_token,
)

from orchestrator.ray_tune.address import ClusterError, silent
from orchestrator.ray_tune.nodes.looking import own_code
from trainers.files.temporary import PLACES, longest_for_sockets, short_folder

ENTRANCE = (
    "a cluster that wants a token is entered with that of ~/.ray/auth_token, RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN"
)
LASTING = (
    *(ValueError, TypeError, AttributeError, ImportError),
    *(FileNotFoundError, NotADirectoryError, FileExistsError, PermissionError),
)
"""What keeps a cluster of our own from coming up now will do so the next time: settings, installation, folders. Other
errors (ports in use, processes that died, want of memory) may pass."""
LASTING_NUMBERS = frozenset({errno.ENAMETOOLONG, errno.EROFS, errno.ENOTSUP, errno.ENOSYS})
SESSION_BYTES = len("/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.1")
"""What Ray puts behind its temporary folder in the name of a socket."""


class ClusterStartError(Exception):
    """A cluster of our own did not come up, or died while it did; another try may help."""


def voice(verbose: bool) -> dict[str, Any]:
    """Let Ray speak, or not; return what `ray.init` is to be told of it."""
    level = logging.INFO if verbose else logging.ERROR
    for name in ("ray", "ray._private.worker", "ray._private.authentication"):
        logging.getLogger(name).setLevel(level)
    if not verbose:  # nothing that Ray offers keeps it from printing what its own processes died of
        ray._private.worker.print_to_stdstream = _print_nothing
    return {"logging_level": level, "log_to_driver": verbose, "configure_logging": False}


def _print_nothing(data: object, ignore_prefix: bool) -> None:
    """Stand in for Ray's printer of messages: a worker that is lost is told by our own lines."""


def connect(address: str, options: dict[str, Any]) -> None:
    """Connect this process to a running cluster, with the token of this user where there is one. Our own code travels
    with us, so that driver and workers are one version.

    Raises:
        ClusterError: it does not let us in.
    """
    enter_with_token(warn_if_disabled=False)  # which Ray itself does for "auto" alone
    try:
        ray.init(address=address, runtime_env={"py_modules": [str(folder) for folder in own_code()]}, **options)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise silent(address, f"{reason}; {ENTRANCE}") from error


def not_started(error: Exception) -> Exception:
    """Return what to raise for a cluster of our own that did not come up: what will stay is told at once."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, UnicodeError) and not str(Path.cwd()).isprintable():
        reason = f"the folder {Path.cwd()} has a name that is not UTF-8; start from another"
    lasting = isinstance(error, LASTING) or (isinstance(error, OSError) and error.errno in LASTING_NUMBERS)
    if lasting or (type(error) is OSError and error.errno is None):  # Ray's own word for a name that is too long
        return ClusterError(f"Ray does not start on this machine: {reason}; --workers 0 does without it")
    return ClusterStartError(reason)


def own_folder() -> dict[str, str]:
    """Return where Ray is to put its files, if not where it would by itself: the names of its sockets are short.

    Raises:
        ClusterError: no folder of this machine will do.
    """
    wanted = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 (as Ray does)
    folder = short_folder(SESSION_BYTES, wanted)
    if folder is None:
        raise ClusterError(
            f"Ray has no folder for its sockets: neither TMPDIR ({wanted}) nor {', '.join(PLACES)} can be written and "
            f"has at most {longest_for_sockets(SESSION_BYTES)} bytes, all ASCII; set RAY_TMPDIR to one that is so, or "
            "say --workers 0"
        )
    return {} if str(folder) == wanted else {"_temp_dir": str(folder / "ray")}


@contextlib.contextmanager
def own_token() -> Iterator[None]:
    """Let a cluster of ours in by a token that is ours alone and in no file: one that Ray makes lies in ~/.ray, and
    turns authentication on for the next `ray start` of anybody. What the user says of tokens goes before."""
    if any(name in os.environ for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        yield
        return
    os.environ["RAY_AUTH_TOKEN"] = _token()
    try:
        yield  # Ray turns authentication on by itself
    finally:
        del os.environ["RAY_AUTH_TOKEN"]
        os.environ.pop("RAY_AUTH_MODE", None)


@functools.cache
def _token() -> str:
    """Return the token of this process, which Ray remembers as long."""
    return secrets.token_hex(32)
