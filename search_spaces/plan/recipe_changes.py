"""Named recipes that say otherwise than when a sweep was accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces import recipes
from search_spaces.sweeps.autos import Decisions
from search_spaces.sweeps.reading import accepted_file


@dataclass(frozen=True, slots=True)
class RecipeChange:
    """A named recipe that a sweep is trained by, and that has changed since the sweep was accepted."""

    name: str
    before: Mapping[str, Any]
    """The settings that are others now, as they were."""
    now: Mapping[str, Any]

    def to_text(self) -> str:
        """Return the change in words: `digits: clip_norm 0 -> 5`."""
        return f"{self.name}: {', '.join(f'{n} {_text(v)} -> {_text(self.now[n])}' for n, v in self.before.items())}"

    def way_back(self) -> str:
        """Return how a sweep file asks for the recipe as it was: `{base: digits, clip_norm: 0}`."""
        return f"{{base: {self.name}, {', '.join(f'{name}: {_text(v)}' for name, v in self.before.items())}}}"


def recipe_changes(resolved: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[RecipeChange, ...]:
    """Return the named recipes that a sweep is trained by now and that said otherwise when it was accepted.

    Settings that the sweep file replaces do not count.

    Args:
        resolved: of the sweep now.
        before: of the sweep as it was last accepted.
    """
    file = accepted_file(resolved)
    then = recipes.as_accepted(before)
    open_settings: dict[str, frozenset[str]] = {}
    for name, replaced in Decisions(file, resolved["autos"]).named_uses():
        open_settings[name] = open_settings.get(name, frozenset()) | (_settings() - replaced)
    found = []
    for name, settings in open_settings.items():
        was, now = dict(recipes.get(name, "", then)), dict(recipes.get(name))
        others = [field for field in now if field in settings and was[field] != now[field]]
        if others:
            found.append(RecipeChange(name, {n: was[n] for n in others}, {n: now[n] for n in others}))
    return tuple(found)


def _settings() -> frozenset[str]:
    return frozenset(recipes.DEFAULTS)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
