"""Build the coding of objects that a network was made for."""

from collections.abc import Mapping
from typing import Any

from unetzoo.checks import check_count
from unetzoo.errors import OptionError, PluginError
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.coding import ObjectCoding, ObjectMap, channels_of
from unetzoo.objects.ids import need_objects
from unetzoo.objects.target import all_maps
from unetzoo.options import build_part, options_of
from unetzoo.registry.host import host


def build_coding(name: str, options: Mapping[str, Any]) -> ObjectCoding:
    """A coding of objects; errors are those of `unetzoo.create_objects`."""
    entry = host().registries["object"].find(name)
    need_objects()
    coding = build_part("object", name, entry.spec.build, {}, options)
    if not isinstance(coding, ObjectCoding):
        raise PluginError(f"the builder of object coding {name!r} must return an ObjectCoding, but returned {coding!r}")
    return coding


def channels_of_objects(name: str, options: Mapping[str, Any], classes: int, object_classes: int) -> int:
    """The channels of the logits of a network of objects, for the arguments of `unetzoo.create`."""
    if classes != 1:
        raise OptionError(f"classes={classes!r} follows from objects={name!r}: leave it out, or give object_classes")
    count = check_count("object_classes", object_classes)
    return channels_of(build_coding(name, options).maps) + (count if count > 1 else 0)


def coding_defaults(name: str) -> dict[str, Any]:
    """The defaults of a coding's options; errors are those of `unetzoo.create_objects`."""
    spec = host().registries["object"].find(name).spec
    return {option.name: option.default for option in options_of("object", spec.build)}


def coding_of(config: ModelConfig) -> ObjectCoding:
    """The coding of a network of objects, of volumes with the distances of the voxels of its training.

    Errors are those of `unetzoo.create_objects`, OptionError without objects.
    """
    if not config.objects:
        raise OptionError(
            "this network gives classes of pixels, not objects; train one with objects='distance' (--objects distance)"
        )
    spacing = {}
    if config.spatial_dims == len(config.info.pixel_size) == 3 and "spacing" in coding_defaults(config.objects):
        spacing = {"spacing": config.info.pixel_size}
    return build_coding(config.objects, {**spacing, **config.objects_options})


def network_maps(config: ModelConfig) -> tuple[ObjectMap, ...]:
    """The maps of a network's logits, that of the classes of objects included; empty without objects.

    Raises:
        OptionError: the channels of the logits are not those of the coding.
        UnknownNameError, ConflictError, MissingExtraError, PluginError: as `unetzoo.create_objects`.
    """
    if not config.objects:
        return ()
    coding = coding_of(config)
    channels, count = channels_of(coding.maps), count_object_classes(config, coding)
    if count < 0 or count == 1:
        raise OptionError(
            f"the coding {config.objects!r} has {channels} channels, the network {config.classes}: it was made with "
            "another version of the coding, or with options that change its maps"
        )
    names = config.info.class_names[-count:] if count and len(config.info.class_names) > count else range(count)
    return all_maps(coding, tuple(map(str, names)))


def count_object_classes(config: ModelConfig, coding: ObjectCoding) -> int:
    """The number of classes of objects, at least 2; 0: all objects are of one class."""
    return config.classes - channels_of(coding.maps)
