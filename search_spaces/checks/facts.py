"""What a sweep file leaves to the world: data sets, networks' full names, weights files, the device."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainers.data import DataInfo
from trainers.files.files import MOST_WEIGHTS_BYTES, regular_file
from trainers.trials.recipe import Recipe
from trainers.trials.trial import Value, with_tuples

STORED_LOGITS_BYTES = 256 * 10**6
"""Logits of a teacher are kept in float32 up to this size, in float16 above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found when the file was read; with it the same sweep can be expanded again anywhere."""

    datasets: Mapping[str, DataInfo]
    models: Mapping[str, Mapping[str, str]]
    """By data set: timm's name of each network of the file."""
    checkpoints: Mapping[str, str]
    """SHA-256 of the weights file of each teacher that has one; published weights, which are brought to the size of a
    data set's images, by data set."""
    arguments: Mapping[str, Mapping[str, Mapping[str, Value]]] = field(default_factory=dict)
    """By data set and network: arguments with which it takes the images, where it needs some."""

    lenses: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """By data set and teacher: size, mean, std of what it sees, where that is not what students see."""
    initials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By data set and network: SHA-256 of the weights file that it starts from, if its recipe says so."""

    roots: Mapping[str, str] = field(default_factory=dict)
    """By data set of somebody's own: what tells it in every process (`trainers.data.Source`), seen from the sweep file
    where it is a path."""
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The code of people's own that networks and data sets come from, as `trainers.own.provide` takes it."""

    readings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By data set and teacher: how its weights lay in its file, in words, where not as anybody would expect."""

    def weights_of(self, dataset: str, teacher: str) -> str | None:
        """Return the SHA-256 of a teacher's weights file; None where it is trained."""
        return self.checkpoints.get(on_dataset(dataset, teacher)) or self.checkpoints.get(teacher)

    def lens_of(self, dataset: str, teacher: str) -> Mapping[str, Any]:
        """Return how a teacher sees a data set's images, where it is not as students do."""
        return self.lenses.get(dataset, {}).get(teacher, {})

    def initial_of(self, dataset: str, network: str, recipe: Recipe) -> str:
        """Return the digest of what a network starts from when it is trained so; empty: random weights."""
        return self.initials.get(dataset, {}).get(network, "") if recipe.start == "published" else ""

    def arguments_of(self, dataset: str, network: str, size: int = 0) -> Mapping[str, Value]:
        """Return the arguments with which a network of the file takes a data set's images.

        Args:
            size: height in pixels where it sees them in another size than students do.
        """
        return self.arguments.get(dataset, {}).get(sized(network, size), {})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `facts_from_json` turns them back."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value or name not in ("readings", "own", "roots")}


def on_dataset(dataset: str, network: str) -> str:
    """Return what a network is called that is another one on each data set."""
    return f"{dataset}: {network}"


def sized(network: str, size: int) -> str:
    """Return what a network is called that sees images in a size of its own."""
    return f"{network}@{size}" if size else network


def facts_from_json(values: Mapping[str, Any]) -> Facts:
    """Return the facts that `Facts.to_json` wrote."""
    changed: dict[str, Any] = {"datasets": {name: DataInfo(**info) for name, info in values["datasets"].items()}}
    if "arguments" in values:
        changed["arguments"] = {
            dataset: {network: with_tuples(given) for network, given in of.items()}
            for dataset, of in values["arguments"].items()
        }
    return Facts(**{**values, **changed})


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file with weights, in hexadecimal.

    Raises:
        ValueError: there is no such file, it is none, or it cannot be read.
    """
    try:
        with regular_file(path, MOST_WEIGHTS_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ValueError(f"no such file: {str(path)!r}") from None
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error.strerror}") from None


def logits_bytes(info: DataInfo, bytes_each: int) -> int:
    """Return the size of a teacher's logits for every view of every training image."""
    return (info.fit + info.validation) * info.views * info.classes * bytes_each


def logit_type(info: DataInfo) -> str:
    """Return the type that logits are kept in on this data set."""
    return "float32" if logits_bytes(info, 4) <= STORED_LOGITS_BYTES else "float16"


@functools.cache
def cuda_capability() -> tuple[int, int] | None:
    """Return the compute capability of this machine's first CUDA device; None without one."""
    import torch

    return torch.cuda.get_device_capability() if torch.cuda.is_available() else None


CPU_FLAGS = ("avx512_bf16", "amx_bf16")
"""By which a processor says that it multiplies in bfloat16."""


@functools.cache
def cpu_bfloat16() -> bool:
    """Return whether this machine's processor multiplies in bfloat16; False where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return any(flag in flags for flag in CPU_FLAGS)
