"""The heads of a trained network for other classes, or other maps of objects."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Segmenter
from unetzoo.registry.objects import coding_of, network_maps
from unetzoo.weights.inherit_stem import Part

Rows = Mapping[Hashable, tuple[Tensor, Tensor]]
"""The weights (c, h, w), of volumes (c, d, h, w), and the bias () of logits, by what the logit means."""
_CLASS, _UNNAMED = "class", "unnamed class"  # of objects
_BACKGROUND = "background"  # the other class of a single logit that has one name alone


def inherit_heads(model: Segmenter, trained: Segmenter, class_names: Sequence[str]) -> Part:
    """The values for the heads of a network whose decoder is that of a trained one; see `inherit`.

    Args:
        model: the new network.
        trained: the trained one.
        class_names: of the new network.
    """
    meanings, old = _meanings(model.config, class_names), _meanings(trained.config, trained.config.info.class_names)
    if not (meanings and old):
        missing = "trained" if not old else "new"
        return Part({}, frozenset(), f"heads: fresh, since the {missing} network does not say the names of its classes")
    values: dict[str, Tensor] = {}
    kept: set[Hashable] = set()
    places = range(len(model.heads))[::-1]
    for place, head, other in zip(places, model.heads[::-1], trained.heads[::-1], strict=False):  # the best is the last
        assert isinstance(head, nn.Conv2d | nn.Conv3d)  # noqa: S101 - as they are built
        assert isinstance(other, nn.Conv2d | nn.Conv3d)  # noqa: S101 - as they are built
        if head.weight.shape[1:] == other.weight.shape[1:]:
            weight, bias, kept = _filled(head, meanings, _rows(other, old))
            values |= {f"heads.{place}.weight": weight, f"heads.{place}.bias": bias} if kept else {}
    partial = frozenset(values) if len(kept) < len(meanings) else frozenset()
    return Part(values, partial, _note(meanings, old, kept))


def _meanings(config: ModelConfig, class_names: Sequence[str]) -> list[Hashable]:
    """What each class of the logits, or each channel of their maps, means; empty where that is not known."""
    if config.objects:
        return _meanings_of_maps(config, class_names)
    names: list[Hashable] = [*class_names]
    if config.classes == 1 and len(names) == 1:
        names = [_BACKGROUND, *names]
    return names if len(names) == max(2, config.classes) and len({*names}) == len(names) else []


def _meanings_of_maps(config: ModelConfig, class_names: Sequence[str]) -> list[Hashable]:
    """The map and the channel of each logit; a class of objects is known by its name alone."""
    count = len(coding_of(config).maps)
    named = replace(config, info=replace(config.info, class_names=class_names))
    maps = network_maps(named)
    are_named = len(maps) == count or len(class_names) > len(maps[-1].channels)
    own = [(config.objects, item, channel) for item in maps[:count] for channel in item.channels]
    kind = _CLASS if are_named else _UNNAMED
    classes = [(kind, name) for item in maps[count:] for name in item.channels]
    return [*own, *classes]


def _rows(head: nn.Conv2d | nn.Conv3d, meanings: Sequence[Hashable]) -> Rows:
    """The rows of a head; a single logit is that of its second class beside one of 0, as softmax takes it."""
    assert head.bias is not None  # noqa: S101 - heads are built with one
    weight, bias = head.weight.detach(), head.bias.detach()
    if len(weight) == 1 and len(meanings) == 2:
        weight, bias = (torch.cat([torch.zeros_like(each), each]) for each in (weight, bias))
    rows = dict(zip(meanings, zip(weight, bias, strict=True), strict=True))
    return {meaning: row for meaning, row in rows.items() if not _is_unnamed(meaning)}


def _filled(
    head: nn.Conv2d | nn.Conv3d, meanings: Sequence[Hashable], rows: Rows
) -> tuple[Tensor, Tensor, set[Hashable]]:
    """Weight and bias of a head with the rows that have the same meaning, and these meanings."""
    assert head.bias is not None  # noqa: S101 - as above
    weight, bias = head.weight.detach().clone(), head.bias.detach().clone()
    kept = {meaning for meaning in meanings if meaning in rows}
    if len(weight) == 1 and len(meanings) == 2:
        if len(kept) < 2:
            return weight, bias, set()
        (first, first_bias), (second, second_bias) = (rows[meaning] for meaning in meanings)
        return (second - first)[None], (second_bias - first_bias)[None], kept
    for place, meaning in enumerate(meanings):
        if meaning in rows:
            weight[place], bias[place] = rows[meaning]
    return weight, bias, kept


def _note(meanings: Sequence[Hashable], old: Sequence[Hashable], kept: set[Hashable]) -> str:
    lists = {
        "carried": [each for each in meanings if each in kept],
        "fresh": [each for each in meanings if each not in kept],
        "dropped": [each for each in old if each not in kept],
    }
    return "heads: " + "; ".join(f"{label} {', '.join(map(_named, each))}" for label, each in lists.items() if each)


def _is_unnamed(meaning: Hashable) -> bool:
    return isinstance(meaning, tuple) and meaning[0] == _UNNAMED


def _named(meaning: Hashable) -> str:
    """A class by its name, a channel of a map as map and channel."""
    if not isinstance(meaning, tuple):
        return str(meaning)
    *_, item, channel = meaning
    return channel if isinstance(item, str) or item.name == channel else f"{item.name} {channel}"
