"""Dense prediction transformer (Ranftl et al. 2021, arXiv:2103.13413): levels of a ViT, fused by residual blocks."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.checks import check_count, check_probability, check_widths
from unetzoo.decoders.widths import step_factors
from unetzoo.errors import OptionError, ShapeError
from unetzoo.features import Factor, FeatureInfo
from unetzoo.layers.block import BlockStyle, ConvNormAct
from unetzoo.layers.checkpoint import CheckpointedModule, checkpointed
from unetzoo.layers.norm import Activation, Norm, make_activation, make_norm
from unetzoo.layers.resize import enlarge
from unetzoo.nn.segmenter import Decoder

_WIDTHS = (256, 512, 1024, 1024)
_FINEST = 4


class DPTDecoder(Decoder):
    """Four levels at reductions 4, 8, 16, 32, fused coarse to fine; the output has reduction 2.

    The decoder resamples the maps of a plain ViT, which all have one reduction, as in the paper: create its encoder
    with `encoder_options={"pyramid": False, "readout": "cat"}`. Levels of other encoders keep their reductions.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each resampled level, shallow first; None: 256, 512, then 1024.
        width: channels of the fused levels and of the output.
        norm: after each convolution of the residual blocks.
        activation: before each of these convolutions.
        dropout: probability of dropping a value of the output in training.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        width: int = 256,
        norm: Norm = "batch",
        activation: Activation = "relu",
        dropout: float = 0.1,
    ) -> None:
        check_count("width", width)
        check_probability("dropout", dropout)
        style = BlockStyle(norm=norm, activation=activation)
        targets = _targets(features)
        last = 2 if targets[0] % 2 == 0 else 1
        super().__init__((width,), (targets[0] // last,), align_corners=True)
        levels = zip(features.channels, _level_widths(features, widths), features.reductions, targets, strict=True)
        self.reassemble = nn.ModuleList(_Reassemble(have, want, width, by, to) for have, want, by, to in levels)
        factors = (*step_factors(FeatureInfo(features.channels, targets)), last)
        self.fusions = nn.ModuleList(_Fusion(width, factor, style) for factor in factors)
        self.head = ConvNormAct(width, width, style)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The fused map, the only output, of a pyramid (shallow first)."""
        levels = [reassemble(level) for reassemble, level in zip(self.reassemble, features, strict=True)]
        fused: Tensor | None = None
        for fusion, level in zip(self.fusions, reversed(levels), strict=True):
            fused = fusion(level, fused)
        return [self.dropout(self.head(fused))]


class _Reassemble(nn.Sequential):
    """Project a level, resample it to its target reduction, and project it to the shared width."""

    def __init__(self, in_channels: int, middle: int, out_channels: int, reduction: int, target: int) -> None:
        if reduction > target:
            factor = reduction // target
            resample: nn.Module = nn.ConvTranspose2d(middle, middle, factor, factor)
        elif reduction < target:
            resample = nn.Conv2d(middle, middle, 3, target // reduction, padding=1)
        else:
            resample = nn.Identity()
        super().__init__(
            nn.Conv2d(in_channels, middle, 1), resample, nn.Conv2d(middle, out_channels, 3, padding=1, bias=False)
        )


class _Fusion(CheckpointedModule):
    """Add a level to the coarser ones, project and upsample; projecting first takes fewer operations."""

    def __init__(self, width: int, factor: Factor, style: BlockStyle) -> None:
        super().__init__()
        self.factor = factor
        self.level, self.fused = _Residual(width, style), _Residual(width, style)
        self.project = nn.Conv2d(width, width, 1)

    @checkpointed
    def forward(self, level: Tensor, coarse: Tensor | None) -> Tensor:
        level = self.level(level)
        if coarse is not None:  # a map halved from an odd number of pixels comes back one pixel longer
            beyond = (level.shape[2] - coarse.shape[2], level.shape[3] - coarse.shape[3])
            level = level + F.pad(coarse, (0, beyond[1], 0, beyond[0]))
        return enlarge(self.project(self.fused(level)), self.factor, align_corners=True)


class _Residual(nn.Sequential):
    """Activation, convolution and norm, twice, added to the input."""

    def __init__(self, width: int, style: BlockStyle) -> None:
        parts: list[nn.Module] = []
        for place in range(2):
            parts += [
                make_activation(style.activation, inplace=place > 0),
                nn.Conv2d(width, width, 3, padding=1, bias=style.norm == "none"),
                make_norm(style.norm, width, groups=style.groups),
            ]
        super().__init__(*parts)

    def forward(self, features: Tensor) -> Tensor:
        residual = features
        for layer in self:
            residual = layer(residual)
        return features + residual


def _targets(features: FeatureInfo) -> tuple[int, ...]:
    """The reductions at which the levels are fused: their own, or 4, 8, 16, .. for a plain ViT.

    Raises:
        ShapeError: for a pyramid of fewer than two levels.
    """
    if len(features) < 2:
        raise ShapeError(f"a decoder needs at least two levels, got {features}")
    if len(set(features.reductions)) > 1:
        return features.reductions
    return tuple(_FINEST * 2**level for level in range(len(features)))


def _level_widths(features: FeatureInfo, widths: Sequence[int] | None) -> tuple[int, ...]:
    if widths is None:
        return (*_WIDTHS, *_WIDTHS[-1:] * len(features))[: len(features)]
    if len(widths) != len(features):
        raise OptionError(f"this pyramid needs {len(features)} widths, shallow first; got {tuple(widths)}")
    return check_widths("widths", widths)
