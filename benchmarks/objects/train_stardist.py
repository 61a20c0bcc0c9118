"""Train StarDist by its own code, within an environment that has it: `pip install stardist tensorflow-cpu tf-keras`.

    python train_stardist.py TASK RESULT SUMMARY

`benchmarks.objects.peers.make_task` says what TASK is. The network is that of its examples, with its own defaults and
one polygon for 2 x 2 pixels; its thresholds are optimized on the validation crops, as its examples do.
"""

import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", TF_USE_LEGACY_KERAS="1")

import numpy as np
import tensorflow as tf
from stardist.models import Config2D, StarDist2D

_STEPS = 50  # of an epoch, after which it validates and keeps its best weights
_THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))


class _Clock(tf.keras.callbacks.Callback):  # type: ignore[misc] # it ships no types
    """Ends the training when its seconds are over; validations and the first step, which compiles, do not count."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.left, self.steps, self._start = seconds, 0, 0.0

    def on_train_batch_begin(self, *_: object) -> None:
        self._start = time.process_time()

    def on_train_batch_end(self, *_: object) -> None:
        self.steps += 1
        if self.steps > 1:
            self.left -= time.process_time() - self._start
        self.model.stop_training = self.left <= 0


def main(task_path: str, result_path: str, summary_path: str) -> None:
    """Train and predict."""
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS)
    task = np.load(task_path)
    seed, side = int(task["seed"]), task["crops"].shape[-1]
    np.random.seed(seed)  # noqa: NPY002 - StarDist's own
    tf.random.set_seed(seed)
    config = Config2D(
        grid=(2, 2),
        train_patch_size=(side, side),
        train_batch_size=int(task["batch"]),
        train_steps_per_epoch=_STEPS,
        train_tensorboard=False,
    )
    with TemporaryDirectory() as folder:
        model = StarDist2D(config, name="model", basedir=folder)
        model.prepare_for_training()
        clock = _Clock(float(task["seconds"]))
        model.callbacks.append(clock)
        start = time.process_time()
        validation = list(task["val_crops"]), list(task["val_ids"])
        model.train(list(task["crops"]), list(task["crop_ids"]), validation_data=validation, seed=seed, epochs=10**6)
        seconds = time.process_time() - start
        model.optimize_thresholds(*validation)
        np.savez(result_path, test=_predict(model, task["test"]))
        summary = {
            "steps": clock.steps,
            "training seconds": seconds,
            "prediction seconds": median([_cpu_seconds(model, task["whole"]) for _ in range(6)][1:]),
        }
    Path(summary_path).write_text(json.dumps(summary))


def _predict(model: Any, image: Any) -> Any:  # noqa: ANN401 - without types
    return model.predict_instances(image)[0]


def _cpu_seconds(model: Any, image: Any) -> float:  # noqa: ANN401 - without types
    start = time.process_time()
    _predict(model, image)
    return time.process_time() - start


if __name__ == "__main__":
    main(*sys.argv[1:])
