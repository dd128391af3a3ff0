"""The distillation methods, by the names of their papers. One file a method; `ls` is the list."""

import functools
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from trainers.errors import RequestError
from trainers.methods.abkd import ABKD_METHOD
from trainers.methods.akl import AKL_METHOD
from trainers.methods.at import AT_METHOD
from trainers.methods.cat_kd import CAT_KD_METHOD
from trainers.methods.ce import CE_METHOD
from trainers.methods.crd import CRD_METHOD
from trainers.methods.crld import CRLD_METHOD
from trainers.methods.ctkd import CTKD_METHOD
from trainers.methods.deepkd import DEEPKD_METHOD
from trainers.methods.dist import DIST_METHOD
from trainers.methods.dkd import DKD_METHOD
from trainers.methods.dtkd import DTKD_METHOD
from trainers.methods.fitnet import FITNET_METHOD
from trainers.methods.gdkd import GDKD_METHOD
from trainers.methods.gdkd3 import GDKD3_METHOD
from trainers.methods.gkl import GKL_METHOD
from trainers.methods.ikl import IKL_METHOD
from trainers.methods.kd import KD_METHOD
from trainers.methods.kdsvd import KDSVD_METHOD
from trainers.methods.luminet import LUMINET_METHOD
from trainers.methods.mkl import MKL_METHOD
from trainers.methods.mlkd import MLKD_METHOD
from trainers.methods.nkd import NKD_METHOD
from trainers.methods.normkd import NORMKD_METHOD
from trainers.methods.nst import NST_METHOD
from trainers.methods.ofa import OFA_METHOD
from trainers.methods.ofd import OFD_METHOD
from trainers.methods.partition import PARTITION_METHOD
from trainers.methods.pkt import PKT_METHOD
from trainers.methods.record.combined import SIGN, combine
from trainers.methods.record.hyperparameters import (
    CE_WEIGHT,
    Choice,
    Distilled,
    DistilledLogits,
    Factor,
    Hyperparameter,
    Hyperparameters,
    Linear,
    Log,
    Range,
    Rank,
)
from trainers.methods.record.listing import allowed_text, lines_of, search_text, value_text
from trainers.methods.record.method import Couples, ForPair, Method, Needs, Network, Problem, no_rules
from trainers.methods.record.outputs import NetworkShape, Output, Setting
from trainers.methods.record.plugins import PluginError, load, try_loss
from trainers.methods.reviewkd import REVIEWKD_METHOD
from trainers.methods.rkd import RKD_METHOD
from trainers.methods.rld import RLD_METHOD
from trainers.methods.sdd import SDD_METHOD
from trainers.methods.simkd import SIMKD_METHOD
from trainers.methods.sld import SLD_METHOD
from trainers.methods.sp import SP_METHOD
from trainers.methods.terms.standardize import standardize
from trainers.methods.ttm import TTM_METHOD
from trainers.methods.vid import VID_METHOD
from trainers.methods.wkd import WKD_METHOD
from trainers.methods.wttm import WTTM_METHOD
from trainers.own.plugins import Broken
from trainers.texts.nearest import unknown
from trainers.trials.trial import Value

if TYPE_CHECKING:
    from trainers.methods.record.built import BuiltMethod

__all__ = [
    "ALL",
    "CE_WEIGHT",
    "METHODS",
    "Broken",
    "BuiltMethod",
    "Choice",
    "Couples",
    "Distilled",
    "DistilledLogits",
    "Factor",
    "ForPair",
    "Hyperparameter",
    "Hyperparameters",
    "Linear",
    "Log",
    "Method",
    "Needs",
    "Network",
    "NetworkShape",
    "Output",
    "PluginError",
    "Problem",
    "Range",
    "Rank",
    "Setting",
    "UnknownMethodError",
    "allowed_text",
    "broken_plugins",
    "build",
    "combine",
    "forget_plugins",
    "get",
    "lines_of",
    "methods",
    "names",
    "no_rules",
    "search_text",
    "standardize",
    "try_out",
    "unknown_method",
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
    MKL_METHOD,
    IKL_METHOD,
    GKL_METHOD,
    NORMKD_METHOD,
    ABKD_METHOD,
    AKL_METHOD,
    DTKD_METHOD,
    OFA_METHOD,
    DEEPKD_METHOD,
    CRLD_METHOD,
    SLD_METHOD,
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
    SDD_METHOD,
    CAT_KD_METHOD,
    SIMKD_METHOD,
)
METHODS = {method.name: method for method in ALL}
"""Our own methods by name; `methods()` has those of plug-ins too."""
PLUGINS = "kdsweep.methods"
"""Entry-point group; each entry resolves to a `Method`."""


def __getattr__(name: str) -> Any:
    if name == "BuiltMethod":  # a module of torch's, which records do without
        from trainers.methods.record.built import BuiltMethod

        return BuiltMethod
    raise AttributeError(f"module 'trainers.methods' has no attribute {name!r}")


class UnknownMethodError(RequestError, ValueError):
    """No method has this name, or its plug-in cannot be used."""


class _Registry(NamedTuple):
    found: dict[str, Method]
    broken: tuple[Broken, ...]


@functools.cache
def _registry() -> _Registry:
    of_others, broken = load(entry_points(group=PLUGINS), METHODS)
    return _Registry(METHODS | of_others, broken)


def methods() -> dict[str, Method]:
    """Return all methods by name, those of plug-ins after our own; plug-ins that cannot be used are not here."""
    return _registry().found


def broken_plugins() -> tuple[Broken, ...]:
    """Return the plug-ins that cannot be used, and why."""
    return _registry().broken


def forget_plugins() -> None:
    """Look for plug-ins again when methods are next asked for: another package has been installed."""
    _registry.cache_clear()


def names() -> tuple[str, ...]:
    """Return the names of all methods."""
    return tuple(methods())


def get(name: str) -> Method:
    """Return a registry entry; of several names joined by `+` the combination.

    Raises:
        ValueError: there is no such method; names the nearest one, or says why its plug-in cannot be used.
    """
    if SIGN in name:
        return combine([get(part) for part in name.split(SIGN)])
    known = methods()
    if name not in known:
        raise UnknownMethodError(unknown_method(name))
    return known[name]


def unknown_method(name: str) -> str:
    """Return what is said of a name that is no method's."""
    of_plugin = [str(one) for one in broken_plugins() if name in one.names]
    if of_plugin:
        return f"'{name}' is no method here: {'; '.join(of_plugin)}"
    return unknown("method", name, names(), "methods")


def try_out(
    method: Method,
    values: Mapping[str, Value],
    classes: int,
    shapes: tuple[NetworkShape, NetworkShape] | None = None,
    *,
    in_parts: bool = False,
) -> None:
    """Compute the loss of plug-ins once, on what two networks might answer, drawn at random; our own are not asked.

    Args:
        values: all hyperparameters of the method.
        shapes: of what student and teacher answer with: those that compare features are asked; None: the others.
        in_parts: each rank of a training has a part of the batch.

    Raises:
        PluginError: it fails, or gives something else than a finite number with a gradient; or it is to have a part of
            the batch, and its record does not say that it compares images with one another.
    """
    for part in method.methods:
        if part.name not in METHODS and part.teacher and part.features == (shapes is not None):
            try_loss(part, method.own_values(part, values), classes, *(shapes or ()), in_parts=in_parts)


def build(name: str | Sequence[str], setting: Setting | None = None, /, **hyperparameters: Value) -> "BuiltMethod":
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
    from trainers.methods.record.built import BuiltMethod

    return BuiltMethod(method, values, setting or Setting())
