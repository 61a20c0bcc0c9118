"""The combinations of a grid, and parts as they are written: `name(option=value)`, with `*` and braces."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from unetzoo._utils.grammar import parse_call
from unetzoo.checks import check_count
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.nn.coding import Labels
    from unetzoo.nn.segmenter import Segmenter

_BRACES = re.compile(r"(.*?)\{([^{}]*)\}(.*)")
_MOST = 100_000
_NEWER = ("objects", "engine", "recipe")  # fields that change the names of files only where they are set
_LONGEST = 120  # letters of a file name, which most systems limit to 255 bytes


@dataclass(frozen=True, kw_only=True)
class Combination:
    """One network that is trained once.

    Attributes:
        decoder: name of a decoder, optionally with options, such as `"unetpp(deep_supervision=True)"`.
        encoder: likewise, such as `"plain(widths=(35, 70, 140))"`.
        loss: an expression; empty: that of `FitOptions` for the data, or for objects, whose maps have losses of their
            own.
        data: name of a data set, or what `unetzoo data check` reads.
        seed: of weights and training.
        steps: updates of the weights; None: `seconds` is the budget.
        seconds: of training, converted into steps; None: `steps` is the budget.
        batch: crops a step.
        crop: side of the crops in pixels.
        size: side of the timed image in pixels.
        training: other options of the training, as `FitOptions` has them.
        objects: coding of the objects, optionally with options, such as `"distance(min_size=15)"`; empty: none.
        engine: that times the trained network; empty: torch, on the device of the training.
        recipe: that names the parts and the options of the training, for tables; empty: none.

    Raises:
        OptionError: for a number below 1, for a loss beside objects, or unless exactly one of steps and seconds is set.
    """

    decoder: str
    encoder: str
    loss: str
    data: str
    seed: int
    steps: int | None = None
    seconds: float | None = None
    batch: int = 8
    crop: int = 128
    size: int = 256
    training: Mapping[str, Any] = field(default_factory=dict, hash=False)
    objects: str = ""
    engine: str = ""
    recipe: str = ""

    def __post_init__(self) -> None:
        for name in ("batch", "crop", "size"):
            check_count(name, getattr(self, name))
        if (self.steps is None) == (self.seconds is None):
            raise OptionError("choose either steps or seconds as the budget of a training")
        if self.loss and self.objects and not self.recipe:
            raise OptionError("choose either losses of classes, or codings of objects, which have their own losses")
        if self.steps is not None:
            check_count("steps", self.steps)
        elif not (self.seconds or 0) > 0:
            raise OptionError(f"seconds must be a number > 0, got {self.seconds!r}")

    @property
    def title(self) -> str:
        """For messages."""
        network = self.recipe, self.decoder, self.encoder, self.loss or self.objects
        return ", ".join(filter(None, (*network, self.data, f"seed {self.seed}", self.engine)))

    @property
    def file_name(self) -> str:
        """The name of the file with its result."""
        fields = {name: value for name, value in asdict(self).items() if name not in _NEWER or value}
        network = self.recipe or f"{self.decoder}-{self.encoder}"
        words = filter(None, (network, self.loss or self.objects, self.data, str(self.seed)))
        return file_name("-".join(words), fields)


def file_name(words: str, fields: Mapping[str, Any]) -> str:
    """The name of a result's file: readable, and different for every field that could change the result."""
    digest = blake2b(repr(sorted(fields.items())).encode(), digest_size=4).hexdigest()
    readable = re.sub(r"[^\w.+-]+", "-", words)[:_LONGEST]
    return f"{readable}-{digest}.json"


