"""Which encoders really run: a network is built around each, and sees an image, on the `meta` device where it can."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.architectures import first
from benchmarks.peers.names import MONAI, OURS, OURS_OTHERS, SMP, SMP_DPT, SMP_OWN
from benchmarks.peers.outcomes import Outcomes
from unetzoo.assembly import create
from unetzoo.catalog import list_encoders

Size = tuple[int, int]
Build = Callable[[str, Size | None], nn.Module]
"""Of a name, and the size that the encoder is built for; None: as it comes."""

_MULTIPLE = 32  # pixels: what segmentation_models_pytorch asks of sides
_USUAL = (224, 224)
_OF_META = ("meta", "item")  # in errors of what reads a tensor's value, which the meta device has not


def timm_names(sample: int | None = None) -> list[str]:
    """The models of timm; of a sample, that many at equal distances."""
    import timm

    names: list[str] = timm.list_models()
    return names if sample is None else names[:: max(1, len(names) // sample)][:sample]


def count_timm(
    tried: dict[str, Outcomes], names: Sequence[str], on_name: Callable[[], None] = lambda: None
) -> dict[str, Outcomes]:
    """Try each model of timm as the encoder of this project's `unet` and of segmentation_models_pytorch's `Unet`.

    Where the latter does not run, its `DPT`, which is for plain ViTs, is tried as well.

    Args:
        tried: what is known already; those names are left out. It is changed.
        names: of timm's models.
        on_name: called after each.
    """
    ours, smp, dpt = (tried.setdefault(name, Outcomes()) for name in (OURS, SMP, SMP_DPT))
    for name in names:
        if name not in ours.tried & smp.tried:
            sizes = _sizes(name)
            if name not in ours.tried:
                ours.add(name, partial(runs, _ours, name, sizes))
            if name not in smp.tried and not smp.add(name, partial(runs, _smp("Unet", "tu-"), name, sizes)):
                dpt.add(name, partial(runs, _smp("DPT", "tu-"), name, sizes))
            on_name()
    return tried


def count_others() -> dict[str, Outcomes]:
    """The encoders that are none of timm's: this project's, those that the peers name themselves."""
    tried: dict[str, Outcomes] = {}
    for library, names, build in _others():
        outcomes = tried.setdefault(library, Outcomes())
        for name in names:
            outcomes.add(name, partial(runs, build, name, [_USUAL]))
    return tried


def runs(build: Build, name: str, sizes: Sequence[Size]) -> None:
    """Build a network as it comes and let it see an image of each size, until one runs; then with `img_size`.

    Raises:
        Exception: whatever the library raised first, or a wrong size of the logits.
    """
    ways = [*((size, None) for size in sizes), *((size, size) for size in sizes)]
    errors = []
    for size, img_size in ways:
        try:
            _see(partial(build, name, img_size), size)
        except Exception as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def _see(build: Callable[[], nn.Module], size: Size) -> None:
    try:
        _see_on("meta", build, size)
    except Exception as error:
        if not any(word in str(error) for word in _OF_META):
            raise
        _see_on("cpu", build, size)


def _see_on(device: str, build: Callable[[], nn.Module], size: Size) -> None:
    with torch.device(device), torch.no_grad():
        check_logits(build().eval(), torch.zeros(1, 3, *size))


def check_logits(network: Callable[[Tensor], Any], image: Tensor) -> None:
    """Run a network on images (b, c, h, w).

    Raises:
        ValueError: it gives no finite logits of the images' size.
        Exception: whatever it raises.
    """
    with torch.no_grad():
        logits = first(network(image))
    if logits.shape[-2:] != image.shape[-2:]:
        raise ValueError(f"logits of {tuple(logits.shape[-2:])} for images of {tuple(image.shape[-2:])}")
    if not logits.is_meta and not logits.isfinite().all():
        raise ValueError("logits that are not finite")


def _ours(name: str, img_size: Size | None) -> nn.Module:
    return create("unet", encoder=name, encoder_options={} if img_size is None else {"img_size": img_size})


def _smp(architecture: str, prefix: str) -> Build:
    import segmentation_models_pytorch

    build = getattr(segmentation_models_pytorch, architecture)
    return lambda name, img_size: build(
        prefix + name, encoder_weights=None, **({} if img_size is None else {"img_size": img_size})
    )


def _monai(name: str, _: Size | None) -> nn.Module:
    from monai.networks.nets.flexible_unet import FlexibleUNet

    network: nn.Module = FlexibleUNet(3, 1, name, pretrained=False)
    return network


def _others() -> Iterator[tuple[str, list[str], Build]]:
    from monai.networks.nets.flexible_unet import FLEXUNET_BACKBONE
    from segmentation_models_pytorch.encoders import encoders

    yield OURS_OTHERS, sorted(set(list_encoders()) - set(timm_names())), _ours
    yield SMP_OWN, sorted(encoders), _smp("Unet", "")
    yield MONAI, sorted(FLEXUNET_BACKBONE.register_dict), _monai


def _sizes(name: str) -> list[Size]:
    """The model's own height and width, and those rounded up to what segmentation_models_pytorch asks for."""
    import timm

    config = timm.get_pretrained_cfg(name)
    height, width = config.input_size[1:] if config is not None else _USUAL
    rounded = (-(-height // _MULTIPLE) * _MULTIPLE, -(-width // _MULTIPLE) * _MULTIPLE)
    return list(dict.fromkeys([(height, width), rounded]))
