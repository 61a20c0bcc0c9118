"""The backbones of Hugging Face transformers."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 1
_NAMES = (
    "beit",
    "bit",
    "convnext",
    "convnextv2",
    "dinov2",
    "dinov2_with_registers",
    "dinov3_convnext",
    "dinov3_vit",
    "focalnet",
    "hgnet_v2",
    "pvt_v2",
    "resnet",
    "swin",
    "swinv2",
    "textnet",
    "vitdet",
)

_SMALL = ("pvt_v2", "textnet", "resnet")


@unetzoo.hookimpl
def unetzoo_encoders() -> Iterator[unetzoo.EncoderFamily]:
    """The family `hf:*`."""
    yield unetzoo.EncoderFamily(prefix="hf", names=lambda: _NAMES, spec=_spec, examples=_SMALL)


def _spec(name: str) -> unetzoo.EncoderSpec:
    return unetzoo.EncoderSpec(
        name=name,
        build=unetzoo.lazy("unetzoo_transformers.encoder:TransformersEncoder", name),
        summary=f"the {name} backbone of Hugging Face transformers",
    )
