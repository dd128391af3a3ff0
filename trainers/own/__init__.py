"""Code of people's own that networks and data sets come from: a file beside a sweep, or a module that Python finds."""

from trainers.own.code import Code, OwnCodeError, as_json, code_of, provide, provided
from trainers.own.plugins import DATASETS, NETWORKS, Broken, broken_plugins, offered
from trainers.own.reference import Reference, parse

__all__ = [
    "DATASETS",
    "NETWORKS",
    "Broken",
    "Code",
    "OwnCodeError",
    "Reference",
    "as_json",
    "broken_plugins",
    "code_of",
    "offered",
    "parse",
    "provide",
    "provided",
]
