"""The graph of a network, recorded by `torch.export` for images of any size, and compared with it."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from unetzoo.errors import UnetzooError
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.inference.engines.forms import in_form
from unetzoo.inference.exports.interface import Interface, example_image, wrapped
from unetzoo.layers.valid import valid_sides
from unetzoo.nn.precision import full_precision
from unetzoo.nn.segmenter import Segmenter

Size = tuple[int, ...]
TOLERANCE = 1e-3
"""Of the largest value of an output, or of the pixels that have another id: other libraries sum in another order."""


@dataclass(frozen=True)
class Job:
    """What is exported.

    Attributes:
        model: in evaluation mode, in float32, on the CPU.
        interface: what the file takes and gives.
        image_size: (height, width) of the images, in pixels, or (depth, height, width); None: any.
        patience: seconds of computing to search for a graph for every size.
        calibration: images for int8; None: the file is in float32.
    """

    model: Segmenter
    interface: Interface = field(default_factory=Interface)
    image_size: Size | None = None
    patience: float = 300.0
    calibration: Calibration | None = None

    @property
    def name(self) -> str:
        """The network, for messages."""
        return f"{self.model.config.decoder!r} with the encoder {self.model.config.encoder!r}"

    @property
    def way_out(self) -> str:
        """What to do where there is no graph for every size."""
        return "" if self.image_size else "; fix the size of the images: image_size=[512, 512] (--image-size 512)"

    def example(self, batch: int, size: Size) -> Tensor:
        """Images of noise (b, c, h, w)."""
        return example_image(self.model, self.interface, batch, size)


def sizes_of(job: Job) -> tuple[Size, Size]:
    """Sizes of the recorded image, and of the image for which the file is checked."""
    if job.image_size:
        return job.image_size, job.image_size
    reduction = job.model.encoder.features.reductions[-1]
    if job.model.encoder.valid_padding:  # as many pixels as it takes
        smallest, larger, _ = valid_sides(reduction)
        return (smallest + 17 * reduction, smallest + 19 * reduction), (smallest, larger)
    if job.model.config.spatial_dims == 3:
        units = job.model.encoder.features.axis_reductions[-1]
        traced = tuple(by * unit + 1 for by, unit in zip((3, 5, 7), units, strict=True))
        return traced, tuple(by * unit - 1 for by, unit in zip((2, 3, 4), units, strict=True))
    # so large that no map is of one pixel, which a graph would take for granted, though some decoders halve the deepest
    # odd multiples, which a backbone with a larger stride than the deepest level has to pad
    return (17 * reduction + 1, 19 * reduction - 1), (5 * reduction, 7 * reduction - 3)


def recorded(job: Job) -> Any:  # noqa: ANN401 - torch's ExportedProgram
    """The program of the network and what its interface has around it.

    It has the transposed form of `in_form`, which has the fewest operations.

    Raises:
        UnetzooError: the network cannot be recorded.
    """
    traced, checked = sizes_of(job)
    axes = (0,) if job.image_size else (0, *range(2, len(traced) + 2))
    free = dict.fromkeys(axes, torch.export.Dim.AUTO)
    with warnings.catch_warnings(), cannot_be_exported(job):
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        network = in_form(job.model, torch.randn(1, job.model.config.in_channels, *checked), transposed=True)
        return torch.export.export(wrapped(network, job.interface), (job.example(2, traced),), dynamic_shapes=(free,))


@contextmanager
def cannot_be_exported(job: Job) -> Iterator[None]:
    """Turn whatever a backbone's code makes an exporter raise into one line of an UnetzooError."""
    try:
        yield
    except UnetzooError:
        raise
    except Exception as error:
        reason = (str(error.__cause__ or error).strip().splitlines() or [type(error).__name__])[0]
        raise UnetzooError(f"{job.name} cannot be exported{job.way_out}: {reason}") from error


def check_same(
    job: Job, run: Callable[[Tensor], Tensor], consumer: str, *, size: Size | None = None, tolerance: float = TOLERANCE
) -> None:
    """Compare what another library makes of a file with the network, for another batch and size than the recorded one.

    Args:
        job: what was exported.
        run: gives the output for images (b, c, h, w).
        consumer: name of the library, for the message.
        size: (height, width) of the image; None: as `sizes_of`.
        tolerance: the difference that is refused, as a share of the largest value, or of all ids.

    Raises:
        UnetzooError: the outputs differ by that or more.
    """
    image = job.example(1, size or sizes_of(job)[1])
    with torch.no_grad(), full_precision():
        expected = wrapped(job.model, job.interface)(image)
    actual = run(image)
    if actual.shape != expected.shape:
        raise UnetzooError(f"{job.name} has no graph for every size{job.way_out}")
    if job.interface.output == "ids":
        difference, of = float((actual != expected).double().mean()), "in that share of pixels"
    else:
        difference = float((actual - expected).abs().max() / expected.abs().max())
        of = "of their maximum"
    if not difference < tolerance:
        output = job.interface.output
        raise UnetzooError(f"{consumer}'s {output} differ from the network's by {difference:.2g} {of}")
