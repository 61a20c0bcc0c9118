"""Any model of timm as an encoder."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.checks import check_choice, check_depth, check_widths
from unetzoo.encoders.pyramid import PyramidAdapter, deepest_target, fit, is_pyramid, plan_levels
from unetzoo.encoders.timm_build import (
    REFUSALS,
    Request,
    Size,
    Stem,
    build_backbone,
    build_on_meta,
    fit_request,
    restart_stem,
    run_backbone,
)
from unetzoo.errors import OptionError, ShapeError
from unetzoo.model import Encoder


class TimmEncoder(Encoder):
    """A backbone of timm; where its maps are no pyramid (plain ViTs, odd strides), `PyramidAdapter` makes one.

    Args:
        name: of the model, as `timm.list_models()` has it.
        in_channels: of the image.
        pretrained: random weights (False), timm's default ones (True), or those of a tag such as `"a1_in1k"`.
        depth: use only that many levels, the shallow ones; None: all.
        out_indices: which of the backbone's own levels (or, of a plain ViT, blocks) to use, shallow first; None: all levels,
            or four blocks at even distances.
        img_size: (height, width) in pixels of the images, for the backbones that must know it when they are built. Those that
            cannot be built for it see the images scaled to the size that timm built them for.
        stem: what the first convolution makes of pretrained filters when `in_channels` > 3: `"repeat"` them over all channels
            (as timm does, scaled to keep the sum), or keep them for the first three and start the others from `"zeros"` or
            `"random"` values.

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
    ) -> None:
        check_choice("stem", stem, Stem)
        indices = None if out_indices is None else tuple(out_indices)
        request = Request(name, in_channels, pretrained, indices)
        padded, seen_size = None, None
        if img_size is not None:
            strides = build_on_meta(request).feature_info.reduction()
            padded = _padded_size(img_size, deepest_target(strides))
            scaled = _scaled_size(padded, deepest_target(strides), strides[-1])
            request, seen = fit_request(request, scaled)
            seen_size = None if seen == scaled else seen
        levels = None
        if depth is not None:
            whole = build_on_meta(request).feature_info
            levels = plan_levels(whole.channels(), whole.reduction())[: check_depth(depth, len(whole.out_indices))]
            request = replace(request, out_indices=tuple(whole.out_indices[:depth]))
        backbone = build_backbone(request)
        if stem != "repeat" and pretrained and in_channels > 3:
            restart_stem(backbone, request, stem)
        strides = backbone.feature_info.reduction()
        adapter = PyramidAdapter(levels or plan_levels(backbone.feature_info.channels(), strides))
        super().__init__(adapter.features)
        self.name = name
        self.backbone = backbone
        self.adapter = None if is_pyramid(strides) else adapter
        self.native_reduction: int = strides[-1]
        self.img_size = padded
        self.seen_size = seen_size

    def forward(self, image: Tensor) -> list[Tensor]:
        """The pyramid of an image (b, c, h, w), whose h and w are multiples of the deepest reduction.

        Raises:
            ShapeError: when the backbone cannot take images of that size.
        """
        height, width = image.shape[2:]
        seen = self._seen(image)
        maps = run_backbone(self.backbone, seen) if torch.compiler.is_compiling() else self._checked(seen, image)
        return fit(self.adapter(maps) if self.adapter else maps, self.features, height, width)

    def _seen(self, image: Tensor) -> Tensor:
        """The image at the size at which the backbone sees it: so that its deepest map has the deepest level's pixels."""
        deepest = self.features.reductions[-1]
        if self.seen_size is not None:
            return F.interpolate(image, size=self.seen_size, mode="bilinear")
        if self.native_reduction == deepest:
            return image
        size = _scaled_size((image.shape[2], image.shape[3]), deepest, self.native_reduction)
        return F.interpolate(image, size=size, mode="bilinear")

    def _checked(self, seen: Tensor, image: Tensor) -> list[Tensor]:
        try:
            return run_backbone(self.backbone, seen)
        except torch.OutOfMemoryError:
            raise
        except REFUSALS as error:
            if tuple(image.shape[2:]) == self.img_size:
                raise
            height, width = image.shape[2:]
            raise ShapeError(
                f"timm's {self.name} {self._built_for()} cannot take images of {height} x {width} pixels (after padding);"
                f" create it with encoder_options={{'img_size': ({height}, {width})}}"
            ) from error

    def _built_for(self) -> str:
        return f"built for {self.img_size[0]} x {self.img_size[1]}" if self.img_size else "as it is built"


def _padded_size(img_size: Sequence[int], deepest: int) -> Size:
    """The size to which images are padded before the encoder sees them."""
    sides = check_widths("img_size", img_size)
    if len(sides) != 2:
        raise OptionError(f"img_size must be (height, width) in pixels, got {tuple(img_size)}")
    return -(-sides[0] // deepest) * deepest, -(-sides[1] // deepest) * deepest


def _scaled_size(size: Size, deepest: int, native: int) -> Size:
    """The size at which maps of stride `native` have the pixels that a level of reduction `deepest` has at `size`."""
    return size[0] // deepest * native, size[1] // deepest * native
