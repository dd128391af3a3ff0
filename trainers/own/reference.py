"""How a text names a factory: `./net.py:Net` in a file, `my_net:Net` in a module that Python finds."""

import re
from dataclasses import dataclass

NOT_MODULES = ("timm", "torchvision")
"""Before a colon they say whose network a name is."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A class or function by where it stands."""

    place: str
    """A file's path, or a module's dotted name."""
    attribute: str

    @property
    def is_file(self) -> bool:
        """Whether it stands in a file; else in a module that Python finds."""
        return self.place.endswith(".py")


def parse(text: str) -> Reference | None:
    """Return what a text names; None where it is no reference."""
    place, colon, attribute = text.rpartition(":")
    is_module = all(part.isidentifier() for part in place.split(".")) and place not in NOT_MODULES
    if colon and attribute.isidentifier() and (place.endswith(".py") or is_module) and not re.match(r"\w+://", text):
        return Reference(place, attribute)
    return None
