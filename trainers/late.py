"""torch, imported by whoever uses it first: the records of methods are read where nothing is trained, as by a report.

Names as torch has them, for functions and, where annotations are not evaluated, for types; a class or a decorator on
top of a file would import torch with the file.
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch as torch
    from torch import Tensor as Tensor
    from torch import nn as nn
    from torch.nn import functional as functional
else:

    class _Late:
        """A module that is imported when something in it is asked for; each name is looked up once."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            found = getattr(importlib.import_module(self._name), name)
            setattr(self, name, found)
            return found

    torch, nn, functional = _Late("torch"), _Late("torch.nn"), _Late("torch.nn.functional")
    Tensor = "torch.Tensor"


def late(module: str, name: str) -> Callable[..., Any]:
    """Return a class as a function: the module that has it, and torch with it, is imported by the first call."""
    return lambda *arguments: getattr(importlib.import_module(module), name)(*arguments)
