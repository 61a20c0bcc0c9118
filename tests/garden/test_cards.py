"""Cards of recipes: who licenses what."""

import pytest

from unetzoo import list_recipes
from unetzoo.catalog import describe
from unetzoo.garden.cards import NOT_STATED, Card, cards
from unetzoo.training.recipe import NetworkRecipe, Recipe


def _card(**network):
    recipe = Recipe(network=NetworkRecipe(**network))
    return Card(name="mine", summary="", domain="", provider="me", recipe=recipe, receipt=None)


def test_each_recipe_has_a_card_of_its_domain():
    domains = {card.name: card.domain for card in cards(list_recipes())}
    assert domains["cells"] == "microscopy"
    assert domains["brain"] == "radiology"
    assert all(domains.values())


def test_a_card_names_the_parts_and_what_they_find():
    card = _card(decoder="fpn", encoder="plain", objects="distance", spatial_dims=3)
    assert (card.network, card.result, card.is_of_volumes) == ("fpn over plain, objects distance", "objects", True)
    card = _card()
    assert (card.network, card.result, card.is_of_volumes) == ("unet over resnet34", "classes", False)


@pytest.mark.parametrize(
    ("network", "licenses"),
    [
        ({"encoder": "resnet18"}, {}),
        ({"encoder": "resnet18", "pretrained": True}, {"weights": "apache-2.0"}),  # as timm says of a1_in1k
        ({"encoder": "resnet18", "pretrained": "a1_in1k"}, {"weights": "apache-2.0"}),
        ({"encoder": "resnet18", "pretrained": "fb_ssl_yfcc100m_ft_in1k"}, {"weights": NOT_STATED}),  # cc-by-nc-4.0
        ({"encoder": "resnet18", "start": "somebody/network"}, {"weights": NOT_STATED}),
    ],
)
def test_weights_at_the_start_have_their_license(network, licenses):
    assert _card(**network).licenses == licenses
    assert describe("encoder", "resnet18").pretrained[0] == "a1_in1k"
