"""What a model was made from: the only thing that is serialised beside its weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from unetzoo.errors import ConfigError

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The arguments of `unetzoo.create` that rebuild a model, and who provided its parts.

    Attributes:
        decoder: name of the decoder.
        encoder: name of the encoder.
        classes: channels of the logits.
        in_channels: channels of the image.
        encoder_options: the encoder's own options.
        decoder_options: the decoder's own options.
        head_kernel_size: of the convolution that makes the logits, in pixels.
        providers: for `"encoder"` and `"decoder"`, the distribution and version that provided it.

    Raises:
        ConfigError: when an option cannot be written as JSON.
    """

    decoder: str
    encoder: str
    classes: int = 1
    in_channels: int = 3
    encoder_options: Mapping[str, Any] = field(default_factory=dict)
    decoder_options: Mapping[str, Any] = field(default_factory=dict)
    head_kernel_size: int = 1
    providers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("encoder_options", "decoder_options", "providers"):
            object.__setattr__(self, name, _plain(name, getattr(self, name)))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the number of its format."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ModelConfig":
        """The inverse of `to_dict`.

        Raises:
            ConfigError: for another format, or keys that are missing or unknown.
        """
        found = dict(data)
        number = found.pop("format", None)
        if number != FORMAT:
            raise ConfigError(f"this is a configuration of format {number!r}; this version of unetzoo reads {FORMAT}")
        known = {item.name for item in fields(cls)}
        problems = [f"unknown key {key!r}" for key in sorted(found.keys() - known)]
        problems += [f"no {key!r}" for key in ("decoder", "encoder") if key not in found]
        if problems:
            raise ConfigError(f"not a configuration of a unetzoo model: {', '.join(problems)}")
        return cls(**found)


def _plain(name: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that JSON gives back as it is."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(mapping), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be plain data (numbers, strings, lists, mappings): {error}") from error
    return plain
