"""The configuration of a network, which is saved beside its weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from unetzoo.checks import check_choice, check_count, check_probability, plain, whole
from unetzoo.errors import ConfigError, OptionError
from unetzoo.nn.coding import Labels
from unetzoo.nn.info import LATER, ModelInfo
from unetzoo.nn.postprocessing import Postprocessing

FORMAT = 1
_LONGEST_OPTIONS = 100_000  # letters
Pooling = Literal["avg", "max"]
SpatialDims = Literal[2, 3]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The arguments of `unetzoo.create`, which documents them, that rebuild a network, and more about it.

    Attributes:
        classes: channels of the logits, those of all maps of objects included.
        objects: coding of the objects; empty: the network gives classes of pixels.
        objects_options: the coding's own options.
        spatial_dims: number of axes of the images: 2, or 3 for volumes.
        labels: `"overlapping"`: each channel of the logits is a class of its own, and a pixel may have several.
        postprocessing: how class ids follow from the logits, see `unetzoo.nn.postprocessing`; empty: the most probable
            class.
        providers: distribution and version of the plugins that provide `"encoder"`, `"decoder"` and `"objects"`.
        info: what is known about the trained network.

    Raises:
        ConfigError: a value is invalid, or cannot be written as JSON.
    """

    decoder: str
    encoder: str
    classes: int = 1
    in_channels: int = 3
    spatial_dims: int = 2
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    decoder_options: Mapping[str, Any] = field(default_factory=dict)
    head_kernel_size: int = 1
    aux_classes: int = 0
    aux_pooling: Pooling = "avg"
    aux_dropout: float = 0.2
    objects: str = ""
    objects_options: Mapping[str, Any] = field(default_factory=dict)
    labels: Labels = "exclusive"
    postprocessing: Mapping[str, Any] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    info: ModelInfo = field(default_factory=ModelInfo)

    def __post_init__(self) -> None:
        for name in ("decoder", "encoder", "objects"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name} must be a name, got {getattr(self, name)!r}")
        try:
            self._check_numbers()
        except OptionError as error:
            raise ConfigError(str(error)) from error
        for name in ("encoder_options", "decoder_options", "objects_options", "postprocessing", "providers"):
            object.__setattr__(self, name, _plain(name, getattr(self, name)))
        if self.postprocessing:
            self._check_postprocessing()
        self._check_objects()

    def _check_objects(self) -> None:
        if self.objects_options and not self.objects:
            raise ConfigError(f"objects_options {self.objects_options!r} need the name of a coding, objects=...")
        if self.objects and self.labels == "overlapping":
            raise ConfigError("a network of objects has no classes that overlap: leave objects or labels out")

    def _check_numbers(self) -> None:
        """Convert numbers to Python's own; OptionError for invalid ones."""
        for name in ("classes", "in_channels", "head_kernel_size"):
            object.__setattr__(self, name, check_count(name, getattr(self, name)))
        if self.head_kernel_size % 2 == 0:
            raise OptionError(f"head_kernel_size must be odd, got {self.head_kernel_size}")
        if whole(self.aux_classes) != 0:
            object.__setattr__(self, "aux_classes", check_count("aux_classes", self.aux_classes))
        dims = whole(self.spatial_dims)
        check_choice("spatial_dims", self.spatial_dims if dims is None else dims, SpatialDims)
        object.__setattr__(self, "spatial_dims", dims)
        check_choice("aux_pooling", self.aux_pooling, Pooling)
        check_choice("labels", self.labels, Labels)
        object.__setattr__(self, "aux_dropout", check_probability("aux_dropout", self.aux_dropout))

    def _check_postprocessing(self) -> None:
        if self.objects or self.labels == "overlapping":
            raise ConfigError("post-processing is for classes that exclude one another, and the network has others")
        try:
            object.__setattr__(self, "postprocessing", Postprocessing.from_dict(self.postprocessing).to_dict())
        except OptionError as error:
            raise ConfigError(f"postprocessing: {error}") from error

    @property
    def post(self) -> Postprocessing:
        """The post-processing; its defaults change nothing."""
        return Postprocessing.from_dict(self.postprocessing)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the number of its format; without objects and overlaps where there are none."""
        values = asdict(self)
        values["info"] = {name: value for name, value in values["info"].items() if value or name not in LATER}
        if not self.objects:
            del values["objects"], values["objects_options"]
        if not self.postprocessing:
            del values["postprocessing"]
        if self.labels == "exclusive":
            del values["labels"]
        if self.spatial_dims == 2:
            del values["spatial_dims"]
        return {"format": FORMAT, **values}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ModelConfig":
        """The inverse of `to_dict`.

        Raises:
            ConfigError: another format, missing or unknown keys, or an invalid value.
        """
        if not isinstance(data, Mapping):
            raise ConfigError(f"a configuration is a mapping, got {data!r}")
        values = dict(data)
        number = values.pop("format", None)
        if number != FORMAT:
            newer = isinstance(number, int) and number > FORMAT
            hint = "; a newer version of unetzoo wrote it: upgrade" if newer else ""
            raise ConfigError(f"this unetzoo reads configurations of format {FORMAT}, not {number!r}{hint}")
        known = {item.name for item in fields(cls)}
        problems = [f"unknown key {key!r}" for key in sorted(values.keys() - known)]
        problems += [f"no {key!r}" for key in ("decoder", "encoder") if key not in values]
        if problems:
            raise ConfigError(f"not a configuration of a unetzoo model: {', '.join(problems)}")
        if "info" in values:
            values["info"] = ModelInfo.from_dict(values["info"])
        return cls(**values)


def is_sigmoid(config: ModelConfig) -> bool:
    """Whether the probability of a class is the sigmoid of its logit, and not the softmax over all of them."""
    return config.classes == 1 or config.labels == "overlapping"


def case_noun(config: ModelConfig) -> str:
    """What a network sees at once, for people: `"image"` or `"volume"`."""
    return "volume" if config.spatial_dims == 3 else "image"


def _plain(name: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that survives JSON: its sequences are lists."""
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{name} must be a mapping, got {mapping!r}")
    try:
        copied = _as_lists(plain(mapping))
        text = json.dumps(copied, allow_nan=False)
        read_back: dict[str, Any] = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name} must be plain data (numbers, strings, lists, mappings): {error}") from error
    if len(text) > _LONGEST_OPTIONS:
        raise ConfigError(f"{name} take {len(text):,} letters as JSON; at most {_LONGEST_OPTIONS:,} are read")
    if read_back != copied:
        raise ConfigError(f"{name} must have strings as keys, got {dict(mapping)!r}")
    return read_back


def _as_lists(value: object) -> Any:  # noqa: ANN401 - any plain data
    if isinstance(value, Mapping):
        return {key: _as_lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_lists(item) for item in value]
    return value
