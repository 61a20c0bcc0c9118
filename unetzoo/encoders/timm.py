"""Any model of timm as an encoder."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.checks import check_choice, check_count, check_depth, check_widths, whole
from unetzoo.encoders.dilation import Dilation, check_output_stride, dilate_uniformly
from unetzoo.encoders.pyramid import Level, PyramidAdapter, plan_levels
from unetzoo.encoders.readout import Readout, ReadoutKind
from unetzoo.encoders.timm_build import (
    REFUSALS,
    Request,
    Stem,
    build_backbone,
    build_on_meta,
    fit_request,
    info_of,
    native_size,
    on_meta,
    restart_stem,
    run_backbone,
)
from unetzoo.encoders.view import Size, View, crop, fit, round_up
from unetzoo.errors import OptionError, ShapeError
from unetzoo.layers.norm import is_lone_pixel
from unetzoo.nn.misfit import check_fits
from unetzoo.nn.segmenter import Encoder

_MOST_LEVELS = 64
_LARGEST_SIDE = 8192  # pixels


class TimmEncoder(Encoder):
    """A backbone of timm; where its maps are no pyramid (plain ViTs, odd strides), `PyramidAdapter` makes one.

    Args:
        name: of the model, as `timm.list_models()` has it.
        in_channels: of the image.
        pretrained: random weights (False), timm's default ones (True), those of a tag such as `"a1_in1k"`, of a
            `.safetensors` file or of a repository of the Hub, `"hf-hub:user/name"`, with timm's names behind whatever
            prefix; nothing but a classifier may be missing.
        depth: use only that many levels, the shallow ones; None: all.
        out_indices: which of the backbone's own levels (or, of a plain ViT, blocks) to use, shallow first; None: all
            levels, or four blocks at even distances.
        img_size: (height, width) in pixels of the images, for the backbones that must know it when they are built.
            Those that cannot be built for it see the images scaled to the size that timm built them for.
        stem: what the first convolution makes of pretrained filters when `in_channels` > 3: `"repeat"` them over all
            channels (as timm does, scaled to keep the sum), or keep them for the first three and start the others from
            `"zeros"` or `"random"` values.
        output_stride: 8 or 16, the reduction at which the resolution stops to fall: later levels keep it and see as far
            by dilation, where timm's model can do that. None: every level halves the resolution.
        dilation: of the convolutions of those levels: `"gradual"` as timm has it, or `"uniform"`, all alike, as
            segmentation_models_pytorch's own ResNets were trained.
        pyramid: whether maps of one stride become levels of several; False: all keep their strides, as `dpt` wants them
            of a plain ViT.
        taps: names of layers whose maps are the levels, shallow first, such as `("bn1", "blocks.1")`, of models that
            are chains of layers, as EfficientNets and VGGs are; None: the levels that timm has.
        padded_side: with `taps`: convolutions of such a model that pad as TensorFlow does, by the size of the image,
            pad at every size as for images of that many pixels a side; None: by each image's own.
        readout: what becomes of a plain ViT's class token: `"ignore"` it, `"add"` it to each pixel, or `"cat"`:
            concatenate it with each pixel and project.

    Raises:
        OptionError: for an option outside its values.
        PretrainedError: when there are no such weights, or they cannot be had.
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
    ) -> None:
        for option, value, allowed in (("stem", stem, Stem), ("dilation", dilation, Dilation)):
            check_choice(option, value, allowed)
        check_choice("readout", readout, ReadoutKind)
        indices = None if out_indices is None else _indices(out_indices)
        request = Request(
            name,
            in_channels,
            pretrained,
            indices,
            output_stride=output_stride,
            taps=None if taps is None else _names(taps),
            padded_side=None if padded_side is None else check_count("padded_side", padded_side),
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
        adapter = PyramidAdapter(levels)
        super().__init__(adapter.features)
        self.name = name
        self.backbone = backbone
        self.adapter = adapter
        self.img_size = size
        self.view = view
        channels = [level.channels for level in levels]
        self.readout = None if readout == "ignore" else Readout(readout, backbone, channels, name)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The pyramid of an image (b, c, h, w), whose h and w are multiples of the deepest reduction.

        Raises:
            ShapeError: when the backbone cannot take images of that size.
            OptionError: when an image's numbers have another type than the weights, or it lies on another device.
        """
        size = (image.shape[2], image.shape[3])
        seen = self.view.seen(image)
        maps = self._maps(seen) if torch.compiler.is_compiling() else self._checked(seen, image)
        levels = fit(self.adapter(maps), self.features, self.view.padded(size))
        return levels if self.view.unit == 1 else crop(levels, self.features, size)

    def checkpoint_activations(self, enabled: bool = True) -> None:
        """As `Encoder.checkpoint_activations`, by timm's own means."""
        switches: list[Any] = [
            module for module in self.backbone.modules() if hasattr(module, "set_grad_checkpointing")
        ]
        try:
            if not switches:
                raise OptionError(
                    f"timm's {self.name} cannot be run again in parts: activation_checkpointing is not for it"
                )
            switches[0].set_grad_checkpointing(enabled)
        except AssertionError as error:
            raise OptionError(f"timm's {self.name} says of activation_checkpointing: {error}") from error

    def _maps(self, seen: Tensor) -> list[Tensor]:
        return run_backbone(self.backbone, seen) if self.readout is None else self.readout(self.backbone, seen)

    def _checked(self, seen: Tensor, image: Tensor) -> list[Tensor]:
        try:
            return self._maps(seen)
        except REFUSALS as error:
            if is_out_of_memory(error) or is_lone_pixel(error):
                raise
            check_fits(image, self)
            height, width = self.view.padded((image.shape[2], image.shape[3]))
            if (height, width) == self.img_size or not self._refuses_size(seen):
                raise
            raise ShapeError(
                f"timm's {self.name} {self._built_for()} cannot take images of {height} x {width} pixels (padded);"
                f" create it with encoder_options={{'img_size': ({height}, {width})}}"
            ) from error

    def _refuses_size(self, seen: Tensor) -> bool:
        """Whether it is the size at which the backbone fails: without values, too, where its own size does not."""
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


def _view(whole: Sequence[Level], used: Sequence[Level], *, tied: bool) -> View:
    """How a backbone sees an image, of whose levels only some are used.

    Where the size that it sees is tied to the whole pyramid (by `img_size`, or by strides that are no powers of two),
    so is the padding; otherwise it need only suit the levels that are used.
    """
    deepest, last = whole[-1], used[-1]
    unit = deepest.target if tied or deepest.native != deepest.target else last.stride
    return View(1 if unit == last.target else unit, deepest.native, deepest.target)


def _indices(out_indices: Sequence[int]) -> tuple[int, ...]:
    """The levels to use; timm tells which of these a backbone has."""
    indices = tuple(map(whole, out_indices)) if isinstance(out_indices, Sequence) else ()
    known = tuple(index for index in indices if index is not None)
    if not 1 <= len(known) == len(indices) <= _MOST_LEVELS:
        shown = str(out_indices)[:80]
        raise OptionError(f"out_indices must be a list of up to {_MOST_LEVELS} whole numbers, got {shown}")
    return known


def _names(taps: Sequence[str]) -> tuple[str, ...]:
    if isinstance(taps, str) or not taps or not all(isinstance(name, str) for name in taps):
        raise OptionError(f"taps must be a list of names of layers, got {taps!r}")
    return tuple(taps)


def _padded(img_size: Sequence[int], unit: int) -> Size:
    """The size to which images are padded before the backbone sees them."""
    sides = check_widths("img_size", img_size)
    if len(sides) != 2:
        raise OptionError(f"img_size must be (height, width) in pixels, got {tuple(img_size)}")
    if max(sides) > _LARGEST_SIDE:
        raise OptionError(f"img_size must be at most {_LARGEST_SIDE:,} pixels a side, got {tuple(img_size)}")
    return round_up(sides[0], unit), round_up(sides[1], unit)
