"""How well a network does on images that it is not trained on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.errors import OutOfMemoryError, TrainingError
from unetzoo.evaluation.masks import predicted_ids
from unetzoo.evaluation.scores import count, iou, is_there, mean_of
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.stopping import StopRequest

if TYPE_CHECKING:
    from accelerate import Accelerator

_TILE, _SMALLEST = 2048, 128


class IoUs(NamedTuple):
    """Intersections over union.

    Attributes:
        each: of each class; None where it is neither there nor predicted.
        mean: over the classes that are there, whatever is predicted; None where none is.
    """

    each: tuple[float | None, ...]
    mean: float | None


class Judge:
    """Looks at whole images with a network, in tiles that suit the memory: halved whenever it does not suffice.

    Attributes:
        tile: as in `unetzoo.predict`; None: its own.
    """

    def __init__(self) -> None:
        self.tile: int | None = None

    def ids(self, model: Segmenter, image: NDArray[np.generic]) -> NDArray[np.int64]:
        """The class ids (h, w) that a network sees in an image (h, w, c).

        Raises:
            TrainingError: the memory does not suffice for the smallest tile.
        """
        while True:
            tile = self.tile or _TILE
            try:
                return predicted_ids(model, image, tile=self.tile)
            except OutOfMemoryError as error:
                if tile <= _SMALLEST:
                    raise TrainingError(
                        f"out of memory in validation, even with {tile} x {tile} pixels at once: train a smaller "
                        "encoder, or where there is more memory; resume=True (--resume) goes on there"
                    ) from error
                self.tile = tile // 2

    def ious(
        self,
        model: Segmenter,
        dataset: Dataset,
        accelerator: "Accelerator",
        stop: StopRequest,
        on_image: Callable[[int, int], None],
    ) -> IoUs | None:
        """The intersections over union over all pixels of a data set.

        The images are shared among the processes. None where a signal came: of several processes before, of a single
        one in the midst of it.
        """
        if not len(dataset):
            return IoUs((), None)
        counts = np.zeros((len(dataset.class_names), 3), dtype=np.int64)
        indices = range(accelerator.process_index, len(dataset), accelerator.num_processes)
        for number, index in enumerate(indices, 1):
            if stop.heeded:
                break
            sample = dataset[index]
            truth = known_where_data(sample.image, sample.mask, model.config.info.nodata)
            counts += count(self.ids(model, sample.image), truth, len(dataset.class_names))
            on_image(number, len(indices))
        if stop.heeded:
            return None
        summed = accelerator.reduce(torch.from_numpy(counts).to(accelerator.device), "sum")
        whole = summed.cpu().numpy()
        scores = iou(whole)
        each = tuple(None if np.isnan(value) else float(value) for value in scores)
        return IoUs(each, mean_of(scores, is_there(whole)))
