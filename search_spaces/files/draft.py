"""A sweep file while it is checked: its sound parts, and what the world says of its data sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from search_spaces.files.entries import Entry
from search_spaces.files.names import Pair
from search_spaces.files.own_data import own_root
from search_spaces.files.schema import (
    DataSetModel,
    EntryModel,
    NetworkModel,
    ResourcesModel,
    SearchModel,
    SweepModel,
    TeacherModel,
)
from search_spaces.files.structure import read_sections
from search_spaces.files.yaml_lines import Path, Tree
from trainers import data
from trainers.data import DataInfo
from trainers.files.paths import expanded
from trainers.own import DATASETS, Code, offered, parse
from trainers.texts.nearest import nearest, unknown, unknown_key
from trainers.texts.words import is_url, shown
from trainers.trials.trial import Value


@dataclass(slots=True)
class Draft:
    """What the checks work on. Data sets are described only when a rule asks: that can take seconds."""

    tree: Tree
    folder: FilePath
    """Of the sweep file; paths in it are seen from here."""
    sections: dict[str, Any]
    datasets: dict[str, tuple[Path, DataSetModel]]
    """Those that exist, with their place in the file."""
    pairs: Mapping[Path, Pair]
    """The sound ones, by place."""
    networks: Mapping[str, NetworkModel]
    teachers: Mapping[str, TeacherModel]
    methods: Mapping[str, EntryModel]
    search: SearchModel | None
    meant: set[str | None]
    """Keys at the top that misspelt ones were most likely meant to be: they are not missing."""
    described: dict[str, DataInfo | None] = field(default_factory=dict)
    planning: bool = False
    """Files of data sets and published weights may be missing: what is known without them will do."""
    assumed: list[str] = field(default_factory=list)
    """What was not found and taken as published."""
    entries: list[Entry] = field(default_factory=list)
    """The sound ones."""
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    """By data set: timm's name of each network of the file."""
    lenses: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """By data set and teacher: what it sees, where that is not what students see."""
    arguments: dict[str, dict[str, dict[str, Value]]] = field(default_factory=dict)
    """By data set and network: with which it takes the images."""
    own: dict[str, Code] = field(default_factory=dict)
    """By network: its factory, where it is somebody's own."""
    makers: dict[str, Code] = field(default_factory=dict)
    """By data set: what makes it, where that is code of somebody's own."""
    roots: dict[str, FilePath] = field(default_factory=dict)
    """By data set of somebody's own: what tells it in every process."""

    @property
    def searched(self) -> Entry | None:
        """The first entry that is searched."""
        return next((entry for entry in self.entries if entry.searched), None)

    @property
    def ranks(self) -> int:
        """How many processes train a trial, as far as the file says."""
        resources: ResourcesModel | None = self.sections.get("resources")
        return 1 if resources is None else resources.ranks or int(resources.gpus or 1)

    def model(self) -> SweepModel:
        """Return the whole file, all of which is sound."""
        return SweepModel.model_construct(**{**self.sections, "pairs": tuple(self.pairs.values())})

    def teacher(self, name: str) -> TeacherModel:
        """Return what is said of a teacher: nothing of one that is not named."""
        return self.teachers.get(name) or TeacherModel()

    def teachers_size(self, dataset: str, teacher: str) -> int:
        """Return the height in pixels of what a teacher sees; 0: as students."""
        return int(self.lenses.get(dataset, {}).get(teacher, {}).get("size", 0))

    def infos(self) -> dict[str, DataInfo]:
        """Return what is known of every data set; one that cannot be read, or seen so, is a problem, told once."""
        for name, (path, model) in self.datasets.items():
            if name not in self.described:
                self.described[name] = self._describe(name, path, model)
        return {name: info for name, info in self.described.items() if info is not None}

    def _describe(self, name: str, path: Path, model: DataSetModel) -> DataInfo | None:
        if name not in data.names():
            own = own_root(self.tree, self.folder, name, path, model)
            if own is None:
                return None
            self.roots[name], code = own
            self.makers |= {} if code is None else {name: code}
        if is_url(model.root or ""):
            message = f"must be a folder on this machine, got {shown(model.root)}"
            self.tree.add(path if path == ("dataset",) else (*path, "root"), message)
            return None
        root = self.roots.get(name) or root_of(model, self.folder)
        try:
            found = self._found(name, root, fetch=model.download and not self.planning)
            if name in self.makers and root is not None:
                data.check_repeats(name, root)
        except (OSError, ValueError) as error:
            place = (*path, "from") if model.source is not None else path
            self.tree.add(self.tree.known(place), f"the data set cannot be read: {error}")
            return None
        try:
            return data.with_options(found, model.options)
        except ValueError as error:
            self.tree.add(path, f"the data set cannot be changed so: {error}")
            return None

    def _found(self, name: str, root: FilePath | None, *, fetch: bool) -> DataInfo:
        try:
            return data.describe_or_fetch(name, root) if fetch else data.describe(name, root)
        except data.DataNotFoundError as error:
            published = data.get(name).published
            if not self.planning or published is None:
                raise
            self.assumed.append(f"{name}: as published, its files were not found ({error})")
            return published


