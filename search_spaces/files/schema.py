"""The schema of a sweep file: which keys there are, of which type, in which bounds.

Closed and frozen. What needs more than one place of the file, a method, a data set or a network is in `checks`.
`search_spaces.json_schema` makes of it what editors go by.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    create_model,
)

from search_spaces.files.closed import Closed
from search_spaces.files.names import Name, Pairs
from search_spaces.files.races import SEARCH_SEEDS
from search_spaces.files.report_keys import ReportModel
from search_spaces.files.seeds import Seeds, UntilSettled
from trainers.data import DataOptions
from trainers.texts.words import shown
from trainers.trials.recipe import Recipe

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
NAME_RULE = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit"

Sampler = Literal["tpe", "random", "gp"]
Pruner = Literal["median", "halving", "none"]


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _named_base(value: object) -> object:
    return {"base": value} if isinstance(value, str) else value


Text = Annotated[StrictStr, Field(min_length=1)]
Pixels = Annotated[StrictInt, Field(ge=8, le=8192)]


def _height_and_width(value: object) -> object:
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, int):
        raise ValueError(f"must be a number of pixels or [height, width], got {shown(value)}")
    return (value, value)


Size = Annotated[
    tuple[Pixels, Pixels], BeforeValidator(_height_and_width, json_schema_input_type=Pixels | tuple[Pixels, Pixels])
]


def _listed(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f"must be a list, got {shown(value)}; write it as [{value[:80]}]")
    return value


Share = Annotated[float, Field(gt=0, le=1)]
Channels = tuple[Share, ...]
Extra = Literal["autoaugment", "randaugment", "cutout"]
Count = Annotated[StrictInt, Field(ge=1, le=100_000)]
Amount = Annotated[float, Field(ge=0, le=100_000, strict=True)]

OVERRIDABLE = tuple(name for name in Recipe.model_fields if name != "precision")
"""What a recipe in a sweep file may set; precision is a key of its own."""

RecipeModel = create_model(
    "RecipeModel",
    __base__=Closed,
    __doc__="A named recipe, or one with single settings changed; `epochs` alone squeezes milestones and warm-ups.",
    base=(StrictStr | None, Field(None, description="Name of the recipe that is changed; by default the data set's.")),
    scale_learning_rate=(
        StrictBool,
        Field(False, description="Whether another batch_size changes the learning rate of the base in proportion."),
    ),
    **{
        name: (Any, Field(None, description=f"Replaces {name} of the base (trainers.trials.recipe.Recipe)."))
        for name in OVERRIDABLE
    },  # type: ignore[call-overload]
)
RecipeText = Annotated[RecipeModel, BeforeValidator(_named_base, json_schema_input_type=str | RecipeModel)]


def _source_or_empty(value: object) -> object:
    return {"from": value} if isinstance(value, str) else _or_empty(value)


class DataSetModel(BaseModel):
    """Where a data set comes from; of one of your own that code makes, every other key is an argument of it."""

    model_config = ConfigDict(
        extra="allow", frozen=True, use_attribute_docstrings=True, validate_by_name=True, serialize_by_alias=True
    )
    source: Annotated[Text | None, Field(alias="from")] = None
    """Of your own: `./data.npz`, a folder with parquet, `./data.py:make` or `package.module:make` (docs/data.md)."""
    root: Text | None = None
    """Folder with its files, seen from the sweep file; by default that of `KDSWEEP_DATA`, or one of its name in it."""
    download: StrictBool = False
    """Whether torchvision may fetch missing files, of CIFAR and MNIST."""
    size: Size | None = None
    """Pixels of what a network sees, one number or [height, width]; of data sets of pictures."""
    views: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    """Views of a picture, where they are drawn by chance: so many times its logits are stored."""
    augment: Annotated[tuple[Extra, ...], BeforeValidator(_listed)] = ()
    """What is done to every view besides: autoaugment, randaugment, cutout."""
    pad: Annotated[StrictInt, Field(ge=0, le=64)] | None = None
    """Pixels by which small images are padded before they are cropped; of your own by default an eighth of the size."""
    flip: StrictBool | None = None
    """Whether views of small images are mirrored left to right: not of digits or letters, by default of all else."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Other keys, as the file has them: of what makes a data set of one's own."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def options(self) -> DataOptions:
        """What is changed of the data set."""
        height, width = (None, None) if self.source else self.size or (None, None)
        return DataOptions(
            height=height, width=width, views=self.views, augment=self.augment, pad=self.pad, flip=self.flip
        )


class NetworkModel(BaseModel):
    """A network of your own; every other key is an argument of its factory."""

    model_config = ConfigDict(
        extra="allow", frozen=True, use_attribute_docstrings=True, validate_by_name=True, serialize_by_alias=True
    )
    source: Annotated[Text, Field(alias="from")]
    """What makes it: `./net.py:Net`, a class or function in a file seen from the sweep file, or `package.module:Net`.
    It is called with num_classes, and with in_chans and img_size where it takes them."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of the factory, as the file has them."""
        return dict(self.__pydantic_extra__ or {})


