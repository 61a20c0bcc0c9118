"""Train nnU-Net by its own code, within an environment that has it: `pip install nnunetv2`.

    python train_nnunet.py TASK RESULT SUMMARY

`benchmarks.tissue.nnunet` says what TASK is, and where nnU-Net keeps its files. Data, fingerprint, plan,
preprocessing, augmentation, loss, optimizer and prediction are those of nnunetv2 2.8 with its defaults, but for two
things: the plan is cut to the crop, batch and widths of the task, and the loop ends when its seconds of the processor
are over. Its learning rate falls with the share of them that is spent, to the same power as its own with the epochs.
"""

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
import torch
from nnunetv2.experiment_planning import plan_and_preprocess_api as planning
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

_NUMBER, _NAME = 1, "Dataset001_Tissue"
_AUGMENTING = "nnUNet_n_proc_DA"
_POWER = 0.9  # of its PolyLRScheduler
_THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))


class BudgetTrainer(nnUNetTrainer):  # type: ignore[misc] # it ships no types
    """Its trainer, which ends when its seconds are over, and keeps the last weights."""

    def run_for(self, seconds: float) -> dict[str, float]:
        """Train for so many seconds of the processor, without validation, which changes nothing."""
        self.disable_checkpointing = True
        os.environ[_AUGMENTING] = "0"  # by this process, so that its seconds count; the planner needs one
        self.on_train_start()
        self.network.train()
        steps, reading, spent, start = 0, 0.0, 0.0, time.process_time()
        while spent < seconds:
            for group in self.optimizer.param_groups:
                group["lr"] = self.initial_lr * (1 - spent / seconds) ** _POWER
            begin = time.process_time()
            batch = next(self.dataloader_train)
            reading += time.process_time() - begin
            self.train_step(batch)
            steps, spent = steps + 1, time.process_time() - start
        return {"steps": steps, "training seconds": spent, "reading seconds": reading}


def main(task_path: str, result_path: str, summary_path: str) -> None:
    """Train and predict."""
    torch.set_num_threads(_THREADS)
    task = dict(np.load(task_path))
    _write_data(task)
    configuration = str(task["configuration"])
    _plan(task, configuration)
    seed = int(task["seed"])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - nnU-Net's own
    torch.manual_seed(seed)
    folder = Path(nnUNet_preprocessed, _NAME)
    plans = {**_read(folder / "nnUNetPlans.json"), "continue_training": False}
    trainer = BudgetTrainer(plans, configuration, 0, _read(folder / "dataset.json"), device=torch.device("cpu"))
    summary = trainer.run_for(float(task["seconds"]))
    start = time.process_time()
    results = {"val": _predict(trainer, task["val"], mirrored=False)}
    results |= {name: _predict(trainer, task["test"], mirrored=name != "test") for name in ("test", "test_mirrored")}
    summary["prediction seconds"] = time.process_time() - start
    np.savez(result_path, **results)
    Path(summary_path).write_text(json.dumps(summary))


def _write_data(task: Any) -> None:  # noqa: ANN401 - arrays by name
    """A folder of its format, with the images as they are: channels named `noNorm` are not normalized again."""
    raw = Path(nnUNet_raw, _NAME)
    for name in ("imagesTr", "labelsTr"):
        (raw / name).mkdir(parents=True)
    for part in ("train", "val"):
        _write(task, task[part], raw / "imagesTr" / f"{part}_0000.nii.gz")
        _write(task, task[f"{part}_classes"], raw / "labelsTr" / f"{part}.nii.gz")
    labels = {str(name): number for number, name in enumerate(task["class_names"])}
    description = {"channel_names": {"0": "noNorm"}, "labels": labels, "numTraining": 2, "file_ending": ".nii.gz"}
    (raw / "dataset.json").write_text(json.dumps(description))


def _write(task: Any, array: Any, path: Path) -> None:  # noqa: ANN401 - arrays
    image: Any = SimpleITK.GetImageFromArray(array)
    image.SetSpacing([float(task["spacing"])] * 3)
    SimpleITK.WriteImage(image, str(path))


def _plan(task: Any, configuration: str) -> None:  # noqa: ANN401 - arrays by name
    """Its plan, cut to that of the task, and the data preprocessed by it."""
    planning.extract_fingerprints([_NUMBER], num_processes=1)
    planning.plan_experiments([_NUMBER])
    folder = Path(nnUNet_preprocessed, _NAME)
    plans = _read(folder / "nnUNetPlans.json")
    widths, crop = task["widths"].tolist(), task["crop"].tolist()
    levels, axes = len(widths), len(crop)
    planned = plans["configurations"][configuration]
    planned.update(patch_size=crop, batch_size=int(task["batch"]))
    planned["architecture"]["arch_kwargs"].update(
        n_stages=levels,
        features_per_stage=widths,
        kernel_sizes=[[3] * axes] * levels,
        strides=[[1] * axes, *[[2] * axes] * (levels - 1)],
        n_conv_per_stage=[2] * levels,
        n_conv_per_stage_decoder=[2] * (levels - 1),
    )
    (folder / "nnUNetPlans.json").write_text(json.dumps(plans))
    (folder / "splits_final.json").write_text(json.dumps([{"train": ["train"], "val": ["val"]}]))
    planning.preprocess([_NUMBER], configurations=[configuration], num_processes=[1])


def _predict(trainer: Any, volume: Any, *, mirrored: bool) -> Any:  # noqa: ANN401 - without types
    """Classes (d, h, w) of a volume, by half-overlapping tiles, perhaps the mean over all mirror images."""
    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    predictor = nnUNetPredictor(use_mirroring=mirrored, device=torch.device("cpu"), allow_tqdm=False)
    predictor.manual_initialization(
        trainer.network,
        trainer.plans_manager,
        trainer.configuration_manager,
        [trainer.network.state_dict()],
        trainer.dataset_json,
        type(trainer).__name__,
        trainer.inference_allowed_mirroring_axes,
    )
    spacing = trainer.configuration_manager.spacing
    properties = {"spacing": [spacing[0]] * 3}
    return predictor.predict_single_npy_array(volume[None], properties)


def _read(path: Path) -> Any:  # noqa: ANN401 - of a JSON file
    return json.loads(path.read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
