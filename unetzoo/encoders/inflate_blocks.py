"""Blocks of timm's backbones whose own code has two axes, over three: each class has the weights of timm's class."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from timm.models import checkpoint_seq  # noqa: TID253 - this module is imported when an encoder of timm is built
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

if TYPE_CHECKING:

    class _Block(nn.Module):
        """A class of timm's, with attributes of its own."""

        def __getattr__(self, name: str) -> Any: ...  # noqa: ANN401 - timm has no types

else:
    _Block = object


class OfVolumes(_Block):
    """A class of timm's, but for its `forward`.

    Attributes:
        flat_parts: parts that take volumes whose depth and height are one axis; they stay layers of images. None: all.
    """

    flat_parts: tuple[str, ...] | None = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by the name of timm's class."""
        return _empty, (class_name(type(self).__bases__[1]),), self.__dict__


def class_name(kind: type) -> str:
    """The name of a class with that of its module."""
    return f"{kind.__module__}.{kind.__qualname__}"


@cache
def of_volumes(name: str) -> type[nn.Module]:
    """The class of timm's with that name, with the `forward` in `BLOCKS`."""
    module, _, own = name.rpartition(".")
    return type(f"{own}OfVolumes", (BLOCKS[name], getattr(import_module(module), own)), {"__module__": __name__})


def _empty(name: str) -> nn.Module:
    kind = of_volumes(name)
    return kind.__new__(kind)


class Flat(OfVolumes):
    """Runs on a volume whose depth and height are one axis: for layers that treat all pixels alike."""

    flat_parts = None

    def forward(self, volume: Tensor) -> Tensor:
        """(..., d, h, w), or (..., 1, 1, 1), for (..., d, h, w)."""
        depth, height = volume.shape[-3:-1]
        flat: Tensor = super().forward(volume.flatten(-3, -2))
        rows = (1, 1) if flat.shape[-2] == 1 else (depth, height)
        return flat.reshape(*flat.shape[:-2], *rows, flat.shape[-1])


