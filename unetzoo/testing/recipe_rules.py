"""The contract of recipes, rule by rule."""

from unetzoo.assembly import create, create_loss
from unetzoo.testing.rules import Make, Rule, demand
from unetzoo.training.recipe import Recipe


def can_be_read(make: Make) -> None:
    """Its file is a recipe."""
    Recipe.load(make().path)


def suits_other_data(make: Make) -> None:
    """It names no data and no hash of data or weights, so that it suits other images."""
    recipe = Recipe.load(make().path)
    named = {
        "data.source": recipe.data.source,
        "data.hash": recipe.data.hash,
        "network.weights": recipe.network.weights,
    }
    demand(not any(named.values()), f"it has {', '.join(key for key, value in named.items() if value)}")


def is_a_network(make: Make) -> None:
    """Its network can be built, and its loss."""
    network, loss = (recipe := Recipe.load(make().path)).network, recipe.training.loss
    create(
        network.decoder,
        encoder=network.encoder,
        encoder_options=network.encoder_options,
        decoder_options=network.decoder_options,
        objects=network.objects,
        objects_options=network.objects_options,
        head_kernel_size=network.head_kernel_size,
        spatial_dims=network.spatial_dims,
    )
    if loss:
        create_loss(loss)


RULES: tuple[Rule, ...] = (can_be_read, suits_other_data, is_a_network)
