"""Run a recipe, and complete that of a run with what makes it again."""

import platform
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from unetzoo.assembly import create
from unetzoo.data.find import Data
from unetzoo.data.survey.statistics import Statistics
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataError, OptionError, WeightsWarning
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.options import FitOptions
from unetzoo.training.recipe import DataRecipe, NetworkRecipe, Recipe
from unetzoo.training.recipe_file import RECIPE
from unetzoo.weights.lineage import hash_of_weights, lineage_of

_PACKAGES = ("unetzoo", "torch", "torchvision", "timm", "numpy", "accelerate")


def recipe_in_python(
    model: Segmenter, data: Data, said: DataRecipe, options: FitOptions | None, start: Segmenter | None
) -> Recipe:
    """The recipe of a training that is called in Python.

    Args:
        model: the network.
        data: which has a name only where it is not open already.
        said: what the user says of the data.
        options: of the training; None: the defaults.
        start: the network to begin with.
    """
    source = str(data) if isinstance(data, str | Path) else ""
    return Recipe(
        network=recipe_of_network(model, start),
        data=replace(said, source=source),
        training=options or FitOptions(),
    )


def recipe_of_network(model: Segmenter, start: Segmenter | None) -> NetworkRecipe:
    """The recipe of a network that was created in Python."""
    config = model.config
    return NetworkRecipe(
        decoder=config.decoder,
        encoder=config.encoder,
        encoder_options=config.encoder_options,
        decoder_options=config.decoder_options,
        objects=config.objects,
        objects_options=config.objects_options,
        head_kernel_size=config.head_kernel_size,
        spatial_dims=3 if config.spatial_dims == 3 else 2,
        classes=None if config.objects else config.classes,
        start=lineage_of(start)[0] if start else "",
    )


def create_network(recipe: Recipe, statistics: Statistics, *, is_resumed: bool = False) -> Segmenter:
    """The network of a recipe for a data set, its new weights drawn from the seed of the training.

    That of a run which is resumed gets its weights from the checkpoint, and needs none from elsewhere.
    """
    network, count = recipe.network, len(statistics.class_names)
    torch.manual_seed(recipe.training.seed)
    return create(
        network.decoder,
        encoder=network.encoder,
        encoder_options=network.encoder_options,
        decoder_options=network.decoder_options,
        objects=network.objects,
        objects_options=network.objects_options,
        head_kernel_size=network.head_kernel_size,
        classes=1 if network.objects else network.classes or count,
        object_classes=max(1, count - 1) if network.objects else 1,
        labels="exclusive" if network.objects else statistics.labels,
        in_channels=statistics.channels,
        spatial_dims=network.spatial_dims,
        pretrained=False if is_resumed else network.pretrained,
    )


def complete(recipe: Recipe, model: Segmenter, survey: Survey, device: torch.device, resumed: Path | None) -> Recipe:
    """The recipe with hashes of data and weights, versions and machine; warns of what differs from those it has.

    Args:
        recipe: of a run that begins or continues.
        model: with the weights to begin with.
        survey: of its data.
        device: of the training.
        resumed: the folder of a run that continues, whose weights at the start are known from its recipe; None: it is
            new.

    Raises:
        DataError: the recipe has the hash of other data.
    """
    check_data(recipe, survey)
    weights = _first_weights(resumed) if resumed else hash_of_weights(model)
    now = Recipe(
        network=replace(recipe.network, weights=weights),
        data=replace(recipe.data, hash=survey.digest),
        training=recipe.training,
        versions=_versions(model.config.providers),
        machine=_machine(device),
        command=recipe.command,
    )
    differences = [*_differences(recipe.versions, now.versions), *_differences(recipe.machine, now.machine)]
    if not resumed and recipe.network.weights not in ("", weights):
        differences.insert(0, "the weights to begin with")
    if differences:
        text = f"not as in the recipe, so that the weights will differ: {', '.join(differences)}"
        warnings.warn(text, WeightsWarning, stacklevel=4)
    return now


def check_data(recipe: Recipe, survey: Survey) -> None:
    """Raise DataError if a recipe has the hash of other data."""
    if recipe.data.hash not in ("", survey.digest):
        raise DataError(
            f"the images or masks in {recipe.data.source or 'the data'} are not those of the recipe, which says "
            f"{recipe.data.hash}, but {survey.digest}: name the data beside the recipe, or remove data.hash (--set "
            "data.hash=), to train on them as they are"
        )


def _first_weights(folder: Path) -> str:
    """The hash of the weights that a run began with; empty if it has no recipe."""
    try:
        return Recipe.load(folder / RECIPE).network.weights
    except OptionError:
        return ""


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = [name for name in before if name in now and before[name] != now[name]]
    return [f"{name} {now[name]} instead of {before[name]}" for name in names]


def _machine(device: torch.device) -> dict[str, str]:
    """What the last digits of sums depend on."""
    if device.type == "cuda":
        return {"device": torch.cuda.get_device_name(device)}
    instructions = torch.backends.cpu.get_cpu_capability()
    return {"device": f"{platform.machine()} {instructions}", "threads": str(torch.get_num_threads())}


def _versions(providers: Mapping[str, str]) -> dict[str, str]:
    """The versions of Python and of the packages that compute, those of plugins included."""
    packages = dict.fromkeys((*_PACKAGES, *(provider.partition(" ")[0] for provider in providers.values())))
    versions = {"python": platform.python_version()}
    for package in packages:
        with suppress(PackageNotFoundError):  # a plugin that is registered without a distribution
            versions[package] = version(package)
    return versions
