"""Look parts of one kind up by name; unknown and ambiguous names are errors that say what to do."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic, TypeVar, cast

from unetzoo.errors import ConflictError, MissingExtraError, PluginError, UnknownNameError, describe_error, did_you_mean
from unetzoo.specs import (
    CommandSpec,
    DatasetSpec,
    DecoderSpec,
    EncoderFamily,
    EncoderSpec,
    EngineSpec,
    FormatSpec,
    LossSpec,
    ObjectCodingSpec,
    RecipeSpec,
    noun,
)

Spec = (
    EncoderSpec
    | DecoderSpec
    | LossSpec
    | ObjectCodingSpec
    | DatasetSpec
    | FormatSpec
    | EngineSpec
    | RecipeSpec
    | CommandSpec
)
SpecT = TypeVar(
    "SpecT",
    EncoderSpec,
    DecoderSpec,
    LossSpec,
    ObjectCodingSpec,
    DatasetSpec,
    FormatSpec,
    EngineSpec,
    RecipeSpec,
    CommandSpec,
)

SPECS: dict[str, type[Spec]] = {
    "encoder": EncoderSpec,
    "decoder": DecoderSpec,
    "loss": LossSpec,
    "object": ObjectCodingSpec,
    "dataset": DatasetSpec,
    "format": FormatSpec,
    "engine": EngineSpec,
    "recipe": RecipeSpec,
    "command": CommandSpec,
}
KINDS = tuple(SPECS)
_PLURALS = {
    "encoder": "encoders",
    "decoder": "decoders",
    "loss": "losses",
    "object": "objects",
    "dataset": "datasets",
    "format": "formats",
    "engine": "engines",
    "recipe": "recipes",
    "command": "commands",
}


def plural(kind: str) -> str:
    """The plural of a kind, as in `unetzoo.list_losses`."""
    return _PLURALS[kind]


@dataclass(frozen=True, order=True)
class Provider:
    """The distribution that a part comes from."""

    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()


@dataclass(frozen=True)
class Offer:
    """A spec or a family of specs, the distribution that provides it, and the plugin of the distribution."""

    item: Spec | EncoderFamily
    provider: Provider
    plugin: str

    @property
    def owners(self) -> tuple[str, ...]:
        """The prefixes that qualify its names, as in `prefix:name`, the usual one first."""
        distribution = self.provider.distribution
        return (self.item.prefix, distribution) if isinstance(self.item, EncoderFamily) else (distribution,)

    def names(self) -> Collection[str]:
        """All names, without a prefix."""
        return self.item.names() if isinstance(self.item, EncoderFamily) else (self.item.name,)

    def spec(self, name: str) -> Spec:
        """The spec of one of its names."""
        return self.item.spec(name) if isinstance(self.item, EncoderFamily) else self.item


@dataclass(frozen=True)
class Entry(Generic[SpecT]):
    """The result of a look-up: a spec, its provider and its unambiguous name."""

    spec: SpecT
    provider: Provider
    qualified: str


class Registry(Generic[SpecT]):
    """Looks up the parts of one kind by `name`, `familyprefix:name` or `distribution:name`.

    Args:
        kind: one of `KINDS`.
        offers: what plugins provide of that kind.
    """

    def __init__(self, kind: str, offers: Iterable[Offer]) -> None:
        self.kind = kind
        self._offers = tuple(offers)

    def find(self, name: str) -> Entry[SpecT]:
        """The part of that name.

        Raises:
            UnknownNameError: there is none; the message proposes similar names.
            ConflictError: several plugins provide it and `name` is not qualified.
            PluginError: a family lists the name but cannot describe it.
        """
        owner, _, bare = name.rpartition(":")
        namesakes = [offer for offer in self._offers if bare in offer.names()]
        offers = _meant(owner, namesakes)
        if not offers:
            raise UnknownNameError(self._say_missing(name, owner))
        if len(offers) > 1:
            raise ConflictError(_say_conflict(self.kind, name, bare, offers, namesakes))
        return Entry(self._spec(offers[0], bare), offers[0].provider, _qualified(offers[0], bare, namesakes))

    def names(self, pattern: str = "*") -> list[str]:
        """All names that match a shell pattern (`*`, `?`, `[...]`), in natural order, each once.

        A pattern with a colon, such as `"timm:resnet*"`, is matched against qualified names.
        """
        matches: set[str] = set()
        for offer in self._offers:
            for bare in offer.names():
                ways = [f"{owner}:{bare}" for owner in offer.owners] if ":" in pattern else [bare]
                matches.update([name for name in ways if fnmatchcase(name, pattern)][:1])
        return sorted(matches, key=_natural)

    def conflicts(self) -> dict[str, tuple[Offer, ...]]:
        """The names that several plugins provide, in natural order, with their offers."""
        offers_of: dict[str, list[Offer]] = {}
        for offer in self._offers:
            for name in offer.names():
                offers_of.setdefault(name, []).append(offer)
        return {name: tuple(offers_of[name]) for name in sorted(offers_of, key=_natural) if len(offers_of[name]) > 1}

    def _spec(self, offer: Offer, bare: str) -> SpecT:
        try:
            spec = offer.spec(bare)
        except MissingExtraError:
            raise  # not the plugin's fault; it says what to do
        except Exception as error:  # a plugin's function may raise anything
            problem = f"plugin {offer.plugin!r} lists {noun(self.kind)} {bare!r} but cannot describe it"
            raise PluginError(f"{problem}: {describe_error(error)}") from error
        if not isinstance(spec, SPECS[self.kind]):
            raise PluginError(f"plugin {offer.plugin!r} describes {noun(self.kind)} {bare!r} by {spec!r}")
        return cast("SpecT", spec)  # the isinstance above, which a checker cannot follow

    def _say_missing(self, name: str, owner: str) -> str:
        offers = [offer for offer in self._offers if not owner or owner in offer.owners]
        if not offers:
            owners = sorted({each for offer in self._offers for each in offer.owners})
            hint = f"{did_you_mean(owner, owners)} " if did_you_mean(owner, owners) else ""
            return f"no plugin named {owner!r} provides {plural(self.kind)}; {hint}plugins that do: {', '.join(owners)}"
        prefix = f"{owner}:" if owner else ""
        known = {f"{prefix}{bare}" for offer in offers for bare in offer.names()}
        hint = f"; {did_you_mean(name, known)}" if did_you_mean(name, known) else ""
        call = f"unetzoo.list_{plural(self.kind)}({f'{prefix}*'!r})" if owner else f"unetzoo.list_{plural(self.kind)}()"
        return f"no {noun(self.kind)} named {name!r}{hint} ({call} shows all {len(known):,})"


def _meant(owner: str, namesakes: Sequence[Offer]) -> list[Offer]:
    """The offers of a name that it can mean with this prefix: one, unless it is ambiguous."""
    offers = [offer for offer in namesakes if not owner or owner in offer.owners]
    return [offer for offer in offers if offer.owners[0] == owner] or offers


def _qualified(offer: Offer, bare: str, namesakes: Sequence[Offer]) -> str:
    """The shortest unambiguous name of this offer, or the bare name where there is none."""
    return next((f"{owner}:{bare}" for owner in offer.owners if _meant(owner, namesakes) == [offer]), bare)


def _say_conflict(kind: str, name: str, bare: str, offers: Sequence[Offer], namesakes: Sequence[Offer]) -> str:
    plugins = " and ".join(offer.plugin for offer in offers)
    ways = [repr(way) for way in (_qualified(offer, bare, namesakes) for offer in offers) if way != bare]
    ask = f"ask for {' or '.join(ways)}, or " if ways else ""
    return f"{noun(kind)} {name!r} is provided by {plugins}; {ask}block one with UNETZOO_BLOCK"


def _natural(name: str) -> tuple[list[tuple[str, int]], str]:
    """A sorting key that puts resnet34 before resnet101."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)], name
