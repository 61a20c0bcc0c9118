"""Any model of timm as an encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.checks import check_choice, check_count, check_depth, check_widths, whole
from unetzoo.encoders.dilation import Dilation, check_output_stride, dilate_uniformly
from unetzoo.encoders.inflate import inflate_proved
from unetzoo.encoders.pyramid import Level, PyramidAdapter, plan_levels
from unetzoo.encoders.readout import Readout, ReadoutKind
from unetzoo.encoders.slices import features_of_slices, fold, unfold
from unetzoo.encoders.timm_build import (
    REFUSALS,
    Request,
    SkipsFrom,
    Stem,
    build_backbone,
    build_on_meta,
    fit_request,
    forget_biases,
    info_of,
    native_size,
    on_meta,
    restart_stem,
    run_backbone,
)
from unetzoo.encoders.view import Size, View, crop, fit, round_up
from unetzoo.errors import OptionError, ShapeError
from unetzoo.features import FeatureInfo
from unetzoo.layers.norm import is_lone_pixel
from unetzoo.nn.misfit import check_fits
from unetzoo.nn.segmenter import Encoder

Volume = Literal["slices", "inflated", "inflated_center"]
_AXES_OF_MAPS = {None: 2, "slices": 2, "inflated": 3, "inflated_center": 3}  # of the backbone
_MOST_LEVELS = 64
_LARGEST_SIDE = 8192  # pixels


class TimmEncoder(Encoder):
    """A backbone of timm; if its maps are not a pyramid (plain ViTs, odd strides), `PyramidAdapter` makes one.

    Args:
        name: name of the model in `timm.list_models()`.
        in_channels: channels of the image.
        pretrained: random weights (False), timm's default weights (True), or those of a tag such as `"a1_in1k"`, of a
            `.safetensors` file or of a repository of the Hub, `"hf-hub:user/name"`. Names in files may have any prefix;
            only a classifier may be missing.
        depth: use only that many shallow levels; None: all.
        out_indices: indices of the backbone's levels (of a plain ViT: blocks) to use, shallow first; None: all levels,
            or four evenly spaced blocks.
        img_size: (height, width) of the images in pixels, for backbones with a fixed size. Those that cannot be built
            for it scale the images to the size that timm builds them for.
        stem: how the first convolution uses pretrained filters when `in_channels` > 3: `"repeat"` them over all
            channels (like timm, scaled to keep the sum), or keep them for the first three channels and initialize the
            others with `"zeros"` or `"random"` values.
        output_stride: 8 or 16, the largest stride; deeper levels use dilation instead of downsampling, if timm's model
            supports that. None: every level halves the resolution.
        dilation: dilation of those levels: `"gradual"` as in timm, or `"uniform"` as in the ResNets of
            segmentation_models_pytorch.
        pyramid: make a pyramid of maps of one stride; False: keep their strides, which `dpt` needs for plain ViTs.
        taps: names of layers whose maps are the levels, shallow first, such as `("bn1", "blocks.1")`, for models that
            are chains of layers, such as EfficientNets and VGGs; None: timm's own levels.
        padded_side: with `taps`: convolutions that pad by the image size, as in TensorFlow, always pad as for images
            with this side in pixels; None: by the size of each image.
        readout: use of a plain ViT's class token: `"ignore"` it, `"add"` it to each pixel, or concatenate it with each
            pixel and project (`"cat"`).
        skips_from: levels of a vision transformer over a ResNet, such as `"vit_base_r50_s16_224"`: blocks of the
            `"transformer"`, or the maps of the `"resnet"`, which have finer strides, and the transformer's last one, as
            in TransUNet (arXiv:2102.04306, figure 1).
        spatial_dims: 2 for images, 3 for volumes.
        volume: use of the backbone on volumes (b, c, d, h, w). `"slices"`: on each slice (h, w), with the weights of
            the same encoder of images; level i is (b, channels[i], d, h / reductions[i], w / reductions[i]), so the
            decoder alone joins slices. A volume takes the time and memory of d images, in training less memory with
            `checkpoint_activations`; batch norms compute statistics over all slices. `"inflated"`: over all three axes,
            for backbones of convolutions alone; a kernel is repeated along the depth and divided by its side (I3D,
            arXiv:1705.07750), so that a volume of equal slices has the maps of a slice, and all reductions are those of
            images. `"inflated_center"`: likewise, but a kernel is the middle of one that is 0 elsewhere, so that before
            a training convolutions see each slice alone. An inflated encoder takes no `img_size`, `taps`, `padded_side`
            and `readout`. None: `"slices"`, for volumes.

    Raises:
        OptionError: an option has an invalid value, or inflation of this backbone has not been proved right.
        PretrainedError: there are no such weights, or they cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        *,
        in_channels: int = 3,
        pretrained: bool | str = False,
        depth: int | None = None,
        out_indices: Sequence[int] | None = None,
        img_size: Sequence[int] | None = None,
        stem: Stem = "repeat",
        output_stride: int | None = None,
        dilation: Dilation = "gradual",
        pyramid: bool = True,
        taps: Sequence[str] | None = None,
        padded_side: int | None = None,
        readout: ReadoutKind = "ignore",
        skips_from: SkipsFrom = "transformer",
        spatial_dims: int = 2,
        volume: Volume | None = None,
    ) -> None:
        check_choice("stem", stem, Stem)
        check_choice("dilation", dilation, Dilation)
        check_choice("readout", readout, ReadoutKind)
        check_choice("skips_from", skips_from, SkipsFrom)
        of_images: dict[str, object] = {"img_size": img_size, "taps": taps, "padded_side": padded_side}
        of_tokens: dict[str, object] = {} if readout == "ignore" else {"readout": readout}
        _check_volume(volume, spatial_dims, of_images | of_tokens)
        _check_skips(skips_from, {**of_tokens, "taps": taps, "padded_side": padded_side})
        indices = None if out_indices is None else _indices(out_indices)
        request = Request(
            name,
            in_channels,
            pretrained,
            indices,
            output_stride=output_stride,
            taps=None if taps is None else _names(taps),
            padded_side=None if padded_side is None else check_count("padded_side", padded_side),
            skips_from=skips_from,
        )
        backbone = build_backbone(request) if depth is None and img_size is None else None
        info = info_of(backbone or build_on_meta(request))
        if output_stride is not None:
            check_output_stride(info.reduction(), name, output_stride)
        whole = plan_levels(info.channels(), info.reduction(), keep=output_stride is not None or not pyramid)
        levels = whole[: check_depth(depth, len(whole))]
        view = _view(whole, levels, tied=img_size is not None)
        size = None
        if depth is not None:
            request = replace(request, out_indices=tuple(info.out_indices[:depth]))
        if img_size is not None:
            size = _padded(img_size, whole[-1].target)
            request, seen = fit_request(request, view.scaled(size))
            view = replace(view, fixed=None if seen == view.scaled(size) else seen)
        backbone = backbone or build_backbone(request)
        if stem != "repeat" and pretrained and in_channels > 3:
            restart_stem(backbone, request, stem)
        if dilation == "uniform":
            dilate_uniformly(backbone)
        if _AXES_OF_MAPS[volume] == 3:
            inflate_proved(backbone, name, center=volume == "inflated_center")
        adapter = PyramidAdapter(levels, _AXES_OF_MAPS[volume])
        super().__init__(_features(adapter.features, spatial_dims))
        self.name = name
        self.backbone = backbone
        self.adapter = adapter
        self.img_size = size
        self.inflated = _AXES_OF_MAPS[volume] == 3
        self.view = view
        channels = [level.channels for level in levels]
        self.readout = None if readout == "ignore" else Readout(readout, backbone, channels, name)
        self.keeps_biases = any(hasattr(module, "attention_bias_cache") for module in backbone.modules())

    def forward(self, image: Tensor) -> list[Tensor]:
        """The pyramid of an image (b, c, h, w), or a volume; h and w are multiples of the deepest reduction.

        Raises:
            ShapeError: the backbone cannot take images of that size.
            OptionError: the image has another dtype or device than the weights.
        """
        if self.features.spatial_dims == 3 and not self.inflated:
            return unfold(self._pyramid(fold(image)), image.shape[2])
        return self._pyramid(image)

    def _pyramid(self, image: Tensor) -> list[Tensor]:
        size = tuple(image.shape[2:])
        seen = self.view.seen(image)
        maps = self._maps(seen) if torch.compiler.is_compiling() else self._checked(seen, image)
        levels = fit(self.adapter(maps), self.features, self.view.padded(size))
        return levels if self.view.unit == 1 else crop(levels, self.features, size)

    def checkpoint_activations(self, enabled: bool = True) -> None:
        """As `Encoder.checkpoint_activations`, with timm's implementation."""
        switches: list[Any] = [
            module for module in self.backbone.modules() if hasattr(module, "set_grad_checkpointing")
        ]
        try:
            if not switches:
                raise OptionError(f"timm's {self.name} does not support activation_checkpointing")
            switches[0].set_grad_checkpointing(enabled)
        except AssertionError as error:
            raise OptionError(f"timm's {self.name} refuses activation_checkpointing: {error}") from error

    def _maps(self, seen: Tensor) -> list[Tensor]:
        try:
            return run_backbone(self.backbone, seen) if self.readout is None else self.readout(self.backbone, seen)
        finally:
            if self.keeps_biases:
                forget_biases(self.backbone)

    def _checked(self, seen: Tensor, image: Tensor) -> list[Tensor]:
        try:
            return self._maps(seen)
        except REFUSALS as error:
            if is_out_of_memory(error) or is_lone_pixel(error):
                raise
            check_fits(image, self)
            if self.inflated:
                raise
            height, width = self.view.padded((image.shape[2], image.shape[3]))
            if (height, width) == self.img_size or not self._refuses_size(seen):
                raise
            raise ShapeError(
                f"timm's {self.name} {self._built_for()} cannot take images of {height} x {width} pixels (padded);"
                f" create it with encoder_options={{'img_size': ({height}, {width})}}"
            ) from error

    def _refuses_size(self, seen: Tensor) -> bool:
        """Whether the backbone fails because of the size: also on `meta`, while its native size works."""
        twin = on_meta(self)
        own = native_size(self.name) if self.img_size is None else self.view.scaled(self.img_size)
        return not twin._runs(seen.shape) and (own is None or twin._runs((*seen.shape[:2], *own)))

    def _runs(self, shape: Sequence[int]) -> bool:
        try:
            self._maps(torch.empty(shape, device="meta"))
        except REFUSALS:
            return False
        return True

    def _built_for(self) -> str:
        return f"built for {self.img_size[0]} x {self.img_size[1]}" if self.img_size else "as it is built"


