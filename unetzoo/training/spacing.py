"""How a training brings the images of a survey to pixels of one size."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.pixels import MOST, differ, pixel_sizes, size_at
from unetzoo.data.sources.spaced import SpacedDataset
from unetzoo.data.survey.statistics import Statistics
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataError
from unetzoo.nn.normalization import ChannelNormalization, limits_of

_BYTES = 12  # of a value while it is resampled


class SpacedSurvey:
    """The images of a survey at a spacing; as they are without one.

    Args:
        survey: of the data.
        spacing: distance between pixels along each axis, in the unit of the first image; empty: of each its own.

    Attributes:
        survey: likewise.
        spacing: likewise.

    Raises:
        DataError: images for training or validation state no size of their pixels, or one that is far from the
            spacing; or one has more pixels then than fit in memory.
    """

    def __init__(self, survey: Survey, spacing: Sequence[float]) -> None:
        self.survey, self.spacing = survey, tuple(spacing)
        if self.spacing:
            self._check()

    def dataset(self, split: str, normalization: Sequence[ChannelNormalization] = ()) -> Dataset:
        """The samples of a split, their values cut as their normalization says; empty if the split has none."""
        samples = self.survey.dataset(split)
        if not self.spacing:
            return samples
        steps, nodata = self._steps(samples.indices), self.survey.statistics.nodata
        return SpacedDataset(samples, steps, self.spacing, nodata, limits_of(normalization))

    @property
    def unit(self) -> str:
        """That of the spacing."""
        return self._sizes[1]

    def of(self, statistics: Statistics) -> Statistics:
        """The statistics of the images for training with the sizes that they then have."""
        if not self.spacing:
            return statistics
        sizes = np.array([self._size(index) for index in self.survey.splits["train"]])
        return replace(
            statistics,
            smallest=tuple(sizes.min(0).tolist()),
            largest=tuple(sizes.max(0).tolist()),
            pixels=int(sizes.prod(1).sum()),
            pixel_size=self.spacing,
            pixel_size_range=(min(self.spacing), max(self.spacing)),
            unit=self.unit,
        )

    @cached_property
    def _sizes(self) -> tuple[dict[int, NDArray[np.float64]], str]:
        """Height and width of a pixel of each image for training and validation, and their unit."""
        axes, indices = AXES[-len(self.spacing) :], self._indices
        sizes, unit = pixel_sizes([self._grids[index] for index in indices], axes=axes)
        if not unit:
            silent = [index for index in indices if not pixel_sizes([self._grids[index]], axes=axes)[1]]
            names = [self.survey.names[index] for index in silent]
            more = f" (and {len(names) - 1:,} more)" if names[1:] else ""
            raise DataError(
                f"{names[0]}{more} states no size of its pixels in a unit of length, which spacing needs: write it "
                "into the files, or leave spacing out"
            )
        return dict(zip(indices, sizes, strict=True)), unit

    @property
    def _indices(self) -> list[int]:
        return [index for split in ("train", "val") for index in self.survey.splits.get(split, ())]

    @cached_property
    def _grids(self) -> dict[int, Grid]:
        return {reading.index: reading.image.grid for reading in self.survey.readings if reading.image}

    def _steps(self, indices: Sequence[int]) -> NDArray[np.float64]:
        return np.array([self._sizes[0][index] for index in indices]).reshape(-1, len(self.spacing))

    def _size(self, index: int) -> tuple[int, ...]:
        """The sides of an image at the spacing."""
        size, ratios = self.survey.sizes[index] or (), self._sizes[0][index] / np.array(self.spacing)
        return size_at(size, ratios) if differ(ratios) else size

    def _check(self) -> None:
        for index in self._indices:
            steps = self._sizes[0][index]
            ratios, name = steps / np.array(self.spacing), self.survey.names[index]
            if (np.maximum(ratios, 1 / ratios) > MOST).any():
                shown, wanted = (" x ".join(f"{side:.4g}" for side in sides) for sides in (steps, self.spacing))
                raise DataError(
                    f"{name} has pixels of {shown} {self.unit}, far from the spacing, {wanted}: give spacing in "
                    f"{self.unit}, along {', '.join(AXES[-len(steps) :])}"
                )
        largest = max(self._indices, key=lambda index: int(np.prod(self._size(index), dtype=object)))
        size, channels = self._size(largest), self.survey.statistics.channels
        sides = " x ".join(map(str, size))
        check_memory(
            f"{self.survey.names[largest]}, of {sides} pixels at the spacing,",
            _BYTES * channels * int(np.prod(size, dtype=object)),
            "choose a larger spacing, or leave it out",
        )
