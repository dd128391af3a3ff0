"""Where the weights of a network lie in what a file holds: under which keys, behind which prefix.

The rule, where more than one place fits: what lies under `model` or `state_dict` first; then weights before averages
of weights (ema, swa), a student's before a teacher's, and what comes first in the file.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainers.files.plain_pickles import Array
from trainers.texts.counting import counted
from trainers.texts.words import line_of

USUAL = ("model", "state_dict")
"""Keys of a file, in this order, that its weights are looked for under first."""
AVERAGES = frozenset({"ema", "swa", "avg", "average", "averaged", "shadow"})
WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""Parts of names that come from what a network was wrapped by: for several GPUs, or by torch.compile."""
COUNTER = "num_batches_tracked"
"""Of BatchNorm; counts batches, decides nothing here. Old files have none."""
COUNTERS = frozenset({COUNTER, "total_ops", "total_params", "n_averaged"})
"""Last parts of names of what people count; left out where the network has none."""
DEEPEST = 6
SHOWN_DIFFERENCES = 3
NAME_CHARACTERS = 120

Names = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Found:
    """Weights in a file, under a network's own names where they fit it."""

    keys: tuple[str, ...]
    """Under which they lie in the file, from outside to inside."""
    prefix: str
    """That was taken off their names."""
    unwrapped: bool
    """Parts of names that tell of wrappers were taken out of their middle."""
    tensors: Names
    differences: tuple[str, ...]
    """From the network, in words; none where they fit."""
    matching: int
    """So many tensors are as in the network."""
    ignored: int
    """So many counters were left out."""
    zeros: int
    """So many were not there, and are 0."""

    @property
    def place(self) -> str:
        """Keys and prefix in words; empty where weights lie at the top under the network's own names."""
        where = f"under {_shown('.'.join(self.keys))!r}" if self.keys else ""
        taken = f"without the prefix {_shown(self.prefix)!r}" if self.prefix else ""
        parts = f"without {', '.join(sorted(WRAPPERS))} in names" if self.unwrapped else ""
        return ", ".join(filter(None, (where, taken, parts)))


def find(source: Path, content: object, network: Names, model: str) -> tuple[Found, tuple[Found, ...]]:
    """Return the weights of a network in what a file holds, and the others that fit it as well.

    Args:
        source: the file, for messages.
        network: names and tensors of the network.
        model: its name, for messages.

    Raises:
        ValueError: there are none, or those of another network; names where they were looked for, and the first
            tensors that differ.
    """
    found = [one for keys, tensors in state_dicts(content) for one in _readings(keys, tensors, network)]
    if not found:
        raise ValueError(f"{str(source)!r} holds no state dict (names and tensors)")
    fitting = [one for one in found if not one.differences]
    if fitting:
        usual = _usual(content)
        first, *others = sorted(fitting, key=lambda one: _rank(one, usual))
        return first, tuple(others)
    nearest = max(found, key=lambda one: one.matching)
    shown = "; ".join(nearest.differences[:SHOWN_DIFFERENCES])
    where = f" {nearest.place}" if nearest.place else ""
    raise ValueError(
        f"{str(source)!r}{where} does not fit {model}: {shown} ({counted(len(nearest.differences), 'difference')})"
    )


def state_dicts(content: object) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """Yield every mapping with names and tensors in it, with the keys that lead there."""
    for keys, mapping in mappings(content):
        tensors = {name: _tensor(value) for name, value in mapping.items() if isinstance(name, str)}
        known = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        if known:
            yield keys, known


def mappings(content: object) -> Iterator[tuple[tuple[str, ...], Mapping[object, object]]]:
    """Yield every mapping in what a file holds, from outside to inside, each once."""
    seen: set[int] = set()
    level: list[tuple[tuple[str, ...], object]] = [((), content)]
    for _ in range(DEEPEST):
        inner: list[tuple[tuple[str, ...], object]] = []
        for keys, value in level:
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, Mapping):
                yield keys, value
            inner += [((*keys, name), part) for name, part in _parts(value)]
        level = inner


def _parts(value: object) -> Iterator[tuple[str, object]]:
    items: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    yield from ((str(name), part) for name, part in items if isinstance(part, Mapping | list | tuple))


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, Array) and value.values is not None:
        return torch.from_numpy(value.values.astype(value.values.dtype.newbyteorder("=")))
    return value if isinstance(value, Tensor) else None


def _readings(keys: tuple[str, ...], tensors: Names, network: Names) -> Iterator[Found]:
    """Yield how names and tensors may be read: as they are; else without what wrappers left in the middle of names."""
    found = [_reading(keys, prefix, tensors, network) for prefix in _prefixes(tensors, network)]
    yield from found
    if not all(one.differences for one in found):
        return
    plain = {".".join(part for part in name.split(".") if part not in WRAPPERS): one for name, one in tensors.items()}
    if len(plain) == len(tensors) and plain.keys() != tensors.keys():
        for prefix in _prefixes(plain, network):
            yield _reading(keys, prefix, plain, network, unwrapped=True)


def _prefixes(tensors: Names, network: Names) -> list[str]:
    """Return what stands before the names of the network: all that may, or what stands before most of them."""
    votes = Counter[str]()
    for name in tensors:
        parts = name.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in network:
                votes["".join(f"{part}." for part in parts[:start])] += 1
    needed = sum(name.rpartition(".")[2] != COUNTER for name in network)
    whole = [prefix for prefix, count in votes.items() if count >= needed]
    return whole or [prefix for prefix, _ in votes.most_common(1)] or [""]


def _reading(keys: tuple[str, ...], prefix: str, tensors: Names, network: Names, *, unwrapped: bool = False) -> Found:
    own = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
    counters = [name for name in own if name not in network and name.rpartition(".")[2] in COUNTERS]
    for name in counters:
        del own[name]
    zeros = {
        name: torch.zeros_like(one, device="cpu")
        for name, one in network.items()
        if name not in own and name.rpartition(".")[2] == COUNTER
    }
    own |= zeros
    differences = tuple(_differences(own, network))
    matching = sum(name in network and one.shape == network[name].shape for name, one in own.items()) - len(zeros)
    return Found(keys, prefix, unwrapped, own, differences, matching, len(counters), len(zeros))


def _differences(found: Names, network: Names) -> Iterator[str]:
    yield from (f"{name} is missing" for name in network if name not in found)
    yield from (f"{_shown(name)} is not in the network" for name in found if name not in network)
    for name, own in network.items():
        one = found.get(name, own)
        if one.shape != own.shape:
            yield f"{name} is {list(one.shape)}, the network's is {list(own.shape)}"
        elif own.is_floating_point() and not _is_plain(one):
            yield f"{name} holds {one.dtype}, the network's are {own.dtype}"


def _is_plain(one: Tensor) -> bool:
    return one.is_floating_point() and one.layout == torch.strided


def _usual(content: object) -> tuple[str, ...]:
    """Return the keys of the place that is looked at first."""
    keys: tuple[str, ...] = ()
    for name in USUAL:
        inner = content.get(name) if isinstance(content, Mapping) else None
        if isinstance(inner, Mapping):
            content, keys = inner, (*keys, name)
    return keys


def _rank(found: Found, usual: tuple[str, ...]) -> tuple[bool, bool, bool, int]:
    words = set(re.split(r"[^a-z]+", f"{'.'.join(found.keys)}.{found.prefix}".lower()))
    return (found.keys != usual, "teacher" in words, bool(words & AVERAGES), len(found.keys))


def _shown(name: str) -> str:
    return line_of(name, NAME_CHARACTERS)