def _check_volume(volume: Volume | None, spatial_dims: int, of_images: Mapping[str, object]) -> None:
    if volume is None:
        return
    check_choice("volume", volume, Volume)
    if spatial_dims == 2:
        raise OptionError("the option volume needs spatial_dims=3: a network of images has none")
    if _AXES_OF_MAPS[volume] == 3:
        _check_unused(f"volume={volume!r}", of_images)


def _check_skips(skips_from: SkipsFrom, of_one_part: Mapping[str, object]) -> None:
    if skips_from == "resnet":
        _check_unused("skips_from='resnet'", of_one_part)


def _check_unused(chosen: str, others: Mapping[str, object]) -> None:
    used = [name for name, value in others.items() if value is not None]
    if used:
        raise OptionError(f"an encoder with {chosen} takes no {' and no '.join(used)}")


def _features(of_maps: FeatureInfo, spatial_dims: int) -> FeatureInfo:
    return of_maps if of_maps.spatial_dims == spatial_dims else features_of_slices(of_maps)


def _view(whole: Sequence[Level], used: Sequence[Level], *, tied: bool) -> View:
    """The view of an image for a backbone of which only some levels are used.

    If the size depends on the whole pyramid (by `img_size`, or by strides that are not powers of two), so does the
    padding; otherwise it only has to suit the used levels.
    """
    deepest, last = whole[-1], used[-1]
    unit = deepest.target if tied or deepest.native != deepest.target else last.stride
    return View(1 if unit == last.target else unit, deepest.native, deepest.target)


