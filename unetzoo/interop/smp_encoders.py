"""The encoders of segmentation_models_pytorch: the equivalent model of timm, and its names of tensors.

| its encoders | timm's |
|---|---|
| `resnet*`, `resnext*` | the same names |
| `senet154`, `se_resnet*`, `se_resnext*` | `legacy_senet154`, `legacy_seresnet*`, `legacy_seresnext*` |
| `vgg*` | the same names, without the level of the image's own resolution |
| `efficientnet-b*` | `tf_efficientnet_b*`, padded as for one size of images; the first level is the stem's |
| `timm-efficientnet-b*`, `-l2` | `efficientnet_b*`, `_l2`; the first level is the stem's |
| `timm-tf_efficientnet_lite*` | `efficientnet_lite*`; the first level is the stem's |
| `mobilenet_v2` | `mobilenetv2_100`, the last level behind its last convolution |
| `mobileone_s*` | the same names |
| `timm-regnet*`, `-res2*`, `-resnest*`, `-gernet*`, `-mobilenetv3*` | as with `tu-` |
| `tu-*` | the same names without `tu-` |

The others have no counterpart: `densenet*` and `dpn*` return maps after a ReLU, timm's before it; `inceptionv4`,
`inceptionresnetv2` and `xception` pad where timm's do not; `timm-skres*` have narrower attention; timm has no `mit_b*`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from unetzoo.errors import WeightsError
from unetzoo.interop.smp_keys import UNUSED, Pairs, replaced

_STEM_TO_LAST = ("bn1", "blocks.1", "blocks.2", "blocks.4", "blocks.6")
_REPEATS = (1, 2, 2, 3, 3, 4, 1)  # blocks of each stage of EfficientNet-B0, arXiv:1905.11946
_DEPTHS = (1.0, 1.1, 1.2, 1.4, 1.8, 2.2, 2.6, 3.1)  # factors of B0 to B7
_SIDES = (224, 240, 260, 300, 380, 456, 528, 600)  # pixels that B0 to B7 were trained at
_UNIVERSAL = ("regnet", "res2", "resnest", "gernet", "mobilenetv3")


@dataclass(frozen=True)
class Counterpart:
    """The model of timm that is equivalent to an encoder.

    Attributes:
        name: name of the model.
        taps: names of the layers whose maps are the levels; empty: timm's own levels.
        options: further options of the encoder.
        is_universal: timm builds the model there, too.
        can_dilate: it is also equivalent with an output stride.
    """

    name: str
    taps: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    is_universal: bool = False
    can_dilate: bool = True


def counterpart_of(name: str) -> Counterpart | None:
    """The counterpart of an encoder, if there is one."""
    candidates = (of(name) for of in (_universal, _same, _senet, _efficientnet_of, _mobilenet_of))
    return next((counterpart for counterpart in candidates if counterpart), None)


def _universal(name: str) -> Counterpart | None:
    kind, _, bare = name.partition("-")
    if kind == "timm" and bare.startswith(_UNIVERSAL):
        return Counterpart(f"tf_{bare}" if bare.startswith("mobilenetv3") else bare, is_universal=True)
    return Counterpart(bare, is_universal=True) if kind == "tu" else None


def _same(name: str) -> Counterpart | None:
    if re.fullmatch(r"(resnet|resnext)\d+(_\d+x\d+d)?", name):
        return Counterpart(name)
    return Counterpart(name, can_dilate=False) if re.fullmatch(r"vgg\d+(_bn)?|mobileone_s\d", name) else None


def _senet(name: str) -> Counterpart | None:
    alike = re.fullmatch(r"senet154|se_resne(t|xt)\d+(_\d+x\d+d)?", name)
    return Counterpart("legacy_" + name.replace("se_", "se"), can_dilate=False) if alike else None


def _efficientnet_of(name: str) -> Counterpart | None:
    if match := re.fullmatch(r"efficientnet-b([0-7])", name):
        taps = _STEM_TO_LAST if match[1] != "0" else (*_STEM_TO_LAST[:3], "blocks.4.0", "blocks.6")
        return Counterpart(f"tf_efficientnet_b{match[1]}", taps, {"padded_side": _SIDES[int(match[1])]})
    if match := re.fullmatch(r"timm-efficientnet-(b[0-8]|l2)", name):
        return Counterpart(f"efficientnet_{match[1]}", _STEM_TO_LAST)
    if match := re.fullmatch(r"timm-tf_(efficientnet_lite[0-4])", name):
        return Counterpart(f"timm:{match[1]}", _STEM_TO_LAST)  # other plugins have one of that name
    return None


def _mobilenet_of(name: str) -> Counterpart | None:
    if name != "mobilenet_v2":
        return None
    return Counterpart("mobilenetv2_100", ("blocks.0", *_STEM_TO_LAST[1:-1], "bn2"))


def renamed_encoder(names: Collection[str]) -> dict[str, str]:
    """The names of an encoder's tensors in its counterpart; empty for tensors that it lacks."""
    pairs = next((pairs for known_by, pairs in _FAMILIES if any(re.match(known_by, name) for name in names)), None)
    if any(name.startswith("_blocks.") for name in names):
        pairs = _efficientnet(names)
    return {name: replaced(name.removeprefix("model."), pairs or ()) for name in names}