def root_of(model: DataSetModel, folder: FilePath) -> FilePath | None:
    """Return the folder with the files of a data set, if the sweep file names one."""
    return None if model.root is None else folder / expanded(model.root)


def draft(tree: Tree, folder: FilePath, *, planning: bool = False) -> Draft:
    """Return the sound parts of a file; what is wrong with the others joins the tree's problems."""
    sections, meant = read_sections(tree)
    given = [key for key in ("dataset", "datasets") if tree.values.get(key) is not None]
    if not given and not meant & {"dataset", "datasets"}:
        tree.add(("dataset",), "is missing")
    elif len(given) == 2:
        tree.add(("datasets",), "give dataset or datasets, not both")
    elif sections.get("datasets") == {}:
        tree.add(("datasets",), "must name at least one data set, got none")
    return Draft(
        tree=tree,
        folder=folder,
        sections=sections,
        datasets=dict(_datasets(tree, sections)),
        pairs=sections.get("pairs", {}),
        networks=sections.get("networks", {}),
        teachers=sections.get("teachers", {}),
        methods=sections.get("methods", {}),
        search=sections.get("search"),
        meant=meant,
        planning=planning,
    )


def _datasets(tree: Tree, sections: Mapping[str, Any]) -> list[tuple[str, tuple[Path, DataSetModel]]]:
    one, many = sections.get("dataset"), sections.get("datasets") or {}
    named: list[tuple[str, tuple[Path, DataSetModel]]] = [(n, (("datasets", n), model)) for n, model in many.items()]
    if one is not None:
        named.append((one, (("dataset",), DataSetModel())))
    return [(name, (path, model)) for name, (path, model) in named if _is_sound(tree, name, path, model)]


def _is_sound(tree: Tree, name: str, path: Path, model: DataSetModel) -> bool:
    """Whether a data set is one; tells where it is none, and of keys that it does not have."""
    ours, plugins = data.names(), list(offered(DATASETS))
    if model.source is None:
        for key in model.arguments if name in ours else ():
            tree.add((*path, key), unknown_key(key, [one for one in DataSetModel.model_fields if one != "source"]))
        misspelt = next((key for key in model.arguments if nearest(key, ["from"])), None)
        if name not in ours and name not in plugins and misspelt is not None:
            tree.add((*path, misspelt), unknown_key(misspelt, ["from"]))
        elif name not in ours and name not in plugins:
            what = unknown("data set", name, [*ours, *plugins], "datasets")
            is_own = parse(name) is not None or name.endswith(".npz")
            tree.add(path, f"{what}; give one of your own a name: datasets: {{mine: {name}}}" if is_own else what)
        return name in ours or name in plugins
    if name in ours:
        tree.add(path, f"{name!r} names a data set of ours; call yours otherwise")
    if model.root is not None:
        tree.add((*path, "root"), "is for data sets of ours; `from:` says where one of your own is")
    return name not in ours
