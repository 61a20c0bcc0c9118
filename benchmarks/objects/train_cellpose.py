"""Train Cellpose from random weights by its own code, within an environment that has it: `pip install 'cellpose<4'`.

    python train_cellpose.py TASK RESULT SUMMARY

`benchmarks.objects.peers.make_task` says what TASK is. The network and the training are those of Cellpose 3 with the
defaults of `train_seg`; Cellpose 4 has a transformer alone, which nobody trains from random weights.
"""

import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from cellpose import models, train

_CROPS = 8  # of an epoch; the learning rate rises for ten epochs
_GRAY = [0, 0]
_THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))


def main(task_path: str, result_path: str, summary_path: str) -> None:
    """Train and predict."""
    torch.set_num_threads(_THREADS)
    task = dict(np.load(task_path))
    model = _model(task)
    with TemporaryDirectory() as folder:
        _, short, long = (_train(_model(task), task, epochs, folder) for epochs in (1, 1, 5))  # the first one compiles
        epochs = max(1, round(float(task["seconds"]) / ((long - short) / 4)))
        seconds = _train(model, task, epochs, folder)
    np.savez(result_path, test=_predict(model, task["test"]))
    summary = {
        "steps": epochs * _CROPS // int(task["batch"]),
        "training seconds": seconds,
        "prediction seconds": median([_cpu_seconds(model, task["whole"]) for _ in range(6)][1:]),
    }
    Path(summary_path).write_text(json.dumps(summary))


def _model(task: Any) -> Any:  # noqa: ANN401 - without types
    torch.manual_seed(int(task["seed"]))
    np.random.seed(int(task["seed"]))  # noqa: NPY002 - Cellpose's own
    return models.CellposeModel(gpu=False, pretrained_model=None)


def _train(model: Any, task: Any, epochs: int, folder: str) -> float:  # noqa: ANN401 - without types
    """Seconds of a training, its flows included."""
    Path(folder, "models").mkdir(exist_ok=True)
    start = time.process_time()
    train.train_seg(
        model.net,
        train_data=list(task["crops"]),
        train_labels=list(task["crop_ids"]),
        channels=_GRAY,
        batch_size=int(task["batch"]),
        n_epochs=epochs,
        nimg_per_epoch=_CROPS,
        min_train_masks=1,
        bsize=task["crops"].shape[-1],
        save_path=folder,
    )
    return time.process_time() - start


def _predict(model: Any, image: Any) -> Any:  # noqa: ANN401 - without types
    return model.eval(image, channels=_GRAY)[0]


def _cpu_seconds(model: Any, image: Any) -> float:  # noqa: ANN401 - without types
    start = time.process_time()
    _predict(model, image)
    return time.process_time() - start


if __name__ == "__main__":
    main(*sys.argv[1:])
