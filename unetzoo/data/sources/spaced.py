"""The samples of a data set in pixels of one size."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.moments import moments_of
from unetzoo.data.formats.pixels import differ, size_at
from unetzoo.data.formats.resample import Limits, Resampled, ResampledMask, thick_axes
from unetzoo.data.sources.parts import PartSample, part_sample, planes_last
from unetzoo.data.sources.samples import CodedDataset
from unetzoo.nn.normalization import Moments


class SpacedDataset(Dataset):
    """The samples of a data set, resampled; those whose pixels are within 10 % of the size are left as they are.

    Args:
        samples: of images or volumes.
        steps: distances between the pixels of each sample along each axis, (n, 2) or (n, 3).
        spacing: those of the result, in the same unit.
        nodata: values of images that stand for no data.
        limits: as for `Resampled`.
    """

    def __init__(
        self,
        samples: Dataset,
        steps: NDArray[np.float64],
        spacing: Sequence[float],
        nodata: Sequence[float] = (),
        limits: Limits | None = None,
    ) -> None:
        super().__init__(samples.class_names, labels=samples.labels)
        self.split, self.split_note = samples.split, samples.split_note
        self.samples, self._steps = samples, steps
        self._spacing, self._nodata, self._limits = tuple(spacing), tuple(nodata), limits
        self._moments: dict[tuple[int, tuple[float, ...]], Moments] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        """The sample of that number; raises DataError as that of `samples`."""
        sample = self.samples[index]
        size = self._size(index, sample.image.shape)
        if size is None:
            return sample
        image = Resampled(sample.image, size, self._nodata, stepped=self._stepped(index), limits=self._limits)
        axes = len(size)
        labels = self._labels(index, planes_last(sample.mask, axes), size)
        mask = np.moveaxis(labels, -1, 0) if labels.ndim > axes else labels
        return Sample(image[_whole(size)], mask, sample.name)

    def instances(self, index: int) -> NDArray[Any] | None:
        """The numbers of a sample's objects; None if they are not numbered."""
        numbers = self.samples.instances(index)
        size = None if numbers is None else self._size(index, numbers.shape)
        return numbers if size is None else self._labels(index, numbers, size)

    def parts(self, index: int) -> PartSample | None:
        """A sample of which parts are resampled, and read where files let it; None if it is read as a whole."""
        ratios = self._steps[index] / np.array(self._spacing)
        if not differ(ratios):
            return part_sample(self.samples, index)
        image, mask, name, nbytes = part_sample(self.samples, index, decoded=True) or self._whole(index)
        size, stepped = size_at(image.shape[: len(ratios)], ratios), self._stepped(index)
        return PartSample(
            Resampled(image, size, self._nodata, stepped=stepped, limits=self._limits),
            ResampledMask(mask, size, stepped=stepped),
            name,
            nbytes * prod(size) // prod(image.shape[: len(size)]),
        )

    def moments(self, index: int, nodata: Sequence[float]) -> Moments:
        """Those of a sample, or of that of which it is a part, before it is resampled, as `predict` reads images."""
        key = index, tuple(nodata)
        if key not in self._moments:
            moments = moments_at(self.samples, index, nodata)
            if moments is None:
                image = (part_sample(self.samples, index, decoded=True) or self._whole(index)).image
                moments = moments_of(image, nodata, axes=len(self._spacing))
            self._moments[key] = moments
        return self._moments[key]

    def _whole(self, index: int) -> PartSample:
        image, mask, name = self.samples[index]
        return PartSample(image, planes_last(mask, image.ndim - 1), name, image.nbytes + mask.nbytes)

    def _size(self, index: int, shape: Sequence[int]) -> tuple[int, ...] | None:
        """The sides of a sample of that shape; None: it is left as it is."""
        ratios = self._steps[index] / np.array(self._spacing)
        return size_at(shape[: len(ratios)], ratios) if differ(ratios) else None

    def _stepped(self, index: int) -> tuple[int, ...]:
        return thick_axes(self._steps[index].tolist(), self._spacing)

    def _labels(self, index: int, labels: Any, size: tuple[int, ...]) -> NDArray[Any]:  # noqa: ANN401 - whatever can be sliced
        return ResampledMask(labels, size, stepped=self._stepped(index))[_whole(size)]


def parts_of(dataset: Dataset, index: int) -> PartSample | None:
    """A sample of a data set that is read by parts; None if it is read as a whole."""
    return dataset.parts(index) if isinstance(dataset, SpacedDataset) else part_sample(dataset, index)


def moments_at(dataset: Dataset, index: int, nodata: Sequence[float]) -> Moments | None:
    """The moments of the volume or image of a file that a sample comes from; None: it is whole, and as it was read.

    Raises:
        DataError: the file cannot be read.
    """
    if isinstance(dataset, SpacedDataset):
        return dataset.moments(index, nodata)
    return dataset.source.moments(dataset.indices[index], nodata) if isinstance(dataset, CodedDataset) else None


def _whole(size: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(0, length) for length in size)
