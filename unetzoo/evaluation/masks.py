"""The masks that a network predicts, and whether it fits a data set at all."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.moments import MomentsOf
from unetzoo.data.formats.resample import nearest
from unetzoo.data.objects import object_ids
from unetzoo.errors import OptionError, ShapeError
from unetzoo.evaluation.instances import ObjectPair, component_pair
from unetzoo.evaluation.objects import Tallies, tally
from unetzoo.inference.components import postprocess
from unetzoo.inference.forward import Network
from unetzoo.inference.normalize import normalizations_of
from unetzoo.inference.objects import Decoder
from unetzoo.inference.pixel_size import AS_IT_IS, PixelScale, resampled, rows_at
from unetzoo.inference.predict import rows_of
from unetzoo.inference.thresholds import class_ids, labels_of, limits_of
from unetzoo.nn.coding import Labels
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.wrapped import network_of
from unetzoo.objects.coding import Maps
from unetzoo.objects.ids import renumber
from unetzoo.registry.objects import coding_of, count_object_classes

NO_CLASS = 2**16 - 1
"""Id of pixels without data while masks are post-processed."""


class Prediction(NamedTuple):
    """What a network says of an image.

    Attributes:
        ids: class ids (h, w), or planes (classes, h, w) of 0 and 1 if classes may overlap.
        objects: number of each pixel's object (h, w), 1 to n, 0 where there is none; None without objects.
    """

    ids: NDArray[np.int64]
    objects: NDArray[np.int32] | None = None


def check_fits(
    model: Network,
    class_names: Sequence[str],
    channels: int,
    *,
    labels: Labels = "exclusive",
    axes: int = 2,
    image: str = "",
) -> None:
    """Check that a network has the classes and the channels of a data set; a single logit stands for two classes.

    Args:
        model: the network.
        class_names: of the data set.
        channels: of its images.
        labels: of the data set: whether its classes may overlap.
        axes: of its images: 2, or 3 if they are volumes.
        image: name of the image that has these channels; empty: all have, and the network is about to be trained.

    Raises:
        OptionError: the classes differ, or the network is for volumes and the data has images, or the other way round.
        ShapeError: the channels differ.
    """
    config = network_of(model).config
    if config.spatial_dims != axes:
        raise OptionError(_say_axes(axes, is_new=not image))
    count, logits = len(class_names), config.classes
    if labels != config.labels:
        raise OptionError(_say_labels(config, labels, is_new=not image))
    if config.objects:
        _check_object_classes(config, class_names)
    elif logits != count and not (logits == 1 and count == 2 and labels == "exclusive"):
        raise OptionError(
            f"the data has {count} classes ({', '.join(class_names)}), the network {logits}: "
            + ("use data with the classes of its training" if image else f"create it with classes={count}")
        )
    if config.in_channels != channels:
        raise ShapeError(
            f"{f'{image} has' if image else 'the images have'} {count_of(channels, 'channel')}, the network takes "
            f"{config.in_channels}: "
            + ("use images like those of its training" if image else f"create it with in_channels={channels}")
        )


def _say_axes(axes: int, *, is_new: bool) -> str:
    data, network = ("images", "volumes") if axes == 2 else ("volumes", "images")
    advice = f"create it with spatial_dims={axes} (--spatial-dims {axes})" if is_new else f"use {network}"
    return f"the data has {data}, the network takes {network}: {advice}"


def _say_labels(config: ModelConfig, labels: Labels, *, is_new: bool) -> str:
    if config.objects:
        return "the classes of the data may overlap, and a network of objects gives each pixel one: leave objects out"
    texts = {"overlapping": "may overlap", "exclusive": "exclude one another"}
    advice = f"create it with labels={labels!r}" if is_new else "use data like that of its training"
    return (
        f"the classes of the data {texts[labels]}, those of the network {texts[config.labels]}: {advice}, or say "
        f"masks={config.labels!r} (--masks {config.labels}) if the masks can be read so"
    )


def tallies_of(
    prediction: Prediction, truth: NDArray[np.integer], objects: NDArray[np.integer], class_names: Sequence[str]
) -> Tallies:
    """The tallies (classes - 1, 17) of the objects of each class but the first, the background.

    Args:
        prediction: of a network of objects.
        truth: class ids (h, w).
        objects: true number of each pixel's object (h, w), 0: background, -1: unknown.
        class_names: of the data.

    Raises:
        OptionError: the network predicts no objects.
    """
    return np.stack([tally(*pair) for pair in _pairs(prediction, truth, objects, class_names)])


def object_pairs(
    prediction: Prediction, truth: NDArray[np.integer], dataset: Dataset, index: int, counted: Sequence[str]
) -> list[ObjectPair]:
    """The predicted and the true objects of each counted class of a sample.

    Args:
        prediction: of a network of objects; of one of classes of pixels, connected components are objects.
        truth: class ids (h, w).
        dataset: of the sample, whose masks may number objects.
        index: of the sample.
        counted: names of classes.
    """
    if not counted:
        return []
    ids = [dataset.class_names.index(name) for name in counted]
    if dataset.labels == "overlapping":
        return [component_pair(prediction.ids[number], truth[number], 1) for number in ids]
    if prediction.objects is None:
        numbers = dataset.instances(index)
        return [component_pair(prediction.ids, truth, number, numbers) for number in ids]
    pairs = _pairs(prediction, truth, object_ids(dataset, index, truth), dataset.class_names)
    return [pairs[number - 1] for number in ids]


def _pairs(
    prediction: Prediction, truth: NDArray[np.integer], objects: NDArray[np.integer], class_names: Sequence[str]
) -> list[ObjectPair]:
    if prediction.objects is None:
        raise OptionError("this prediction has classes of pixels, not objects")
    if len(class_names) <= 2:
        return [(prediction.objects, objects)]
    return [
        (np.where(prediction.ids == number, prediction.objects, 0), _of_class(objects, truth, number))
        for number in range(1, len(class_names))
    ]


def _of_class(objects: NDArray[np.integer], truth: NDArray[np.integer], number: int) -> NDArray[np.integer]:
    return np.where((objects > 0) & (truth != number), 0, objects)


def _check_object_classes(config: ModelConfig, class_names: Sequence[str]) -> None:
    """The first class of the data is the background, the others are those of objects."""
    known = count_object_classes(config, coding_of(config)) or 1
    count = len(class_names) - 1
    if count != known:
        raise OptionError(
            f"the data has objects of {count} classes ({', '.join(class_names[1:])}), the network of {known}: create "
            f"it with object_classes={count}, or use data with the classes of its training"
        )


def predicted(
    model: Network,
    image: NDArray[np.generic],
    *,
    name: str = "the image",
    tile: int | None = None,
    overlap: int | None = None,
    mirrors: int = 1,
    scale: PixelScale = AS_IT_IS,
    whole: MomentsOf | None = None,
) -> Prediction:
    """The class ids that a network predicts for an image (h, w, c), and the objects of one of objects.

    The pixels of an object have its class. A warning about the image's values says its name. `whole` gives the moments
    of that of which it is a part.
    """
    maps = predicted_maps(
        model, image, name=name, tile=tile, overlap=overlap, mirrors=mirrors, scale=scale, whole=whole
    )
    return prediction_of(maps, network_of(model).config, image.shape[:-1])


def prediction_of(maps: Maps, config: ModelConfig, size: tuple[int, ...] = ()) -> Prediction:
    """What the maps of `predicted_maps` say of an image, or a volume, of that size; by default that of the maps."""
    if config.objects:
        return _of_size(decoded(config, maps), size or maps.shape[1:])
    if config.labels == "overlapping":
        return Prediction(labels_of(maps, config, limits_of(None, config)).astype(np.int64, copy=False))
    ids = class_ids(maps, limits_of(None, config), unknown=NO_CLASS).astype(np.int64, copy=False)
    postprocess(ids, config)
    return Prediction(np.where(ids == NO_CLASS, 0, ids))


def predicted_maps(
    model: Network,
    image: NDArray[np.generic],
    *,
    name: str = "the image",
    tile: int | None = None,
    overlap: int | None = None,
    mirrors: int = 1,
    scale: PixelScale = AS_IT_IS,
    whole: MomentsOf | None = None,
) -> Maps:
    """Probabilities (c, h, w) of an image (h, w, c); a warning about its values says its name, `whole` is as above.

    Those of a volume (d, h, w, c) are (c, d, h, w). Those of a network of objects are its maps, of an image that is
    resampled in the size that the network sees.
    """
    network = network_of(model)
    config, normalizations = network.config, normalizations_of(image, network, name=name, whole=whole)
    seen: Any = image
    if config.objects:
        seen, scale = resampled(scale, image, normalizations), AS_IT_IS
    result = np.empty((config.classes, *seen.shape[:-1]), dtype=np.float32)
    out = result if scale.seen is None else None

    predict = partial(
        rows_of, model, tile=tile, overlap=overlap, batch=1, mirrors=mirrors, normalizations=normalizations, out=out
    )
    for top, maps in rows_at(scale, seen, normalizations, predict):
        result[:, top : top + maps.shape[1]] = maps
    return result


def decoded(config: ModelConfig, maps: Maps) -> Prediction:
    """The objects of the maps of a network of objects, which are decoded whole, however long these are."""
    objects, classes = Decoder(config, whole=maps[0].size).decode(maps)
    return Prediction(np.where(objects > 0, classes[objects] + 1, 0), objects)


def _of_size(prediction: Prediction, size: tuple[int, ...]) -> Prediction:
    """A prediction in other pixels, each of which has what lies at its center."""
    ids, objects = prediction
    if ids.shape == size or objects is None:
        return prediction
    place = np.ix_(*(nearest(*lengths) for lengths in zip(ids.shape, size, strict=True)))
    return Prediction(ids[place], renumber(objects[place]))
