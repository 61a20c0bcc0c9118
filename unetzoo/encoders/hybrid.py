"""The encoder of TransUNet (arXiv:2102.04306): a transformer over a ResNet, whose earlier maps are levels, too."""

from collections.abc import Sequence
from typing import Any

from timm.layers.hybrid_embed import HybridEmbed  # noqa: TID253 - this module is imported when an encoder of timm is built
from timm.models import ResNetV2, VisionTransformer  # noqa: TID253 - as above
from timm.models._features import FeatureGetterNet, FeatureInfo  # noqa: TID253 - as above
from torch import Tensor, nn

from unetzoo.errors import OptionError


class Hybrid(nn.Module):
    """The maps of a ResNet, then that of the transformer's last block, normed, in place of the ResNet's last one.

    Args:
        model: a hybrid of timm, which is taken apart.
        name: its name.
        out_indices: indices of the maps to return, shallow first; None: all.

    Raises:
        OptionError: it is no such hybrid, or has no such maps.
    """

    def __init__(self, model: nn.Module, name: str, out_indices: Sequence[int] | None) -> None:
        super().__init__()
        resnet, embedding, blocks = _parts(model, name)
        stages = len(resnet.stages)
        indices = tuple(range(stages + 1) if out_indices is None else out_indices)
        if list(indices) != sorted(set(indices)) or not all(0 <= index <= stages for index in indices):
            raise OptionError(
                f"out_indices of {name} with skips_from='resnet' must rise from 0 to {stages}, got {indices}"
            )
        described = [*resnet.feature_info[:stages], {"module": "transformer", "num_chs": model.embed_dim}]
        described[-1]["reduction"] = embedding.feat_ratio()
        self.feature_info = FeatureInfo(described, indices)
        self.resnet = FeatureGetterNet(resnet, out_indices=tuple(range(indices[-1] + 1)))
        self.transformer: FeatureGetterNet | None = None
        if indices[-1] == stages:
            embedding.backbone, embedding.feature_ratio = nn.Identity(), (1, 1)  # it gets the map itself
            self.transformer = FeatureGetterNet(model, out_indices=(blocks - 1,), norm=True)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The levels of images (b, c, h, w), shallow first."""
        maps: list[Tensor] = self.resnet(image)
        if self.transformer is not None:
            maps[-1:] = self.transformer(maps[-1])
        return [maps[index] for index in self.feature_info.out_indices]

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute the blocks of both parts in the backward pass."""
        parts: tuple[Any, Any] = self.resnet, self.transformer
        for part in filter(None, parts):
            part.model.set_grad_checkpointing(enable)


def _parts(model: Any, name: str) -> tuple[Any, Any, int]:  # noqa: ANN401 - of timm
    """The ResNet, the embedding around it, and the number of blocks of the transformer."""
    if isinstance(model, VisionTransformer) and isinstance(model.patch_embed, HybridEmbed):
        embedding = model.patch_embed
        if isinstance(embedding.backbone, ResNetV2):
            return embedding.backbone, embedding, len(model.blocks)
    raise OptionError(
        f"skips_from='resnet' needs a transformer over a ResNet, such as timm's 'vit_base_r50_s16_224'; got {name!r}"
    )
