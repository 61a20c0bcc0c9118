"""Small volumes of which all sides differ, in files that need no plugin."""

import numpy as np
import tifffile
import torch

import unetzoo

STEPS = (4.0, 0.75, 0.5)  # along the axes of the array


NORMALIZATION = {"mean": [200 / 65535], "std": [170 / 65535], "value_range": (0, 65535), "image_dtypes": ["uint16"]}
"""Of the images below, for `unetzoo.ModelInfo`."""


def volume(number=0, shape=(6, 40, 36)):
    """A volume and its mask, a box that differs from case to case."""
    random = np.random.default_rng(number)
    depth, height, width = shape
    mask = np.zeros(shape, np.uint8)
    mask[1 : depth - 1, height // 6 : height // 2 + number, width // 8 : width // 2 + 1 + number] = 1
    return (100 + 400.0 * mask + random.normal(0, 20, shape)).astype(np.uint16), mask


def write_stack(path, array, steps=STEPS):
    """Write a stack as ImageJ does, with the distances of its voxels in micrometers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = array.astype(np.uint16)
    along_z, along_y, along_x = steps
    metadata = {"axes": "ZYX", "spacing": along_z, "unit": "um"}
    tifffile.imwrite(path, kept, imagej=True, metadata=metadata, resolution=(1 / along_x, 1 / along_y))
    return path


def write_cases(folder, count=4, shape=(6, 40, 36), steps=STEPS):
    """A folder with images and masks."""
    for number in range(count):
        for name, array in zip(("images", "masks"), volume(number, shape), strict=True):
            write_stack(folder / name / f"case{number}.tif", array, steps)
    return folder


def network_of_volumes(objects, widths=(4, 8)):
    """A small network of objects in volumes of one channel, with the weights of the seed 0."""
    torch.manual_seed(0)
    return unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=1,
        objects=objects,
        encoder_options={"widths": widths},
    )
