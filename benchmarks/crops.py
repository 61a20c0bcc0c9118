"""Crops a second with full augmentation, on one core, then write README.md.

    pip install albumentations batchgenerators && python -m benchmarks.crops

Each library cuts 256 x 256 pixels of an image in memory, augments image and mask by the same operations with the same
probabilities, and normalizes. A peer that is not installed is left out.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.panel.data import Samples
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.data.dataset import Sample
from unetzoo.nn.info import ModelInfo
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset

_SIDE, _CROP = 2048, 256
_CROPS = 40  # a call
_ROUNDS, _WARM_UP = 15, 2
_MEAN, _STD = 127.0, 70.0
_WIDE = _CROP + 2 * (_CROP // 8)  # what is rotated, so that the corners of the crop are not empty

Image = NDArray[np.uint8]
Cutter = Callable[[int], tuple[Any, Any]]
"""From the number of a crop to its image (c, 256, 256), normalized float32, and its mask (256, 256)."""


def scene(channels: int) -> tuple[Image, Image]:
    """An image (2048, 2048, channels) of smooth noise and a mask of its bright parts."""
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.normal(_MEAN, _STD, (1, channels, _SIDE // 16, _SIDE // 16)))
    image = torch.nn.functional.interpolate(coarse, size=(_SIDE, _SIDE), mode="bicubic")[0]
    pixels = image.clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
    return pixels, (pixels[..., 0] > _MEAN + _STD).astype(np.uint8)


def cutters(channels: int) -> dict[str, Cutter]:
    """This project's, and those of the peers that are installed."""
    image, mask = scene(channels)
    made = {"unetzoo": _unetzoo(image, mask)}
    if find_spec("albumentations"):
        made["albumentations"] = _albumentations(image, mask)
    if find_spec("batchgenerators"):
        made["batchgenerators"] = _batchgenerators(image, mask)
    return made


def _unetzoo(image: Image, mask: Image) -> Cutter:
    channels = image.shape[2]
    info = ModelInfo(mean=(_MEAN,) * channels, std=(_STD,) * channels, value_range=(0, 255))
    augmentation = Augmentation("full", crop=_CROP, elastic=0.3)
    samples = Samples([Sample(image, mask, "scene")], ["dark", "bright"])
    crops = CropDataset(samples, info, count=2**31, crop=_CROP, balance=0.0, augmentation=augmentation, seed=0)
    return lambda number: crops[number][:2]


def _albumentations(image: Image, mask: Image) -> Cutter:
    import albumentations as A  # noqa: N812 - as its users write it
    import cv2

    cv2.setNumThreads(1)
    channels = image.shape[2]
    transform = A.Compose(
        [
            A.RandomCrop(_WIDE, _WIDE),
            A.D4(p=1),
            A.Affine(rotate=(-15, 15), scale=(0.8, 1.25), p=0.5),
            A.ElasticTransform(alpha=50, sigma=40, approximate=True, p=0.3),
            A.CenterCrop(_CROP, _CROP),
            A.RandomGamma((70, 140), p=1),
            A.RandomBrightnessContrast(0.3, 0.3, p=1),
            A.GaussianBlur(blur_limit=(7, 7), sigma_limit=(0.3, 1.2), p=0.15),
            A.GaussNoise(p=0.15),
            A.Normalize(mean=(_MEAN / 255,) * channels, std=(_STD / 255,) * channels),
        ],
        seed=0,
    )

    def cut(_: int) -> tuple[Any, Any]:
        done = transform(image=image, mask=mask)
        return np.ascontiguousarray(done["image"].transpose(2, 0, 1)), done["mask"]

    return cut


def _batchgenerators(image: Image, mask: Image) -> Cutter:
    from batchgenerators.transforms import color_transforms, noise_transforms, spatial_transforms
    from batchgenerators.transforms.abstract_transforms import Compose

    spatial = spatial_transforms.SpatialTransform(
        (_CROP, _CROP),
        patch_center_dist_from_border=(_CROP // 2, _CROP // 2),
        do_elastic_deform=True,
        alpha=(0, 200),
        sigma=(9, 13),
        angle_x=(-np.pi / 12, np.pi / 12),
        scale=(0.8, 1.25),
        order_data=1,
        order_seg=0,
        random_crop=False,
        p_el_per_sample=0.3,
        p_rot_per_sample=0.5,
        p_scale_per_sample=0.5,
    )
    transform = Compose(
        [
            spatial,
            spatial_transforms.Rot90Transform(axes=(0, 1), p_per_sample=0.75),
            spatial_transforms.MirrorTransform(axes=(0, 1)),
            color_transforms.GammaTransform((0.7, 1.4), retain_stats=False),
            color_transforms.ContrastAugmentationTransform((0.7, 1.3)),
            color_transforms.BrightnessTransform(0, 0.3),
            noise_transforms.GaussianBlurTransform((0.3, 1.2), p_per_sample=0.15),
            noise_transforms.GaussianNoiseTransform((0, 0.02), p_per_sample=0.15),
        ]
    )
    random = np.random.default_rng(0)

    def cut(_: int) -> tuple[Any, Any]:
        top, left = random.integers(_SIDE - _WIDE, size=2)
        window = np.s_[top : top + _WIDE, left : left + _WIDE]
        values = (image[window].astype(np.float32) - _MEAN) / _STD
        done = transform(data=values.transpose(2, 0, 1)[None], seg=mask[window].astype(np.float32)[None, None])
        return done["data"][0], done["seg"][0, 0]

    return cut


def measure(channels: int, *, crops: int = _CROPS, rounds: int = _ROUNDS) -> dict[str, Any]:
    """Seconds of a core for the same number of crops by each library, called in turn.

    Args:
        channels: of the image.
        crops: of a call.
        rounds: calls of each.
    """
    cuts = cutters(channels)
    times: dict[str, list[float]] = {name: [] for name in cuts}
    for one in range(_WARM_UP + rounds):
        for name, cut in cuts.items():
            start = time.process_time()
            for number in range(one * crops, (one + 1) * crops):
                image, mask = cut(number)
                assert tuple(image.shape[1:]) == tuple(mask.shape) == (_CROP, _CROP)
            if one >= _WARM_UP:
                times[name].append(time.process_time() - start)
    return {"channels": channels, "crops": crops, "seconds": times}


def versions() -> Mapping[str, str]:
    """Of the peers that are installed."""
    from importlib.metadata import version

    return {name: version(name) for name in ("albumentations", "batchgenerators") if find_spec(name)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of the peers' imports
    torch.set_num_threads(1)
    results = [measure(channels) for channels in (1, 3)]
    write_json({"machine": machine(), "peers": versions(), "crops": results}, RESULTS / "crops.json")
    write_pages()
