"""The recipe of a training: network, data and options in a file of TOML, from which it is run again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from unetzoo._utils.atomic import write_text
from unetzoo.checks import Range, check_fields, check_texts, plain
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.pixels import check_spacing
from unetzoo.data.formats.slices import Slicing
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.sources.cuts import SplitBy
from unetzoo.errors import OptionError, UnetzooError, did_you_mean
from unetzoo.nn.config import SpatialDims
from unetzoo.nn.normalization import Normalizations, check_normalization
from unetzoo.training.options import FitOptions
from unetzoo.training.recipe_file import RECEIPT, change, read_tables

_FORMAT = 1
_NULL = "null"  # TOML has none; on the command line it is written so, too
_HUB = "hf:"  # before the name of a data set there
Table = TypeVar("Table")


@dataclass(frozen=True, kw_only=True)
class NetworkRecipe:
    """The network of a recipe.

    Attributes:
        decoder: name of the decoder.
        encoder: name of the encoder.
        encoder_options: the encoder's own options.
        decoder_options: the decoder's own options.
        objects: name of a coding of objects; empty: classes of pixels.
        objects_options: the coding's own options.
        head_kernel_size: side of the kernel that makes the logits, in pixels.
        spatial_dims: 2 for images, or slices of volumes; 3 for whole volumes.
        classes: number of logits of a network of classes; None: one a class of the data.
        pretrained: the encoder's weights, as `unetzoo.create` takes them.
        start: the trained network that it begins with: a folder, `"user/name"` or `"user/name@commit"`; empty: none.
        weights: hash of the weights at the start; empty: not known.
    """

    decoder: str = "unet"
    encoder: str = "resnet34"
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    decoder_options: Mapping[str, Any] = field(default_factory=dict)
    objects: str = ""
    objects_options: Mapping[str, Any] = field(default_factory=dict)
    head_kernel_size: int = 1
    spatial_dims: SpatialDims = 2
    classes: Annotated[int | None, Range(1, 2**16)] = None
    pretrained: bool | str = False
    start: str = ""
    weights: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("encoder_options", "decoder_options", "objects_options"):
            if not isinstance(getattr(self, name), Mapping):
                raise OptionError(f"{name} must be a table of options, got {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """The data of a recipe.

    Attributes:
        source: folder, file or name of the data set; empty: data that was opened in Python.
        hash: of its images and masks, as `Survey.digest`; empty: not compared.
        classes: as for `unetzoo.survey`.
        channels: names of the channels of the images; empty: not known.
        masks: as for `unetzoo.survey`.
        ignore: as for `unetzoo.survey`.
        threshold: as for `unetzoo.survey`.
        nearest_color: as for `unetzoo.survey`.
        split_by: as for `unetzoo.survey`.
        slices: as for `unetzoo.survey`.
        axis: as for `unetzoo.survey`.
        folds: number of folds, each of which is held out once from a training of its own; None: no folds.
        fold: number of the fold, from 0, that is held out from this training; None: all of them, one after the other.
        nested: classes that may overlap, each of which contains the next.
        spacing: as for `unetzoo.fit`; empty: images are not resampled.
        normalization: of the values of all channels or of each, as for `unetzoo.fit`; empty: by mean and std of all
            images.
    """

    source: str = ""
    hash: str = ""
    classes: Classes | None = None
    channels: Sequence[str] = ()
    masks: Masks = "auto"
    ignore: Sequence[Value] | Value = ()
    threshold: float | None = None
    nearest_color: bool = False
    split_by: SplitBy = "auto"
    slices: int | None = None
    axis: str | None = None
    folds: Annotated[int | None, Range(2, 1000)] = None
    fold: Annotated[int | None, Range(0, 999)] = None
    nested: Sequence[str] = ()
    spacing: Sequence[float] = ()
    normalization: Normalizations = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", check_spacing(self.spacing))
        object.__setattr__(self, "normalization", check_normalization(self.normalization))
        for name in ("channels", "nested"):
            object.__setattr__(self, name, check_texts(name, getattr(self, name)))
        check_fields(self)
        if self.fold is not None and self.fold >= (self.folds or 0):
            raise OptionError(f"fold must be a number from 0 to folds - 1, got fold={self.fold}, folds={self.folds}")
        _ = self.mask_options, self.slicing

    @property
    def slicing(self) -> Slicing:
        """How volumes are read."""
        return Slicing(self.slices, self.axis)

    @property
    def mask_options(self) -> MaskOptions:
        """What the user says of the masks."""
        return MaskOptions(self.classes, self.masks, self.ignore, self.threshold, self.nearest_color)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The recipe of a training, which `unetzoo.fit_recipe` and `unetzoo train --recipe` run.

    `fit` writes one in the folder of each run. The same recipe gives the same weights, bit by bit, on the same machine
    with the same versions and number of threads; those are in the file, too.

    Attributes:
        network: parts, and the weights to begin with.
        data: source and meaning of images and masks.
        training: options of the training.
        versions: of the packages with which a run was made.
        machine: on which a run was made: device, instructions and number of threads of a CPU.
        command: the command line of a run; empty: it was run in Python.

    Raises:
        OptionError: a value is invalid.
    """

    network: NetworkRecipe = field(default_factory=NetworkRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    training: FitOptions = field(default_factory=FitOptions)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        check_spacing(self.data.spacing, AXES[-self.network.spatial_dims :])
        for name in ("versions", "machine"):
            values = getattr(self, name)
            if not isinstance(values, Mapping) or not all(isinstance(each, str) for each in values.values()):
                raise OptionError(f"{name} must be a table of texts, got {values!r}")

    @property
    def slicing(self) -> Slicing:
        """How volumes are read for the network."""
        return replace(self.data.slicing, whole=self.network.spatial_dims == 3)

    @property
    def has_all_folds(self) -> bool:
        """Whether it trains a network for each fold, one after the other."""
        return self.data.folds is not None and self.data.fold is None

    @classmethod
    def load(cls, path: str | Path, changes: Mapping[str, Any] | None = None) -> "Recipe":
        """Read a recipe, perhaps with other values.

        Args:
            path: a .toml file, the folder of a run, or a name, such as `"cells"`; see `unetzoo.list_recipes`.
            changes: values by key, such as `{"training.steps": 500}`; see `change`.

        Raises:
            OptionError: there is no such file, it is not TOML, or has an unknown key or an invalid value.
            UnknownNameError: there is no recipe of that name.
        """
        tables = read_tables(path)
        try:
            return cls.from_dict(change(tables, changes or {}))
        except UnetzooError as error:
            raise OptionError(f"the recipe {path}: {error}") from error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Recipe":
        """The inverse of `to_dict`; keys that are absent have their defaults, and a receipt is left out.

        Raises:
            OptionError: an unknown key, or an invalid value.
        """
        values = dict(data)
        values.pop(RECEIPT, None)
        number = values.pop("format", _FORMAT)
        if number != _FORMAT:
            raise OptionError(f"this unetzoo reads recipes of format {_FORMAT}, not {number!r}")
        _check_keys(values, cls, "")
        parts = {"network": NetworkRecipe, "data": DataRecipe, "training": FitOptions}
        built: dict[str, Any] = {name: _table(part, values.pop(name, {}), name) for name, part in parts.items()}
        return cls(**values, **built)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for TOML, without values that are None."""
        values = {name: value for name, value in asdict(self).items() if name not in ("versions", "machine", "command")}
        tables = {name: {key: _written(each) for key, each in table.items()} for name, table in values.items()}
        bare = {name: {key: each for key, each in table.items() if each is not None} for name, table in tables.items()}
        command = {"command": self.command} if self.command else {}
        more = {name: dict(each) for name, each in (("versions", self.versions), ("machine", self.machine)) if each}
        return {"format": _FORMAT, **command, **bare, **more}

    def without_places(self) -> "Recipe":
        """The recipe without what says where files lie, for the card of a network."""
        start, source = self.network.start, self.data.source
        return replace(
            self,
            command="",
            network=replace(self.network, start="" if Path(start).is_dir() else start),
            data=replace(self.data, source=source if source.startswith(_HUB) else Path(source).name),
        )

    def to_toml(self) -> str:
        """The text of its file."""
        import tomlkit

        text: str = tomlkit.dumps(self.to_dict())
        return text

    def save(self, path: str | Path) -> Path:
        """Write it to a file; a kill at any moment leaves the old file or the new one.

        Raises:
            WriteError: the file cannot be written.
        """
        write_text(Path(path), self.to_toml())
        return Path(path)


def _table(part: type[Table], values: object, name: str) -> Table:
    if not isinstance(values, Mapping):
        raise OptionError(f"{name} must be a table, got {values!r}")
    _check_keys(values, part, f"{name}.")
    try:
        return part(**{key: _nulls(value) if key.endswith("_options") else value for key, value in values.items()})
    except OptionError as error:
        raise OptionError(f"{name}.{error}") from error


def _check_keys(values: Mapping[str, Any], part: Any, prefix: str) -> None:  # noqa: ANN401 - any class of options
    names = [each.name for each in fields(part)]
    for key in values:
        if key not in names:
            hint = did_you_mean(key, names)
            raise OptionError(f"unknown key {prefix + key!r}; {hint or 'there are ' + ', '.join(names)}")


def _written(value: object) -> Any:  # noqa: ANN401 - any plain data
    """As TOML has it: lists for tuples, text for nothing within options."""
    value = plain(value)
    if isinstance(value, Mapping):
        return {str(key): _NULL if each is None else _written(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_NULL if each is None else _written(each) for each in value]
    return value


def _nulls(value: object) -> Any:  # noqa: ANN401 - any plain data
    """The inverse of `_written`."""
    if isinstance(value, Mapping):
        return {key: _nulls(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_nulls(each) for each in value]
    return None if value == _NULL else value
