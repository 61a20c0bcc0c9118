"""What is done with the probabilities and the masks of a network of classes, chosen on images with known classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from unetzoo.checks import Range, check_fields, check_probability, check_texts, check_whole
from unetzoo.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class Postprocessing:
    """How class ids follow from logits; the defaults change nothing. Classes are named as the network names them.

    Attributes:
        temperature: logits are divided by it before the softmax or sigmoid (Guo et al. 2017, arXiv:1706.04599, section
            4.2), which leaves the most probable class as it is.
        thresholds: probability above which a class takes a pixel, as in `PredictOptions`.
        fill_holes: classes that take the pixels of the first class, the background, that they enclose.
        min_size: number of pixels of the smallest component of a class that stays; smaller ones become background.
        largest: classes of which the largest component of an image stays alone.

    Raises:
        OptionError: a value is invalid.
    """

    temperature: Annotated[float, Range(0.01, 100)] = 1.0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    fill_holes: Sequence[str] = ()
    min_size: Mapping[str, int] = field(default_factory=dict)
    largest: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("fill_holes", "largest"):
            object.__setattr__(self, name, check_texts(name, getattr(self, name)))
        for name in ("thresholds", "min_size"):
            if not isinstance(getattr(self, name), Mapping):
                raise OptionError(f"{name} must map names of classes to numbers, got {getattr(self, name)!r}")
        limits = {name: check_probability(f"the threshold of {name!r}", each) for name, each in self.thresholds.items()}
        sizes = {name: check_whole(f"the smallest size of {name!r}", each, 1) for name, each in self.min_size.items()}
        object.__setattr__(self, "thresholds", limits)
        object.__setattr__(self, "min_size", sizes)

    @property
    def needs_components(self) -> bool:
        """Whether it needs the whole mask of an image."""
        return bool(self.fill_holes or self.min_size or self.largest)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Postprocessing":
        """The inverse of `to_dict`.

        Raises:
            OptionError: an unknown key, or an invalid value.
        """
        names = [each.name for each in fields(cls)]
        for key in data:
            if key not in names:
                raise OptionError(f"unknown kind of post-processing {key!r}; there are {', '.join(names)}")
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without defaults."""
        default = Postprocessing()
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        changed = {name: value for name, value in values.items() if value != getattr(default, name)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}