def _indices(out_indices: Sequence[int]) -> tuple[int, ...]:
    """The levels to use; timm checks that the backbone has them."""
    indices = tuple(map(whole, out_indices)) if isinstance(out_indices, Sequence) else ()
    valid = tuple(index for index in indices if index is not None)
    if not 1 <= len(valid) == len(indices) <= _MOST_LEVELS:
        shown = str(out_indices)[:80]
        raise OptionError(f"out_indices must be a list of up to {_MOST_LEVELS} whole numbers, got {shown}")
    return valid


def _names(taps: Sequence[str]) -> tuple[str, ...]:
    if isinstance(taps, str) or not taps or not all(isinstance(name, str) for name in taps):
        raise OptionError(f"taps must be a list of names of layers, got {taps!r}")
    return tuple(taps)


def _padded(img_size: Sequence[int], unit: int) -> Size:
    """The size of images after padding."""
    sides = check_widths("img_size", img_size)
    if len(sides) != 2:
        raise OptionError(f"img_size must be (height, width) in pixels, got {tuple(img_size)}")
    if max(sides) > _LARGEST_SIDE:
        raise OptionError(f"img_size must be at most {_LARGEST_SIDE:,} pixels a side, got {tuple(img_size)}")
    return round_up(sides[0], unit), round_up(sides[1], unit)
