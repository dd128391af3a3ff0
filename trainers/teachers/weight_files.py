"""Teachers that come from a file: the field's checkpoints, and safetensors."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor, nn

from trainers import models
from trainers.files.files import MOST_WEIGHTS_BYTES, regular_file
from trainers.files.plain_pickles import load_plain
from trainers.files.tensor_files import load_tensors, not_finite, save_tensors
from trainers.model_names import OWN
from trainers.models.own import code_named
from trainers.teachers.state_dicts import COUNTER, Found, find, mappings
from trainers.texts.counting import counted

OTHERS = (
    (b"version https://git-lfs", "is a pointer of Git LFS; fetch the file itself: git lfs pull"),
    (b"<", "is a web page"),
    (b"\x1f\x8b", "is compressed by gzip; unpack it"),
    (b"\x89HDF", "is a file of HDF5 (Keras); keep its weights with torch.save or as safetensors"),
)
"""What is found in place of weights, by how it begins."""
CLAIM = re.compile(
    r"((best|max|final|last|current|test|val|valid|validation|eval)_)*"
    r"(acc|accuracy|top|prec|precision|top_1_acc|top1_acc|acc_top|accuracy_top|miou|mean_iou)_?1?(_ema)?"
)
"""Names of what a file says that its network scores."""
LIKELY = frozenset({"metric", "best_metric", "score", "best_score"})
"""Names of scores that may be losses: believed above 1, in percent."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A network's weights from a file."""

    tensors: dict[str, Tensor]
    """All of the network's, under its own names."""
    note: str
    """Where and how they lay in the file, in words; empty where they lay there as the network has them."""
    claimed: float | None
    """What the file says that the network scores, in percent."""


def import_weights(
    source: Path, target: Path, model: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None
) -> None:
    """Read a checkpoint and keep a network's weights as safetensors.

    Raises:
        OSError, ValueError: as `check_weights`.
    """
    found = check_weights(source, model, classes=classes, channels=channels, arguments=arguments)
    claim = {} if found.claimed is None else {"claimed": found.claimed}
    save_tensors(target, found.tensors, {"source": source.name, **claim})


def check_weights(
    source: Path, model: str, *, classes: int, channels: int, arguments: Mapping[str, Any] | None = None
) -> Weights:
    """Return the weights of a network in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no weights, those of another network, or some that are not finite; names the first keys.
    """
    network = models.create(model, classes=classes, channels=channels, arguments=arguments)
    found = read_weights(source, network, str(code_named(model)) if model.startswith(OWN) else model)
    problem = not_finite(found.tensors)
    if problem:
        raise ValueError(f"{str(source)!r} holds weights that are not finite: {problem}")
    return found


def read_weights(source: Path, network: nn.Module, model: str = "the network") -> Weights:
    """Return the weights of a network in a safetensors or torch file, without executing anything that is in it.

    Raises:
        OSError, ValueError: as `check_weights`.
    """
    content = _content(source)
    found, others = find(source, content, network.state_dict(), model)
    tensors = {name: tensor.detach().clone() for name, tensor in found.tensors.items()}
    return Weights(tensors, _note(found, others), _claimed(content))


def _content(source: Path) -> object:
    """Return what a file holds; its content tells what it is, its name does not."""
    with regular_file(source, MOST_WEIGHTS_BYTES) as handle:
        head = handle.read(64)
    if not head:
        raise ValueError(f"{str(source)!r} is empty")
    if head[8:9] == b"{":  # a length of eight bytes, then JSON
        try:
            return load_tensors(source)[0]
        except SafetensorError as error:
            raise ValueError(f"{str(source)!r} cannot be read as safetensors: {error}") from error
    for beginning, what in OTHERS:
        if head.lstrip().startswith(beginning):
            raise ValueError(f"{str(source)!r} {what}")
    return load_plain(source)


def _note(found: Found, others: tuple[Found, ...]) -> str:
    """Return where and how weights lay in a file; empty where anybody would look for them."""
    usual = found.keys in ((), ("model",), ("state_dict",)) and not (found.prefix or found.unwrapped)
    parts = [] if usual and not others else [found.place or "at its top"]
    if others:
        parts.append(f"what lies {' and '.join(other.place or 'at its top' for other in others)} would fit as well")
    if found.ignored:
        parts.append(f"with {counted(found.ignored, 'counter')} left out")
    if found.zeros:
        parts.append(f"without {COUNTER}, which changes nothing")
    return "; ".join(parts)


def _claimed(content: object) -> float | None:
    """Return the accuracy in percent that a file says its network has; its best before others, the outermost first."""
    found: list[tuple[bool, float]] = []
    for _, mapping in mappings(content):
        for name, value in mapping.items():
            plain = re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")
            number = _number(value)
            if number is not None and (CLAIM.fullmatch(plain) or (plain in LIKELY and number > 1)):
                found.append((not plain.startswith(("best", "max")), number if number > 1 else 100 * number))
    return min(found, key=lambda one: one[0])[1] if found else None


def _number(value: object) -> float | None:
    """Return a share or percentage."""
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value <= 100 else None