_MOBILENET_STAGES = (1, 2, 3, 4, 3, 3, 1)  # blocks of each, arXiv:1801.04381


def _places(counts: Collection[int]) -> list[tuple[int, int]]:
    """Stage and number in it of each block."""
    return [(stage, number) for stage, count in enumerate(counts) for number in range(count)]


def _efficientnet(names: Collection[str]) -> Pairs:
    total = 1 + max(int(name.split(".")[1]) for name in names if name.startswith("_blocks."))
    sizes = ([ceil(count * factor) for count in _REPEATS] for factor in _DEPTHS)
    counts = next((size for size in sizes if sum(size) == total), None)
    if counts is None:
        raise WeightsError(f"there is no EfficientNet of {total} blocks")
    pairs: list[tuple[str, str]] = [
        (r"_conv_stem\.", "conv_stem."),
        (r"_bn0\.", "bn1."),
        (r"_conv_head\..*", UNUSED),
        (r"_bn1\..*", UNUSED),
    ]
    for index, (stage, number) in enumerate(_places(counts)):
        layers = _EXPANDING if stage else _PLAIN
        pairs += [(rf"_blocks\.{index}\.{theirs}\.", f"blocks.{stage}.{number}.{ours}.") for theirs, ours in layers]
    return tuple(pairs)


_PLAIN = (
    ("_depthwise_conv", "conv_dw"),
    ("_bn1", "bn1"),
    ("_se_reduce", "se.conv_reduce"),
    ("_se_expand", "se.conv_expand"),
    ("_project_conv", "conv_pw"),
    ("_bn2", "bn2"),
)
_EXPANDING = (
    ("_expand_conv", "conv_pw"),
    ("_bn0", "bn1"),
    ("_depthwise_conv", "conv_dw"),
    ("_bn1", "bn2"),
    ("_se_reduce", "se.conv_reduce"),
    ("_se_expand", "se.conv_expand"),
    ("_project_conv", "conv_pwl"),
    ("_bn2", "bn3"),
)


def _mobilenet() -> Pairs:
    first = (("0.0", "conv_dw"), ("0.1", "bn1"), ("1", "conv_pw"), ("2", "bn2"))
    others = (("0.0", "conv_pw"), ("0.1", "bn1"), ("1.0", "conv_dw"), ("1.1", "bn2"), ("2", "conv_pwl"), ("3", "bn3"))
    pairs: list[tuple[str, str]] = [
        (r"features\.0\.0\.", "conv_stem."),
        (r"features\.0\.1\.", "bn1."),
        (r"features\.18\.0\.", "conv_head."),
        (r"features\.18\.1\.", "bn2."),
    ]
    for index, (stage, number) in enumerate(_places(_MOBILENET_STAGES), 1):
        for theirs, ours in others if stage else first:
            pairs.append((rf"features\.{index}\.conv\.{re.escape(theirs)}\.", f"blocks.{stage}.{number}.{ours}."))
    return tuple(pairs)


_BRANCHES = (("rbr_conv", "conv_kxk"), ("rbr_scale", "conv_scale"), ("rbr_skip", "identity"))
_SQUEEZES = (("se.reduce", "attn.fc1"), ("se.expand", "attn.fc2"))
_MOBILEONE: Pairs = (
    *((rf"stage0\.{theirs}\.", f"stem.{ours}.") for theirs, ours in _BRANCHES),
    *(
        (rf"stage{stage}\.(\d+)\.{re.escape(theirs)}\.", rf"stages_{stage - 1}.\1.{ours}.")
        for stage in range(1, 5)
        for theirs, ours in (*_BRANCHES, *_SQUEEZES)
    ),
)
_FAMILIES: tuple[tuple[str, Pairs], ...] = (
    (r"features\.18\.0\.", _mobilenet()),
    (r"features\.\d+\.weight", ((r"features\.(\d+)\.", r"features_\1."),)),
    (r"stage0\.rbr_", _MOBILEONE),
    (
        r"blocks\.0\.0\.conv_dw\.",
        ((r"conv_head\..*", UNUSED), (r"bn2\..*", UNUSED)),
    ),
)
"""Patterns for the names of a family, by a pattern of a name that no other family has."""
