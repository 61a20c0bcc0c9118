"""The plans of nnunetv2 for `plan_cases.CASES`: `python tests/make_plans.py` writes tests/planning/plans.json.

It needs the package nnunetv2; the file has its version. The planners get the fingerprints as they are, without images.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from plan_cases import CASES

PLANNERS = {  # network and memory in GB: class of nnunetv2
    ("plain", 8): "ExperimentPlanner",
    ("plain", 3): "ExperimentPlanner",
    ("plain", 24): "ExperimentPlanner",
    ("resenc", 8): "nnUNetPlannerResEncM",
    ("resenc", 24): "nnUNetPlannerResEncL",
    ("resenc", 40): "nnUNetPlannerResEncXL",
}
FILE = Path(__file__).parent / "planning" / "plans.json"


def nnunet_plan(cases, network, memory, folder):
    """The plan of nnunetv2: its values by the names of ours, of the configurations `2d` and `3d_fullres`.

    Args:
        cases: a `plan_cases.Cases`.
        network: `"plain"` or `"resenc"`.
        memory: in GB, one of `PLANNERS`.
        folder: an empty one, for its files.
    """
    import torch
    from nnunetv2.experiment_planning.experiment_planners import default_experiment_planner as default
    from nnunetv2.experiment_planning.experiment_planners.residual_unets import residual_encoder_unet_planners as more

    name = PLANNERS[network, memory]
    planner = getattr(default, name, None) or getattr(more, name)
    _write_dataset(cases, folder)
    default.nnUNet_raw, default.nnUNet_preprocessed = (str(folder / part) for part in ("raw", "preprocessed"))
    default.maybe_convert_to_dataset_name = lambda name: name
    default.ExperimentPlanner.determine_reader_writer = lambda _self: str  # of images, which there are none
    with contextlib.redirect_stdout(io.StringIO()), torch.device("meta"):  # it counts values without computing any
        begun = planner("Dataset001_x", gpu_memory_target_in_gb=memory)
        begun.lowres_creation_threshold = 0  # a third configuration, which is not compared
        plans = begun.plan_experiment()
    configurations = plans["configurations"]
    names = ("2d", "3d_fullres")
    return {name: _values(configurations[name], plans) for name in names if name in configurations}


def _values(configuration, plans):
    network = configuration["architecture"]["arch_kwargs"]
    return {
        "axes": plans["transpose_forward"],
        "spacing": [round(float(each), 6) for each in configuration["spacing"]],
        "patch": [int(each) for each in configuration["patch_size"]],
        "batch": int(configuration["batch_size"]),
        "strides": _short(network["strides"]),
        "kernels": _short(network["kernel_sizes"]),
        "widths": list(network["features_per_stage"]),
        "normalization": configuration["normalization_schemes"],
        "in_mask": configuration["use_mask_for_norm"],
    }


def _short(levels):
    """Numbers by axis for each level in one text, such as `"111 122 222"`."""
    return " ".join("".join(map(str, level)) for level in levels)


def _write_dataset(cases, folder):
    raw, prepared = (folder / part / "Dataset001_x" for part in ("raw", "preprocessed"))
    for each in (raw, prepared):
        each.mkdir(parents=True)
    files = {str(number): {"images": ["absent.nii"], "label": "absent.nii"} for number in range(len(cases.shapes))}
    dataset = {
        "channel_names": {str(number): name for number, name in enumerate(cases.channels)},
        "labels": {"background": 0} | {f"class {number}": number for number in range(1, cases.classes)},
        "numTraining": len(cases.shapes),
        "file_ending": ".nii",
        "dataset": files,
    }
    fingerprint = {
        "shapes_after_crop": cases.shapes,
        "spacings": cases.spacings,
        "median_relative_size_after_cropping": 1.0,
        "foreground_intensity_properties_per_channel": {},
    }
    (raw / "dataset.json").write_text(json.dumps(dataset))
    (prepared / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))


def _all_plans():
    for name, cases in CASES.items():
        for network, memory in PLANNERS:
            with tempfile.TemporaryDirectory() as folder:
                plans = nnunet_plan(cases, network, memory, Path(folder))
            for configuration, values in plans.items():
                yield {"cases": name, "network": network, "memory": memory, "configuration": configuration, **values}


if __name__ == "__main__":
    os.environ |= {name: tempfile.gettempdir() for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    lines = ",\n".join(json.dumps(plan) for plan in _all_plans())
    FILE.write_text(f'{{"nnunetv2": "{version("nnunetv2")}", "plans": [\n{lines}\n]}}\n')
    sys.stdout.write(f"{FILE}: {FILE.stat().st_size:,} bytes\n")
