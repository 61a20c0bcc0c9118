"""The architectures for images of each library, each over a small backbone where it takes one: how to build them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

Build = Callable[[], nn.Module]
Table = dict[str, Build]

SIZE = (256, 256)  # pixels; every architecture of all three takes it, and those bound to a size are built for it
CHANNELS = 1  # of the images: `VNet` of MONAI takes no three
_CLASSES = 2
_LEVELS = ((16, 32, 64, 128), (2, 2, 2))  # of MONAI's networks that ask for them
_OF_ITS_OWN = "resnet18"


def of_unetzoo() -> Table:
    """The built-in decoders."""
    from unetzoo.assembly import create
    from unetzoo.registry.builtin import unetzoo_decoders

    build = partial(create, encoder=_OF_ITS_OWN, in_channels=CHANNELS, classes=_CLASSES)
    return {spec.name: partial(build, spec.name) for spec in unetzoo_decoders()}


def of_smp() -> Table:
    """The architectures that `segmentation_models_pytorch.create_model` knows; `DPT` takes plain ViTs alone."""
    import segmentation_models_pytorch as smp

    options: dict[str, Any] = {"encoder_weights": None, "in_channels": CHANNELS, "classes": _CLASSES}
    vit = {"encoder_name": "tu-vit_tiny_patch16_224", "dynamic_img_size": True}
    own = {"DPT": vit}
    return {
        build.__name__: partial(build, **own.get(build.__name__, {"encoder_name": _OF_ITS_OWN}), **options)
        for build in smp._MODEL_ARCHITECTURES
    }


def of_monai() -> Table:
    """The networks of `monai.networks.nets` that make masks of images with two axes.

    Left out are those for volumes alone (`DAF3D`, `VISTA3D`), and those for registration or generation.
    """
    import monai.networks.nets

    nets: Any = monai.networks.nets  # it exports without saying so
    both = {"in_channels": CHANNELS, "out_channels": _CLASSES}
    plane = {"spatial_dims": 2, **both}
    return {
        "AHNet": partial(nets.AHNet, **plane),
        "AttentionUnet": partial(nets.AttentionUnet, 2, CHANNELS, _CLASSES, *_LEVELS),
        "BasicUNet": partial(nets.BasicUNet, **plane),
        "BasicUNetPlusPlus": partial(nets.BasicUNetPlusPlus, **plane),
        "DiNTS": lambda: nets.DiNTS(
            nets.TopologyInstance(spatial_dims=2), CHANNELS, num_classes=_CLASSES, spatial_dims=2
        ),
        "DynUNet": partial(
            nets.DynUNet, **plane, kernel_size=[3] * 4, strides=[1, 2, 2, 2], upsample_kernel_size=[2] * 3
        ),
        "FlexibleUNet": partial(nets.FlexibleUNet, **both, backbone=_OF_ITS_OWN, pretrained=False),
        "HighResNet": partial(nets.HighResNet, **plane),
        "HoVerNet": partial(nets.HoVerNet, in_channels=CHANNELS, decoder_padding=True),
        "MedNeXt": partial(nets.MedNeXt, **plane),
        "Quicknat": partial(nets.Quicknat, num_classes=_CLASSES, num_channels=CHANNELS),
        "SegResNet": partial(nets.SegResNet, **plane),
        "SegResNetDS": partial(nets.SegResNetDS, **plane),
        "SegResNetDS2": partial(nets.SegResNetDS2, **plane),
        "SegResNetVAE": partial(nets.SegResNetVAE, SIZE, **plane),
        "SwinUNETR": partial(nets.SwinUNETR, **plane),
        "UNETR": partial(nets.UNETR, **plane, img_size=SIZE),
        "UNet": partial(nets.UNet, 2, CHANNELS, _CLASSES, *_LEVELS),
        "VNet": partial(nets.VNet, **plane),
    }


LIBRARIES: dict[str, Callable[[], Table]] = {
    "unetzoo": of_unetzoo,
    "segmentation_models_pytorch": of_smp,
    "MONAI": of_monai,
}


class Logits(nn.Module):
    """A network that gives one map: the first, where it gives several by number or name (supervised levels, branches).

    Args:
        network: maps images (b, c, h, w) to whatever it gives.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Logits (b, k, h, w)."""
        return first(self.network(image))


def first(output: Any) -> Tensor:  # noqa: ANN401 - of other libraries
    """The first map of what a network gives."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values())) if isinstance(output, dict) else output[0]
    return output