def _named_source(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


class TeacherModel(Closed):
    """Where a teacher's weights come from; by default it is trained by the sweep's recipe."""

    checkpoint: Text | None = None
    """File with its weights, seen from the sweep file; by default it is trained."""
    pretrained: StrictBool | Text = False
    """Whether published weights are taken; or which, by their tag at timm or torchvision."""
    recipe: RecipeText | None = None
    """How it is trained; what has no `base` changes the students' recipe, which is the default."""
    variant: Literal["plain", "strong"] = "plain"
    """How its training images were augmented: strong, if more than students' are. One that is trained here then gets
    AutoAugment and a hole in every image, or RandAugment on pictures; of given weights it says what they are."""
    size: Pixels | None = None
    """Height and width of what it sees, where its weights are given and want another size than students."""
    mean: Channels | None = None
    """Of each channel, for values in 0 … 1, by which its inputs are normalised; by default that of its published
    weights, else the data set's."""
    std: Channels | None = None
    """Likewise."""
    accept: StrictBool = False
    """Whether students learn from it whatever it scores on the test images."""

    @property
    def is_given(self) -> bool:
        """Whether it has weights, so that it is not trained here."""
        return bool(self.checkpoint or self.pretrained)


class Grid(Closed):
    """Every value is a row of the table."""

    grid: Any
    """List of distinct values."""


class Range(Closed):
    """Searched between two numbers, both included."""

    low: Any
    """Smallest value, included."""
    high: Any
    """Largest value, included, above `low`."""
    log: StrictBool = False
    """Whether a doubling counts the same everywhere; needs `low` above 0."""


class DefaultSearch(Closed):
    """The hyperparameter is searched where its method says."""

    search: Literal["default"]
    """`default`: searched where the method says (docs/methods.md)."""


class Choice(Closed):
    """Searched among listed values."""

    choice: Any
    """List of distinct values."""


MethodName = StrictStr | tuple[StrictStr, ...]


def parse_method(given: object) -> MethodName | None:
    """Return the name of a method, or the names of a combination."""
    if given is None or (isinstance(given, str) and given):
        return given
    if isinstance(given, list | tuple) and given and all(isinstance(name, str) and name for name in given):
        return tuple(given)
    raise ValueError(f"must be the name of a method, or a list of such, got {shown(given)}")


class EntryModel(BaseModel):
    """A line under `methods:`; every other key is a hyperparameter of the method."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    method: Annotated[MethodName | None, PlainValidator(parse_method, json_schema_input_type=MethodName | None)] = None
    """Name of the method, by default that of the entry; a list of names combines several in one training."""

    @property
    def settings(self) -> dict[str, Any]:
        """Hyperparameters as the file has them."""
        return dict(self.__pydantic_extra__ or {})


class SearchModel(Closed):
    """The budget of each row that has ranges, and how it is spent."""

    trials: Count
    """Proposals for each searched row of each pair on each data set."""
    parallel: Annotated[StrictInt, Field(ge=1, le=1000)] = 4
    """How many proposals may be under way at once; proposal n knows the results up to n - parallel."""
    sampler: Sampler = "tpe"
    """Who proposes: tpe, gp (Gaussian process) or random."""
    pruner: Pruner = "none"
    """Who stops hopeless proposals early: median, halving or none."""
    epochs: Count | None = None
    """Length of a proposal's training: the recipe squeezed to so many epochs; by default the whole recipe."""
    confirm: Count = 1
    """How many of the best settings are trained over all seeds; only the first is reported in the main table."""
    race: Annotated[StrictInt, Field(ge=1, le=100)] = 1
    """Search seeds of the finalists: the best quarter of the proposals is trained with a second seed, the best of those
    with a third and more, and the best mean is chosen; 1 chooses by one seed."""
    seed: Annotated[StrictInt, Field(ge=0, lt=SEARCH_SEEDS)] = 0
    """Of the sampler, and of the training of all proposals."""


def _auto_or(value: object) -> object:
    """Return None for `auto`."""
    return None if value == "auto" else value


def _part_or_whole(gpus: float) -> float:
    if gpus > 1 and gpus % 1:
        raise ValueError(f"must be a fraction of one GPU or a whole number, got {shown(gpus)}")
    return gpus


GpuCount = Annotated[Amount, AfterValidator(_part_or_whole)]


class ResourcesModel(Closed):
    """What one trial holds while it runs."""

    cpus: Annotated[StrictInt, Field(ge=1, le=10_000)] = 1
    """Cores of a student's trial, or of each of its ranks; it computes with as many threads."""
    gpus: Annotated[
        GpuCount | None, BeforeValidator(_auto_or, json_schema_input_type=GpuCount | Literal["auto"] | None)
    ] = None
    """GPUs of a trial: a whole number, or a fraction of one, which others share. 0 trains on the CPU. auto: 0 without a
    GPU, else one for each rank; a trial of one rank shares it with as many as have room by the memory that trials like
    them took, or take in a step that is tried before."""
    ranks: Annotated[StrictInt, Field(ge=1, le=1024)] | None = None
    """Processes that train one trial together, each with its part of every batch: by default as many as `gpus`, where
    those are several. The recipe's batch is that of all of them, and the trial is the one that one process trains."""
    batch_norm: Literal["synced", "local"] = "synced"
    """What BatchNorm normalises by in the training of several ranks: `synced`, a whole batch, as one process does;
    `local`, each rank's part of it, which gives other numbers, so that keys hold it and how many ranks there are."""
    teacher_cpus: Annotated[StrictInt, Field(ge=1, le=10_000)] | None = None
    """Threads of a teacher's trial; by default `cpus`."""
    loaders: Annotated[StrictInt, Field(ge=0, le=256)] | None = None
    """Processes of a trial that read pictures ahead; by default `cpus` on a GPU, else none. Changes no number."""
    together: Annotated[
        Annotated[StrictInt, Field(ge=1, le=64)] | None,
        BeforeValidator(
            _auto_or, json_schema_input_type=Annotated[StrictInt, Field(ge=1, le=64)] | Literal["auto"] | None
        ),
    ] = None
    """Trials of one seed that a worker trains in step, so that each batch is read, augmented and taught once; every
    number is that of the trial alone. auto: 8 where pictures are read from files or augmented one by one, else 1; 1 on
    a GPU, where it was never run."""
    deterministic: StrictBool = False
    """Whether a GPU, too, gives the same bits again, more slowly; a trial with an operation that cannot fails. Never
    run on one. On a CPU all runs do."""
    stall_seconds: Annotated[StrictInt, Field(ge=10, le=1_000_000)] = 900
    """A worker without a step for so long is taken for lost: its trial goes on from its last epoch in another. Not with
    `--workers 0`."""


class SweepModel(Closed):
    """A sweep file."""

    name: Annotated[StrictStr, Field(pattern=NAME_PATTERN)]
    """Of the sweep, its experiment and its report: 1 to 64 of a-z, 0-9, '.', '_', '-', the first a letter or digit."""
    dataset: StrictStr | None = None
    """The one data set; or give `datasets`."""
    datasets: (
        dict[
            Name,
            Annotated[
                DataSetModel, BeforeValidator(_source_or_empty, json_schema_input_type=DataSetModel | Text | None)
            ],
        ]
        | None
    ) = None
    """The data sets by name; every pair is trained on each."""
    pairs: Pairs
    """One or more of `teacher -> student`, names of networks."""
    networks: dict[
        Name, Annotated[NetworkModel, BeforeValidator(_named_source, json_schema_input_type=NetworkModel | Text)]
    ] = {}
    """Networks of your own by name: `{mine: {from: ./net.py:Net, width: 2}}`; pairs may name such a factory, too."""
    teachers: dict[
        Name, Annotated[TeacherModel, BeforeValidator(_or_empty, json_schema_input_type=TeacherModel | None)]
    ] = {}
    """Where the weights of a pair's teacher come from, by its name."""
    recipe: RecipeText | None = None
    """How students are trained: a recipe's name, or `{base: name, epochs: 60, …}`; by default the data set's."""
    methods: Annotated[
        dict[Name, Annotated[EntryModel, BeforeValidator(_or_empty, json_schema_input_type=EntryModel | None)]],
        Field(min_length=1),
    ]
    """The entries by name: each is a row of the table, or several."""
    search: SearchModel | None = None
    """Budget and kind of the searches; needed where an entry has a range or a choice."""
    seeds: Seeds
    """How many seeds (3 is 0, 1 and 2; at most 10000), or which, each below 1000000; or `{first: 3, most: 12}`: seeds
    are added until comparisons are settled."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What networks compute in; auto: bfloat16 on a GPU that is good at it, else float32."""
    bank: StrictBool = True
    """Whether the teacher's logits are stored and shared by all trials."""
    predictions: StrictBool | None = None
    """Whether what each trained network answers to the test images is kept; by default where that takes at most 200 MB
    a training."""
    resources: ResourcesModel = ResourcesModel()
    """Cores and GPUs of a trial."""
    report: ReportModel = ReportModel()
    """How the report looks."""

    @property
    def reported_seeds(self) -> tuple[int, ...]:
        """The seeds that every row has."""
        return tuple(range(self.seeds.first)) if isinstance(self.seeds, UntilSettled) else self.seeds

    def teacher(self, name: str) -> TeacherModel:
        """Return what is said of a teacher: nothing of one that is not named."""
        return self.teachers.get(name) or TeacherModel()

    @property
    def sources(self) -> dict[str, DataSetModel]:
        """The data sets by name, however they were given."""
        return {self.dataset: DataSetModel()} if self.dataset else dict(self.datasets or {})
