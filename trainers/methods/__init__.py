"""The distillation methods, by the names of their papers. One file a method; `ls` is the list."""

import difflib
import functools
from collections.abc import Sequence
from importlib.metadata import entry_points

from trainers.methods._base import (
    Choice,
    ForPair,
    Hyperparameter,
    Linear,
    Log,
    Method,
    Needs,
    Problem,
    Range,
    Value,
    no_rules,
    of_part,
)
from trainers.methods._built import BuiltMethod
from trainers.methods._combined import SIGN, combine
from trainers.methods._listing import lines_of, value_text
from trainers.methods._outputs import NetworkShape, Output, Setting
from trainers.methods.at import AT_METHOD
from trainers.methods.ce import CE_METHOD
from trainers.methods.crd import CRD_METHOD
from trainers.methods.ctkd import CTKD_METHOD
from trainers.methods.dist import DIST_METHOD
from trainers.methods.dkd import DKD_METHOD
from trainers.methods.fitnet import FITNET_METHOD
from trainers.methods.gdkd import GDKD_METHOD
from trainers.methods.gdkd3 import GDKD3_METHOD
from trainers.methods.kd import KD_METHOD
from trainers.methods.kdsvd import KDSVD_METHOD
from trainers.methods.luminet import LUMINET_METHOD
from trainers.methods.mlkd import MLKD_METHOD
from trainers.methods.nkd import NKD_METHOD
from trainers.methods.nst import NST_METHOD
from trainers.methods.ofd import OFD_METHOD
from trainers.methods.partition import PARTITION_METHOD
from trainers.methods.pkt import PKT_METHOD
from trainers.methods.reviewkd import REVIEWKD_METHOD
from trainers.methods.rkd import RKD_METHOD
from trainers.methods.rld import RLD_METHOD
from trainers.methods.sp import SP_METHOD
from trainers.methods.standardize import standardize
from trainers.methods.ttm import TTM_METHOD
from trainers.methods.vid import VID_METHOD
from trainers.methods.wkd import WKD_METHOD
from trainers.methods.wttm import WTTM_METHOD

__all__ = [
    "ALL",
    "METHODS",
    "BuiltMethod",
    "Choice",
    "ForPair",
    "Hyperparameter",
    "Linear",
    "Log",
    "Method",
    "Needs",
    "NetworkShape",
    "Output",
    "Problem",
    "Range",
    "Setting",
    "build",
    "combine",
    "get",
    "lines_of",
    "methods",
    "names",
    "no_rules",
    "of_part",
    "standardize",
    "value_text",
]

ALL = (
    CE_METHOD,
    KD_METHOD,
    DKD_METHOD,
    GDKD_METHOD,
    GDKD3_METHOD,
    PARTITION_METHOD,
    DIST_METHOD,
    MLKD_METHOD,
    NKD_METHOD,
    TTM_METHOD,
    WTTM_METHOD,
    RLD_METHOD,
    CTKD_METHOD,
    LUMINET_METHOD,
    WKD_METHOD,
    FITNET_METHOD,
    AT_METHOD,
    NST_METHOD,
    SP_METHOD,
    PKT_METHOD,
    RKD_METHOD,
    VID_METHOD,
    KDSVD_METHOD,
    OFD_METHOD,
    CRD_METHOD,
    REVIEWKD_METHOD,
)
METHODS = {method.name: method for method in ALL}
"""Our own methods by name; `methods()` has those of plug-ins too."""
PLUGINS = "kdsweep.methods"
"""Entry-point group; each entry resolves to a `Method`."""


@functools.cache
def methods() -> dict[str, Method]:
    """Return all methods by name, those of plug-ins after our own.

    Raises:
        ValueError: a plug-in gives something else than a Method, or takes a name that is taken.
    """
    found = dict(METHODS)
    for entry in entry_points(group=PLUGINS):
        method = entry.load()
        if not isinstance(method, Method):
            raise ValueError(f"plug-in {entry.value} gives no trainers.methods.Method")
        if method.name in found:
            raise ValueError(f"plug-in {entry.value} is named '{method.name}', as another method is")
        found[method.name] = method
    return found


def names() -> tuple[str, ...]:
    """Return the names of all methods."""
    return tuple(methods())


def get(name: str) -> Method:
    """Return a registry entry; of several names joined by `+` the combination.

    Raises:
        ValueError: there is no such method; names the nearest one.
    """
    if SIGN in name:
        return combine([get(part) for part in name.split(SIGN)])
    known = methods()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"unknown method '{name}'{hint} (all: run_sweep.py methods)")
    return known[name]


def build(name: str | Sequence[str], setting: Setting | None = None, /, **hyperparameters: Value) -> BuiltMethod:
    """Return a method that can be called: `(student, teacher, target, epoch) -> {"loss": …, parts}`.

    Hyperparameters that are not given have their paper's defaults.

    Args:
        name: of the method; several for a combination, whose hyperparameters are then named `method.name`.
        setting: what is known of the training; a method with parts that depend on the networks' shapes needs it.

    Raises:
        ValueError: there is no such method, a value breaks its rule, or the pair of networks cannot work.
    """
    method = get(name if isinstance(name, str) else SIGN.join(name))
    problems = method.problems(hyperparameters, None)
    if problems:
        raise ValueError("; ".join(f"{method.name}.{problem.name}: {problem.message}" for problem in problems))
    values = method.coerced({**method.defaults(), **hyperparameters})
    return BuiltMethod(method, values, setting or Setting())
