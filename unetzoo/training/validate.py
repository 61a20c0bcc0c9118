"""How well a network does on images that it is not trained on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.evaluation.scores import count, iou
from unetzoo.inference.predict import predict
from unetzoo.model import Segmenter
from unetzoo.samples import Dataset

if TYPE_CHECKING:
    from accelerate import Accelerator


def predicted_ids(model: Segmenter, image: NDArray[np.generic]) -> NDArray[np.int64]:
    """The class ids (h, w) that a network sees in an image (h, w, c); of a single logit 0 and 1."""
    probabilities = predict(model, image)
    if len(probabilities) == 1:
        probabilities = np.stack([1 - probabilities[0], probabilities[0]])
    ids: NDArray[np.int64] = probabilities.argmax(0)
    return ids


def class_ious(model: Segmenter, dataset: Dataset, accelerator: "Accelerator") -> Sequence[float | None]:
    """The intersection over union of each class over all pixels of a data set; None where a class is in neither.

    The images are shared among the processes.
    """
    counts = np.zeros((len(dataset.class_names), 3), dtype=np.int64)
    for index in range(accelerator.process_index, len(dataset), accelerator.num_processes):
        sample = dataset[index]
        counts += count(predicted_ids(model, sample.image), sample.mask, len(dataset.class_names))
    summed = accelerator.reduce(torch.from_numpy(counts).to(accelerator.device), "sum")
    return [None if np.isnan(value) else float(value) for value in iou(summed.cpu().numpy())]
