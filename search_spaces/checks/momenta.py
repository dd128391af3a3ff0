"""Whether the momenta that a method gives the parts of its loss are momenta beside that of the recipe."""

from collections.abc import Iterator

from search_spaces.checks.recipes import recipe_values
from search_spaces.files.draft import Draft
from search_spaces.files.entries import Entry, chosen_values
from trainers.methods.record.method import one_momentum


def check_momenta(draft: Draft) -> None:
    """Tell every entry with a part whose momentum would leave [0, 1) in one of its rows, or at an end of a search."""
    for entry in draft.entries:
        if entry.method.momenta is not one_momentum:
            for message in dict.fromkeys(_wrong(draft, entry)):
                draft.tree.add(("methods", entry.name), message)


def _wrong(draft: Draft, entry: Entry) -> Iterator[str]:
    for info in draft.infos().values():
        names = draft.models[info.name]
        for pair in draft.pairs.values():
            recipe = recipe_values(draft, info, pair.student)
            base = recipe.get("momentum")
            if recipe.get("optimizer") == "adamw" or not isinstance(base, int | float) or not 0 <= base < 1:
                continue  # it has none, or what it has is told at the recipe
            defaults = entry.method.defaults(info.name, names.get(pair.teacher, ""), names.get(pair.student, ""))
            for chosen in chosen_values(entry, high=True):
                for part in entry.method.momenta({**defaults, **chosen}):
                    if not 0 <= base + part.delta < 1:
                        change = f"{'-' if part.delta < 0 else '+'} {abs(part.delta):g}"
                        yield (
                            f"the momentum of its part {part.part!r} must lie in [0, 1), got {base:g} {change} "
                            f"(the recipe's, changed as the method has it)"
                        )
