"""The names of one kind of part, who provides each, and what to say about a name that is missing or offered twice."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from unetzoo.errors import ConflictError, UnknownNameError, did_you_mean
from unetzoo.specs import DecoderSpec, EncoderFamily, EncoderSpec, LossSpec

Spec = EncoderSpec | DecoderSpec | LossSpec
SpecT = TypeVar("SpecT", EncoderSpec, DecoderSpec, LossSpec)

KINDS = ("encoder", "decoder", "loss")
_PLURALS = {"encoder": "encoders", "decoder": "decoders", "loss": "losses"}


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
    """A spec or a family, and who provides it."""

    item: Spec | EncoderFamily
    provider: Provider


@dataclass(frozen=True)
class Entry(Generic[SpecT]):
    """A spec that was found, who provides it, and the name that is its alone."""

    spec: SpecT
    provider: Provider
    qualified: str


class Registry(Generic[SpecT]):
    """Looks up the parts of one kind by `name`, `distribution:name` or `familyprefix:name`.

    Args:
        kind: `"encoder"`, `"decoder"` or `"loss"`.
        offers: all that plugins offer of that kind.
    """

    def __init__(self, kind: str, offers: Iterable[Offer]) -> None:
        self.kind = kind
        self._specs: dict[str, list[Offer]] = {}
        self._families: list[Offer] = []
        for offer in offers:
            if isinstance(offer.item, EncoderFamily):
                self._families.append(offer)
            else:
                self._specs.setdefault(offer.item.name, []).append(offer)

    def find(self, name: str) -> Entry[SpecT]:
        """The one part of that name.

        Raises:
            UnknownNameError: when there is none; says what is near.
            ConflictError: when several plugins offer it and `name` does not say whose.
        """
        prefix, _, bare = name.rpartition(":")
        entries = [entry for owners, entry in self._named(bare) if not prefix or prefix in owners]
        if not entries:
            raise UnknownNameError(self._missing(name, prefix, bare))
        if len(entries) > 1:
            raise ConflictError(self._conflict(name, entries))
        return entries[0]

    def names(self, pattern: str = "*") -> list[str]:
        """All names that match a shell pattern (`*`, `?`, `[...]`), in natural order, each once."""
        qualified = ":" in pattern
        names = {
            name
            for bare, owners in self._all()
            for name in ([f"{owner}:{bare}" for owner in owners] if qualified else [bare])
            if fnmatchcase(name, pattern)
        }
        return sorted(names, key=_natural)

    def conflicts(self) -> dict[str, tuple[Provider, ...]]:
        """The names that several plugins offer, with their providers."""
        crowded = {name for name, offers in self._specs.items() if len(offers) > 1}
        crowded |= {name for name in self._specs for family in self._families if name in _names(family)}
        for index, family in enumerate(self._families):
            for other in self._families[index + 1 :]:
                crowded |= set(_names(family)) & set(_names(other))
        return {
            name: tuple(entry.provider for _, entry in self._named(name)) for name in sorted(crowded, key=_natural)
        }

    def _named(self, bare: str) -> Iterator[tuple[set[str], Entry[SpecT]]]:
        """Every offer of a bare name, with the prefixes that qualify it."""
        for offer in self._specs.get(bare, ()):
            owner = offer.provider.distribution
            yield {owner}, Entry(offer.item, offer.provider, f"{owner}:{bare}")  # type: ignore[arg-type] # by kind
        for offer in self._families:
            family = offer.item
            assert isinstance(family, EncoderFamily)
            if bare in _names(offer):
                owners = {offer.provider.distribution, family.prefix}
                yield owners, Entry(family.spec(bare), offer.provider, f"{family.prefix}:{bare}")  # type: ignore[arg-type] # by kind

    def _all(self) -> Iterator[tuple[str, set[str]]]:
        for name, offers in self._specs.items():
            yield name, {offer.provider.distribution for offer in offers}
        for offer in self._families:
            assert isinstance(offer.item, EncoderFamily)
            for name in _names(offer):
                yield name, {offer.item.prefix}

    def _missing(self, name: str, prefix: str, bare: str) -> str:
        owners = sorted({owner for _, owners in self._all() for owner in owners})
        if prefix and prefix not in owners:
            return f"nobody called {prefix!r} offers {plural(self.kind)}; those who do: {', '.join(owners)}"
        known = self.names(f"{prefix}:*" if prefix else "*")
        hint = did_you_mean(name, known)
        found = f"; {hint}" if hint else ""
        return f"no {self.kind} named {name!r}{found} (unetzoo.list_{plural(self.kind)}() shows all {len(known):,})"

    def _conflict(self, name: str, entries: list[Entry[SpecT]]) -> str:
        providers = " and ".join(str(entry.provider) for entry in entries)
        ways_out = " or ".join(repr(entry.qualified) for entry in entries)
        return f"{self.kind} {name!r} is offered by {providers}; ask for {ways_out}, or block one with UNETZOO_BLOCK"


def _names(family: Offer) -> frozenset[str] | tuple[str, ...]:
    assert isinstance(family.item, EncoderFamily)
    names = family.item.names()
    return names if isinstance(names, frozenset) else tuple(names)


def _natural(name: str) -> list[tuple[int, str]]:
    """A sorting key that puts resnet34 before resnet101."""
    return [(int(number or 0), text) for text, number in re.findall(r"(\D*)(\d*)", name)]
