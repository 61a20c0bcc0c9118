"""U-Net (Ronneberger et al. 2015, arXiv:1505.04597): one path of blocks from the deepest level up, one skip each."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from unetzoo.checks import check_choice
from unetzoo.decoders.widths import plan_stages, run_stages
from unetzoo.errors import OptionError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import Attention, BlockStyle, ConvNormAct, FuseBlock, Upsample
from unetzoo.layers.norm import Activation, Norm
from unetzoo.layers.valid import ValidFuseBlock
from unetzoo.nn.segmenter import Decoder

Padding = Literal["same", "valid"]


class UNetDecoder(Decoder):
    """Upsample, concatenate with the level's features, convolve twice; up to full resolution where the pyramid allows.

    With timm's ViT over a ResNet and the encoder's option `skips_from="resnet"` it has the parts of TransUNet
    (arXiv:2102.04306); with a Swin transformer it resembles Swin-Unet (arXiv:2105.05537).

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each stage's output, deepest stage first; None: 16 at full resolution (32 if the encoder has
            features there), doubled at each halving up to 256.
        norm, activation, upsample, attention, dropout: see `unetzoo.layers.BlockStyle`.
        center: first convolve the deepest features twice, e.g. for a VGG, which ends in a pooling.
        padding: `"valid"` is the original U-Net: convolutions without padding, cropped skips and fewer logits than
            pixels; the encoder must be `plain` with the same option.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        norm: Norm = "batch",
        activation: Activation = "relu",
        upsample: Upsample = "nearest",
        attention: Attention = "none",
        dropout: float = 0.0,
        center: bool = False,
        padding: Padding = "same",
    ) -> None:
        check_choice("padding", padding, Padding)
        valid_padding = padding == "valid"
        if valid_padding and (attention != "none" or center):
            raise OptionError("padding='valid' allows neither attention nor center")
        if valid_padding and features.spatial_dims != 2:
            raise OptionError("padding='valid' is for images: leave it out with spatial_dims=3")
        block = ValidFuseBlock if valid_padding else FuseBlock
        style = BlockStyle(
            norm=norm,
            activation=activation,
            upsample=upsample,
            attention=attention,
            dropout=dropout,
            spatial_dims=features.spatial_dims,
        )
        stages = plan_stages(features, widths)
        super().__init__((stages[-1].out_channels,), (stages[-1].reduction,))
        self.valid_padding = valid_padding
        deepest = features.channels[-1]
        self.center = nn.Sequential(*(ConvNormAct(deepest, deepest, style) for _ in range(2))) if center else None
        self.stages = nn.ModuleList(
            block(stage.deep_channels, stage.skip_channels, stage.out_channels, factor=stage.factor, style=style)
            for stage in stages
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The full-resolution map, the only output, of a pyramid (shallow first)."""
        deep = features[-1] if self.center is None else self.center(features[-1])
        return [run_stages(self.stages, deep, features)]
