"""A network of bioimage.io, which is run as its description says."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.checks import check_count
from unetzoo.errors import OptionError, ShapeError, UnetzooError, WeightsError, WeightsWarning, describe_error
from unetzoo.inference.packages.archive import Archive
from unetzoo.inference.packages.blocks import cut, in_blocks
from unetzoo.inference.packages.description import Description, Tensor, read_description
from unetzoo.inference.packages.onnx_weights import load_onnx
from unetzoo.inference.packages.steps import Named
from unetzoo.inference.packages.torchscript import load_torchscript

TILE = 2048
"""Side of the largest block, in pixels, unless another one is chosen."""
_LOADERS = {"onnx": load_onnx, "torchscript": load_torchscript}
_SIDES = ("y", "x")


@dataclass(frozen=True)
class Package:
    """A network of bioimage.io, made by `load_package`. Several threads may use it at once.

    Attributes:
        description: what it says of itself.
        digest: of its description and weights.
    """

    description: Description
    digest: str
    _run: Callable[[torch.Tensor], torch.Tensor]

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The names of the channels of its result."""
        return self.description.result.channels

    def predict(
        self, image: NDArray[Any], *, tile: int = TILE, on_rows: Callable[[int], None] = lambda _: None
    ) -> NDArray[Any]:
        """The result (channels, h, w) for an image (h, w) or (h, w, c), after the postprocessing of the package.

        Its statistics are those of the whole image, as in bioimageio.core; the network sees the image as a whole, or
        blocks of at most `tile` x `tile` pixels, of the sizes that the package states, whose borders are its halo.

        Args:
            image: pixels with the values that the package is for.
            tile: side of the largest block, in pixels.
            on_rows: called with the number of rows for which the network has been run.

        Raises:
            ShapeError: the image has other axes or channels, or the blocks are too small.
            OptionError: it has pixels without data, or values that the dtype of the package does not hold.
            UnetzooError: the network fails.
        """
        tile, seen = check_count("tile", tile), self.description.image
        tensor = Named(_arranged(_checked(image, seen), seen), seen.axes)
        originals = {seen.id: tensor}
        for step in seen.steps:
            tensor = step(tensor, originals)
        down, right = (
            cut(length, side, tile) for length, side in zip(image.shape[:2], self.description.sides, strict=True)
        )
        places = [seen.axes.index(axis) for axis in _SIDES]
        values = in_blocks(
            np.moveaxis(tensor.values, places, (0, 1)),
            down,
            right,
            lambda block: self._on_block(np.moveaxis(block, (0, 1), places)),
            on_rows,
        )
        axes = self.description.result.axes
        return _flat(self._finished(np.moveaxis(values, (0, 1), [axes.index(axis) for axis in _SIDES]), originals))

    def _on_block(self, values: NDArray[Any]) -> NDArray[Any]:
        """The output of the network, y and x first."""
        axes = self.description.result.axes
        output = self._computed(values)
        if output.ndim != len(axes):
            raise ShapeError(f"the network gave {output.ndim} axes, and its description has {', '.join(axes)}")
        return np.moveaxis(output, [axes.index(axis) for axis in _SIDES], (0, 1))

    def _computed(self, values: NDArray[Any]) -> NDArray[Any]:
        try:
            output: NDArray[Any] = self._run(torch.from_numpy(np.ascontiguousarray(values))).numpy()
        except Exception as error:  # another library may raise anything
            name = self.description.name
            raise UnetzooError(f"the network of the package {name!r} failed: {describe_error(error)}") from error
        return output

    def _finished(self, values: NDArray[Any], originals: dict[str, Named]) -> Named:
        tensor = Named(values, self.description.result.axes)
        for step in self.description.result.steps:
            tensor = step(tensor, originals)
        return tensor

    def reproduce(self, values: NDArray[Any]) -> NDArray[Any]:
        """The result for a whole input tensor, with the axes of the description: what a test compares."""
        tensor = Named(values, self.description.image.axes)
        originals = {self.description.image.id: tensor}
        for step in self.description.image.steps:
            tensor = step(tensor, originals)
        return self._finished(self._computed(tensor.values), originals).values