def expand(
    *,
    decoders: Sequence[str] = (),
    encoders: Sequence[str] = (),
    losses: Sequence[str] = (),
    objects: Sequence[str] = (),
    recipes: Sequence[str] = (),
    data: Sequence[str],
    seeds: int,
    **budget: Any,  # noqa: ANN401 - the other fields of `Combination`, which checks them
) -> list[Combination]:
    """Every combination, seed by seed, so that a grid that is stopped early has results of each.

    Args:
        decoders: names or patterns, such as `"unet*"` or `"{unet,fpn}"`.
        encoders: likewise, such as `"resnet{18,34}"` or `"convnext_*"`.
        losses: expressions; with neither these nor objects, the default for the data.
        objects: codings of objects, instead of losses, named as decoders are.
        recipes: instead of all of these, recipes that name parts and options of the training, as `Recipe.load` reads
            them; the budget comes before what they say of steps, batch and crops.
        data: data sets.
        seeds: their number, from 0 on.
        budget: the other fields of `Combination`.

    Raises:
        OptionError: a pattern matches nothing; the grid is empty or too large; there are losses and objects, or parts
            beside recipes; a recipe cannot be read, or says what no grid does.
        UnknownNameError: there is no such decoder, encoder, coding or recipe.
    """
    from unetzoo.bench.by_recipe import fields_of_recipe

    check_count("seeds", seeds)
    if losses and objects:
        raise OptionError("choose either losses of classes, or codings of objects, which have their own losses")
    if recipes and (decoders or encoders or losses or objects):
        raise OptionError("a recipe names the network and the loss: leave decoders, encoders, losses and objects out")
    networks = [fields_of_recipe(name) for name in dict.fromkeys(recipes)] or [
        {"decoder": decoder, "encoder": encoder, "loss": loss, "objects": coding}
        for decoder, encoder, (loss, coding) in product(
            parts("decoder", decoders), parts("encoder", encoders), _targets(losses, objects)
        )
    ]
    datasets = list(dict.fromkeys(data))
    if not (datasets and networks):
        raise OptionError("a grid needs at least one data set, and one decoder and one encoder, or one recipe")
    if (count := seeds * len(datasets) * len(networks)) > _MOST:
        raise OptionError(f"the grid has {count:,} combinations, more than {_MOST:,}")
    return [
        Combination(**network | budget, data=name, seed=seed)
        for seed, name, network in product(range(seeds), datasets, networks)
    ]


def _targets(losses: Sequence[str], objects: Sequence[str]) -> list[tuple[str, str]]:
    """Loss and coding of objects of each network of the same parts; both empty: what the data suggest."""
    return [(loss, "") for loss in dict.fromkeys(losses)] + [("", name) for name in parts("object", objects)] or [
        ("", "")
    ]


def parts(kind: Literal["decoder", "encoder", "object"], patterns: Sequence[str]) -> list[str]:
    """The parts that patterns match, see `matching`.

    Raises:
        OptionError: a pattern matches nothing.
        UnknownNameError: there is no such part.
    """
    from unetzoo.catalog import describe, list_decoders, list_encoders, list_objects

    names = {"decoder": list_decoders, "encoder": list_encoders, "object": list_objects}
    written = matching(patterns, names[kind])
    for name in {parse_call(one)[0] for one in written}:
        describe(kind, name)
    return written


def create_parts(
    decoder: str,
    encoder: str,
    *,
    objects: str = "",
    classes: int = 1,
    in_channels: int = 3,
    labels: "Labels" = "exclusive",
    pretrained: bool | str = False,
) -> "Segmenter":
    """A network of parts as they are written, such as `"unetpp(deep_supervision=True)"`.

    With a coding of objects, the first of several classes is the background, and the others are those of objects.
    """
    from unetzoo.assembly import create

    (decoder, decoder_options), (encoder, encoder_options) = parse_call(decoder), parse_call(encoder)
    objects, objects_options = parse_call(objects) if objects else ("", {})
    return create(
        decoder,
        encoder=encoder,
        classes=1 if objects else classes,
        object_classes=max(1, classes - 1) if objects else 1,
        in_channels=in_channels,
        encoder_options=encoder_options,
        decoder_options=decoder_options,
        objects=objects,
        objects_options=objects_options,
        labels=labels,
        pretrained=pretrained,
    )


def matching(patterns: Sequence[str], names: Callable[[str], list[str]]) -> list[str]:
    """The names that patterns with `*` and braces match, each once, in the order of the patterns."""
    matches: dict[str, None] = {}
    for pattern in (single for text in patterns for single in without_braces(text)):
        name, options = parse_call(pattern)
        matching_names = names(name) if "*" in name or "?" in name else [name]
        if not matching_names:
            raise OptionError(f"nothing matches {pattern!r}")
        written = pattern[len(name) :] if options else ""
        matches.update(dict.fromkeys(f"{match}{written}" for match in matching_names))
    return list(matches)


def without_braces(pattern: str) -> list[str]:
    """`"resnet{18,34}"` as `["resnet18", "resnet34"]`."""
    match = _BRACES.fullmatch(pattern)
    if not match:
        return [pattern]
    before, choices, after = match.groups()
    return [f"{before}{choice}{rest}" for choice in choices.split(",") for rest in without_braces(after)]


def split_commas(text: str) -> list[str]:
    """`"a,b{1,2}"` as `["a", "b{1,2}"]`: at commas outside braces and parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "{(") - (letter in "})")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
