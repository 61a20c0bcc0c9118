"""How well a network does on images that it is not trained on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from unetzoo.evaluation.masks import predicted_ids
from unetzoo.evaluation.scores import count, iou
from unetzoo.model import Segmenter
from unetzoo.samples import Dataset

if TYPE_CHECKING:
    from accelerate import Accelerator


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