def load_package(path: str | Path) -> Package:
    """A network of bioimage.io, from the .zip file or the folder of its package, once it reproduces its test.

    Packages of any library are run whose weights are ONNX or TorchScript, for an image and a result of its size. No
    code in Python of a package is run, and nothing is downloaded; `SECURITY.md` says what TorchScript may do.

    Args:
        path: of the package, of format 0.4 or 0.5.

    Returns:
        The network, by ONNX Runtime, or else by torch, on the CPU.

    Raises:
        MissingExtraError: without the packages of `unetzoo[bioimageio]`.
        WeightsError: the package is damaged; it is for volumes or several images; its architecture is code; it has a
            step that is not computed here; or it computes something else than its test output.

    Warns:
        WeightsWarning: the package has no test, so that it is not checked.
    """
    archive = Archive(Path(path))
    if not archive.path.exists():
        raise WeightsError(f"there is no package {archive.path}")
    description = read_description(archive)
    name, digest = description.weights
    content = archive.read(name, digest=digest)
    run = _LOADERS[description.format](content, str(archive.path))
    made_of = blake2b(archive.description().encode(), digest_size=16)
    made_of.update(content)
    package = Package(description, made_of.hexdigest(), run)
    _check_test(package, archive)
    return package


def _check_test(package: Package, archive: Archive) -> None:
    """Raise WeightsError unless the package gives its stated output for its stated input."""
    tests = (package.description.image.test, package.description.result.test)
    if tests[0] is None or tests[1] is None:
        warnings.warn(
            f"{archive.path} has no test, so that what it computes is not checked", WeightsWarning, stacklevel=3
        )
        return
    values, expected = (_array(archive, *test) for test in tests if test is not None)
    tolerance, actual = package.description.tolerance, package.reproduce(values)
    if actual.shape != expected.shape:
        raise WeightsError(f"{archive.path} gives a result {actual.shape} for its test, which states {expected.shape}")
    limit = tolerance.absolute + tolerance.relative * np.abs(expected.astype(np.float64))
    share = float((~(np.abs(actual.astype(np.float64) - expected) <= limit)).mean())
    if share > tolerance.share:
        raise WeightsError(
            f"{archive.path} does not reproduce its test: {share:.2%} of the values differ by more than "
            f"{tolerance.absolute:g} + {tolerance.relative:g} times the value"
        )


def _array(archive: Archive, name: str, digest: str | None) -> NDArray[Any]:
    content = archive.read(name, digest=digest)
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    except Exception as error:  # of a hostile file
        raise WeightsError(f"{name} in {archive.path} is not an array: {describe_error(error)}") from error


def _checked(image: NDArray[Any], seen: Tensor) -> NDArray[Any]:
    """The pixels (h, w, c); errors as `Package.predict`."""
    pixels = image[..., None] if image.ndim == 2 else image
    channels = max(1, len(seen.channels))
    if pixels.ndim != 3 or pixels.shape[2] != channels or min(pixels.shape) < 1:
        expected = "(h, w) or (h, w, 1)" if channels == 1 else f"(h, w, {channels})"
        raise ShapeError(f"this package takes images {expected}, got {image.shape}")
    if np.ma.is_masked(pixels) or not np.isfinite(np.ma.getdata(pixels)).all():
        raise OptionError("the image has pixels without data, or infinity, which the package has no meaning for")
    pixels = np.ma.getdata(pixels)
    _check_dtype(pixels, seen.dtype)
    return pixels


def _check_dtype(pixels: NDArray[Any], name: str) -> None:
    """Raise OptionError if the dtype of the package would change the values."""
    dtype = np.dtype(name)
    if dtype.kind == "f" or np.can_cast(pixels.dtype, dtype):
        return
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.iinfo(np.uint8)
    low, high = pixels.min(), pixels.max()
    most = 1 if dtype.kind == "b" else limits.max
    if low < limits.min or high > most or (pixels.dtype.kind == "f" and (pixels != np.rint(pixels)).any()):
        raise OptionError(
            f"this package takes images of {name}, and values of {pixels.dtype} from {low:g} to {high:g} do not fit: "
            "bring them to its scale"
        )


def _arranged(pixels: NDArray[Any], seen: Tensor) -> NDArray[Any]:
    """Pixels (h, w, c) in the order of the axes of a package."""
    order = {"y": 0, "x": 1, "channel": 2}
    kept = pixels if "channel" in seen.axes else pixels[..., 0]
    arranged = kept.transpose([order[axis] for axis in seen.axes if axis in order])
    return np.expand_dims(arranged, [index for index, axis in enumerate(seen.axes) if axis not in order])


def _flat(tensor: Named) -> NDArray[Any]:
    """The values as (channels, h, w)."""
    names = [axis for axis in ("channel", *_SIDES) if axis in tensor.axes]
    values = tensor.values.transpose(
        *(tensor.axes.index(axis) for axis in tensor.axes if axis not in names),
        *(tensor.axes.index(axis) for axis in names),
    )
    return np.ascontiguousarray(values.reshape(-1, *values.shape[-2:]))
