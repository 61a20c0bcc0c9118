"""The encoders that are compared, as timm writes them, and what their published weights are."""

from dataclasses import dataclass

from unetzoo.catalog import describe
from unetzoo.errors import OptionError

ENCODERS = (
    "resnet18",
    "resnet34",
    "efficientnet_b0",
    "mobilenetv4_conv_small",
    "convnext_tiny",
    "convnext_tiny.dinov3_lvd1689m",
    "sam2_hiera_tiny",
    "vit_tiny_patch16_dinov3_qkvb.eupe_lvd1689m",
)
"""A network of timm, with a dot and a tag where other weights than its default ones are meant."""
TORCH, BFLOAT16, OPENVINO, INT8 = "torch", "torch bfloat16", "openvino", "openvino int8"
"""The ways to compute that are timed; the first and the third are in float32."""
EMULATED = "this processor emulates bfloat16"
"""Why there is no time in bfloat16."""


@dataclass(frozen=True)
class Published:
    """Weights that timm names for a network.

    Attributes:
        network: name of the encoder in `unetzoo.create`; several weights may be those of one network.
        tag: of the weights, as `unetzoo.create(..., pretrained=tag)` takes it.
        license: of the weights, as timm gives it; empty: it gives none.
    """

    network: str
    tag: str
    license: str


def published(encoder: str) -> Published:
    """The weights of an encoder as `ENCODERS` has it; nothing is downloaded.

    Raises:
        UnknownNameError: there is no such network.
        OptionError: there are no such weights of it.
    """
    import timm

    network, _, tag = encoder.partition(".")
    tags = describe("encoder", network).pretrained
    if not tags or (tag and tag not in tags):
        raise OptionError(f"timm has no weights {encoder!r}; choose among {', '.join(tags) or 'other networks'}")
    config = timm.get_pretrained_cfg(encoder)
    return Published(network, tag or tags[0], (config.license if config else "") or "")
