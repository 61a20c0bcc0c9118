"""What a run begins with: new weights, those of a trained network, or those of its own last checkpoint."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unetzoo._utils.texts import count_of
from unetzoo.data.survey.statistics import Statistics
from unetzoo.errors import OptionError, ShapeError, TrainingError
from unetzoo.inference.files.bands import channel_order
from unetzoo.nn.normalization import ChannelNormalization, check_normalization, text_of
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.options import FitOptions
from unetzoo.training.recipe import Recipe
from unetzoo.training.run import Run
from unetzoo.weights.inherit import Inheritance, inherit
from unetzoo.weights.lineage import lineage_of

_RATES = ("learning_rate", "encoder_rate")


def completed(recipe: Recipe, run: Run | None, model: Segmenter) -> FitOptions:
    """The options with learning rates, by the run which is resumed, or by what the recipe begins with and the network.

    A run which is resumed has its length, too, unless the options say another.
    """
    options, network = recipe.training, recipe.network
    if run:
        known = {name: getattr(run.options, name) for name in _RATES if getattr(options, name) is None}
        options = replace(options, **known)
    if run and options.has_default_length:
        options = replace(options, steps=run.options.steps, epochs=run.options.epochs)
    is_trained = model.is_trained or bool(network.start)
    return options.for_start(is_trained=is_trained, width=model.encoder.features.channels[-1])


def pinned(recipe: Recipe, start: Segmenter | None) -> Recipe:
    """The recipe with the commit of the repository that it begins with, if that was pulled by its name."""
    source, name = start.config.info.source if start else "", recipe.network.start.partition("@")[0]
    if not source or Path(name).exists() or source.partition("@")[0] != name:
        return recipe
    return replace(recipe, network=replace(recipe.network, start=source))


def with_channels(
    statistics: Statistics, channels: Sequence[str], run: Run | None, bands: Sequence[Sequence[str]] = ()
) -> Statistics:
    """The statistics with the names of the channels, which are those of the run that is resumed unless there are any.

    Raises:
        OptionError: there are more or fewer than the images have, two are the same, or one is the name of another
            channel in a file.
    """
    names = tuple(channels) or (tuple(run.info.channel_names) if run else ()) or statistics.channel_names
    if names and (len(names) != statistics.channels or len({name.casefold() for name in names}) < len(names)):
        count = count_of(statistics.channels, "channel")
        raise OptionError(f"the images have {count}; channels must name each once, got {', '.join(names)}")
    for each in bands:
        _check_order(names, each)
    return replace(statistics, channel_names=names)


def normalization_of(
    recipe: Recipe, statistics: Statistics, run: Run | None, start: Segmenter | None = None
) -> tuple[ChannelNormalization, ...]:
    """The normalization that a recipe says, or else that of the run that is resumed or of the trained network.

    Raises:
        OptionError: it is neither one for all channels nor one for each, or the trained network has one for each of its
            channels, and the images have others.
    """
    said = check_normalization(recipe.data.normalization)
    if not said and run:
        said = tuple(run.info.normalization)
    elif not said and start:
        said = _inherited(statistics, start)
    if len(said) not in (0, 1, statistics.channels):
        count = count_of(statistics.channels, "channel")
        raise OptionError(
            f"the images have {count}; normalization must be one for all, or one for each, got {len(said)}"
        )
    return said


def _inherited(statistics: Statistics, start: Segmenter) -> tuple[ChannelNormalization, ...]:
    """The normalization of a trained network: of each channel by its name, where both know names, or else in order."""
    trained, ours = start.config.info, [name.casefold() for name in statistics.channel_names]
    kept, names = tuple(trained.normalization), [name.casefold() for name in trained.channel_names]
    if len(kept) > 1 and names and ours and set(ours) <= set(names):
        return tuple(kept[names.index(name)] for name in ours)
    if len(kept) > 1 and ((names and ours) or len(kept) != statistics.channels):
        count = count_of(statistics.channels, "channel")
        raise OptionError(
            f"the trained network normalizes each of its {len(kept)} channels{_listed(trained.channel_names)} in its "
            f"own way, and the images have {count}{_listed(statistics.channel_names)}: give the normalization of each "
            "(--normalization)"
        )
    return kept


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _check_order(names: Sequence[str], bands: Sequence[str]) -> None:
    """Raise OptionError if files have another order of the channels, by which the network would be shown others."""
    try:
        is_moved = bool(channel_order(bands, names).numbers)
    except ShapeError:  # some are missing
        is_moved = True
    if is_moved:
        raise OptionError(
            f"the channels are {', '.join(names)}, but the bands in the files {', '.join(bands)}: give the names in "
            "the order of the files, or correct those"
        )


def inherit_start(
    model: Segmenter,
    start: Segmenter | None,
    statistics: Statistics,
    run: Run | None,
    normalization: Sequence[ChannelNormalization],
) -> Inheritance | None:
    """Give a new run the weights to begin with; a run that is resumed has them in its checkpoint.

    Args:
        model: the new network.
        start: the trained one, if any.
        statistics: of the images.
        run: that is resumed, if any.
        normalization: of the images, for the notes.

    Raises:
        TrainingError: the run that is resumed began with another network.
    """
    if start is None:
        return None
    if run is None:
        names = {"class_names": statistics.class_names, "channel_names": statistics.channel_names}
        inheritance = inherit(model, start, **names)
        texts = list(dict.fromkeys(map(text_of, normalization)))
        note = f"images: normalized by {', '.join(texts) or 'the statistics of the new data'}"
        return replace(inheritance, notes=(*inheritance.notes, note))
    if lineage_of(start) != tuple(run.info.lineage):
        began = run.info.lineage[0] if run.info.lineage else "new weights"
        raise TrainingError(
            f"the run began with {began}, not with {lineage_of(start)[0]}: resume without start (--from), or choose "
            "another folder"
        )
    return None


def lineage_with(inheritance: Inheritance | None, run: Run | None) -> tuple[str, ...]:
    """The networks that a run began with."""
    return inheritance.lineage if inheritance else tuple(run.info.lineage) if run else ()
