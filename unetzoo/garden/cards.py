"""What one needs to know of a recipe to choose it: what it is for, its network, what it gave, and who licenses what."""

from collections.abc import Sequence
from dataclasses import dataclass

from unetzoo.catalog import describe
from unetzoo.registry.host import host
from unetzoo.training.receipt import Receipt, read_receipt
from unetzoo.training.recipe import NetworkRecipe, Recipe

NOT_STATED = "not stated"
"""A license that nobody names."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A recipe, and what its plugin and its file say of it.

    Attributes:
        name: that `unetzoo train --recipe` takes.
        summary: for what kind of images it is.
        domain: the field of these images; empty: none.
        provider: the distribution that brings it, with its version.
        recipe: the file.
        receipt: what was measured; None: nothing.
    """

    name: str
    summary: str
    domain: str
    provider: str
    recipe: Recipe
    receipt: Receipt | None

    @property
    def network(self) -> str:
        """The parts, such as `"unet over resnet34, objects distance"`."""
        network = self.recipe.network
        objects = f", objects {network.objects}" if network.objects else ""
        return f"{network.decoder} over {network.encoder}{objects}"

    @property
    def result(self) -> str:
        """What the network finds."""
        return "objects" if self.recipe.network.objects else "classes"

    @property
    def is_of_volumes(self) -> bool:
        """Whether the network works over three axes."""
        return self.recipe.network.spatial_dims == 3

    @property
    def licenses(self) -> dict[str, str]:
        """By what they are of, `"data"` of the receipt and `"weights"` at the start, an identifier of SPDX."""
        found = {"data": self.receipt.license or NOT_STATED} if self.receipt else {}
        weights = _license_of_weights(self.recipe.network)
        return {**found, **({"weights": weights} if weights else {})}


def cards(names: Sequence[str]) -> list[Card]:
    """The cards of recipes.

    Args:
        names: of recipes that plugins provide, such as those of `unetzoo.list_recipes`.

    Raises:
        OptionError: the file of a recipe is not one, or its receipt has other keys.
        UnknownNameError: there is no recipe of that name.
    """
    return [_card(name) for name in names]


def _card(name: str) -> Card:
    entry = host().registries["recipe"].find(name)
    return Card(
        name=name,
        summary=entry.spec.summary,
        domain=entry.spec.domain,
        provider=str(entry.provider),
        recipe=Recipe.load(entry.spec.path),
        receipt=read_receipt(entry.spec.path),
    )


def _license_of_weights(network: NetworkRecipe) -> str:
    """That of the weights with which a training begins; empty if they are random.

    A part's description has the license of its first weights alone.
    """
    if network.start:
        return NOT_STATED
    if not network.pretrained:
        return ""
    encoder = describe("encoder", network.encoder)
    is_first = network.pretrained is True or [network.pretrained] == list(encoder.pretrained[:1])
    return (encoder.license if is_first else "") or NOT_STATED