class ConvNeXtBlock(OfVolumes):
    """A block of ConvNeXt (arXiv:2201.03545)."""

    flat_parts = ("norm", "mlp")

    def forward(self, volume: Tensor) -> Tensor:
        """(b, c, d, h, w) of the same shape."""
        features = self.conv_dw(volume)
        flat = features.flatten(2, 3)
        if self.use_conv_mlp:
            flat = self.mlp(self.norm(flat))
        else:
            flat = self.mlp(self.norm(flat.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        if self.gamma is not None:
            flat = flat * self.gamma.reshape(1, -1, 1, 1)
        result: Tensor = self.shortcut(volume) + self.drop_path(flat).reshape(features.shape)
        return result


class RDNetBlock(OfVolumes):
    """A dense block of RDNet (arXiv:2403.19588)."""

    def forward(self, parts: list[Tensor]) -> Tensor:
        """The new features (b, growth, d, h, w) of those before."""
        features = self.layers(torch.cat(parts, 1))
        if self.gamma is not None:
            features = features * self.gamma.reshape(1, -1, 1, 1, 1)
        dropped: Tensor = F.dropout(self.drop_path(features), self.drop_rate, self.training)
        return dropped


class HGNetStem(OfVolumes):
    """The stem of HGNetV2, with its two paths."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, c, d / 4, h / 4, w / 4)."""
        first = F.pad(self.stem1(volume), (0, 1) * 3)
        second = self.stem2b(F.pad(self.stem2a(first), (0, 1) * 3))
        features: Tensor = self.stem4(self.stem3(torch.cat([self.pool(first), second], 1)))
        return features


class SplitAttention(OfVolumes):
    """Split attention (arXiv:2004.08955, section 3): all after its convolution runs on depth and height as one axis."""

    flat_parts = ("bn0", "drop", "act0", "fc1", "bn1", "act1", "fc2")

    def forward(self, volume: Tensor) -> Tensor:
        """(b, out, d, h, w)."""
        features = self.conv(volume)
        flat = self.act0(self.drop(self.bn0(features.flatten(2, 3)))).unflatten(1, (self.radix, -1))
        gates = self.fc2(self.act1(self.bn1(self.fc1(flat.sum(1).mean((2, 3), keepdim=True)))))
        gates = self.rsoftmax(gates).reshape(len(flat), self.radix, -1, 1, 1)
        mixed: Tensor = (flat * gates).sum(1)
        return mixed.reshape(*mixed.shape[:2], *features.shape[2:])


class MambaOutStem(OfVolumes):
    """The stem of MambaOut (arXiv:2405.07992), whose maps have their channels last."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, d / 4, h / 4, w / 4, c)."""
        features = self.conv1(volume)
        if self.norm1 is not None:
            features = _first(self.norm1(_last(features)))
        normed: Tensor = self.norm2(_last(self.conv2(self.act(features))))
        return normed


class MambaOutDownsample(OfVolumes):
    """The convolution between two levels of MambaOut, before its norm."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, d / 2, h / 2, w / 2, c)."""
        normed: Tensor = self.norm(_last(self.conv(_first(volume))))
        return normed


class MambaOutDownsampleNormFirst(OfVolumes):
    """The convolution between two levels of MambaOut, after its norm."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, d / 2, h / 2, w / 2, c)."""
        return _last(self.conv(_first(self.norm(volume))))


class MambaOutBlock(OfVolumes):
    """A gated block of MambaOut."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, d, h, w, c) of the same shape."""
        gate, kept, mixed = torch.split(self.fc1(self.norm(volume)), self.split_indices, dim=-1)
        mixed = _last(self.conv(_first(mixed)))
        residual = self.ls(self.fc2(self.act(gate) * torch.cat((kept, mixed), dim=-1)))
        result: Tensor = volume + self.drop_path(residual)
        return result


class MetaFormerStage(OfVolumes):
    """A level of MetaFormer (arXiv:2210.13452) whose blocks take maps, not tokens."""

    def forward(self, volume: Tensor) -> Tensor:
        """(b, c, d / stride, h / stride, w / stride)."""
        features = self.downsample(volume)
        result: Tensor = checkpoint_seq(self.blocks, features) if self.grad_checkpointing else self.blocks(features)
        return result


def _last(features: Tensor) -> Tensor:
    """With the channels last."""
    return features.movedim(1, -1)


def _first(features: Tensor) -> Tensor:
    return features.movedim(-1, 1)


_FLAT = {
    "timm.layers.norm": ("LayerNorm2d", "RmsNorm2d", "SimpleNorm2d"),
    "timm.layers.norm_act": ("BatchNormAct2d", "GroupNormAct", "LayerNormAct2d"),
    "timm.layers.evo_norm": ("EvoNorm2dS0", "EvoNorm2dS0a"),
    "timm.layers.filter_response_norm": ("FilterResponseNormTlu2d",),
    "timm.layers.squeeze_excite": ("SEModule", "EffectiveSEModule"),
    "timm.layers.eca": ("EcaModule",),
    "timm.layers.global_context": ("GlobalContext",),
    "timm.layers.selective_kernel": ("SelectiveKernelAttn",),
    "timm.models._efficientnet_blocks": ("SqueezeExcite",),
    "timm.models.senet": ("SEModule",),
    "timm.models.hgnet": ("EseModule",),
    "timm.models.fastvit": ("LayerScale2d",),
    "timm.models.metaformer": ("LayerNorm2dNoBias", "Scale"),
}
BLOCKS: dict[str, type[OfVolumes]] = {
    **{f"{module}.{kind}": Flat for module, kinds in _FLAT.items() for kind in kinds},
    "timm.models.convnext.ConvNeXtBlock": ConvNeXtBlock,
    "timm.models.rdnet.DenseBlock": RDNetBlock,
    "timm.models.hgnet.StemV2": HGNetStem,
    "timm.layers.split_attn.SplitAttn": SplitAttention,
    "timm.models.metaformer.MetaFormerStage": MetaFormerStage,
    "timm.models.mambaout.Stem": MambaOutStem,
    "timm.models.mambaout.Downsample": MambaOutDownsample,
    "timm.models.mambaout.DownsampleNormFirst": MambaOutDownsampleNormFirst,
    "timm.models.mambaout.GatedConvBlock": MambaOutBlock,
}
"""The `forward` of a class of timm's over three axes, by the name of the class."""
