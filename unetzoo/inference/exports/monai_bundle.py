"""A bundle of MONAI: metadata, a configuration that predicts, and the weights."""

import json
import logging
import warnings
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError, UnetzooError, describe_error
from unetzoo.inference.exports.about import creation, documentation
from unetzoo.inference.exports.bioimageio_description import pixel_dtype
from unetzoo.inference.exports.interface import Interface, check_values_known, has_z_score
from unetzoo.inference.exports.program import Job, check_same
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig, is_sigmoid
from unetzoo.nn.info import steps_for

_SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
_TILE = 512  # pixels that the network sees at once, along y and x
_NOT_STATED = "not stated"
_PICTURES = (1, 3)  # channels of images that Pillow reads; others are read as arrays of numpy


def write_monai(job: Job, folder: Path) -> None:
    """Write the bundle, and check it by MONAI's verifier and what its configuration builds; errors as `export`."""
    config = job.model.config
    if job.model.encoder.valid_padding:
        raise OptionError("a bundle of MONAI needs a network that pads its images: this one has padding='valid'")
    if config.objects:
        raise OptionError("a bundle of MONAI gives classes: export a network of objects for onnx or bioimageio")
    check_values_known(config.info, "a bundle of MONAI", takes_z_score=True)
    for name in ("configs", "models", "docs"):
        (folder / name).mkdir()
    torch.save(job.model.state_dict(), folder / "models" / "model.pt")
    _write_json(folder / "configs" / "metadata.json", _metadata(job))
    _write_json(folder / "configs" / "inference.json", _inference(job))
    (folder / "docs" / "README.md").write_text(documentation(config), encoding="utf-8")
    _check(job, folder)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")


def _metadata(job: Job) -> dict[str, Any]:
    config = job.model.config
    sides: list[Any] = _only_size(job) or [f"{job.model.encoder.features.reductions[-1]}*n"] * 2
    info = config.info
    channels = list(info.channel_names) if len(info.channel_names) == config.in_channels else None
    outputs = _channels(config)
    image = {"type": "image", "format": "magnitude", "modality": "n/a", "spatial_shape": sides}
    shared = {"dtype": "float32", "value_range": [], "is_patch_data": True}
    seen = channels or [f"channel{number}" for number in range(config.in_channels)]
    return {
        "schema": _SCHEMA,
        "version": "0.1.0",
        "changelog": {"0.1.0": "written by unetzoo"},
        "monai_version": version("monai"),
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {"unetzoo": version("unetzoo")},
        "task": "segmentation of images",
        "description": f"{config.decoder} with the encoder {config.encoder}",
        "authors": _NOT_STATED,
        "copyright": info.license or _NOT_STATED,
        "network_data_format": {
            "inputs": {"image": {**image, "num_channels": len(seen), **shared, "channel_def": _numbered(seen)}},
            "outputs": {
                "pred": {
                    **image,
                    "format": "segmentation",
                    "num_channels": config.classes,
                    **shared,
                    "channel_def": _numbered(outputs),
                }
            },
        },
    }


def _only_size(job: Job) -> list[int]:
    """The height and width of the only images that the encoder takes; empty: it takes any."""
    return list(getattr(job.model.encoder, "img_size", None) or [])


def _numbered(names: list[str]) -> dict[str, str]:
    return {str(number): name for number, name in enumerate(names)}


def _channels(config: ModelConfig) -> list[str]:
    return list(class_names(config)[-config.classes :])


def _inference(job: Job) -> dict[str, Any]:
    """The configuration: images of a folder become arrays (classes, h, w) of probabilities."""
    config, size = job.model.config, _only_size(job)
    window = size or f"[min({_TILE}, side) for side in inputs.shape[2:]]"
    return {
        "imports": ["$import glob", "$import monai", "$import numpy", "$import os", "$import torch"],
        "bundle_root": ".",
        "image_dir": "$@bundle_root + '/images'",
        "output_dir": "$@bundle_root + '/predictions'",
        "checkpoint": "$@bundle_root + '/models/model.pt'",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "network_def": {"_target_": "unetzoo.create", **creation(config)},
        "network": "$@network_def.to(@device).eval().requires_grad_(False)",
        "files": "$sorted(path for path in glob.glob(@image_dir + '/*') if os.path.isfile(path))",
        "preprocessing": {"_target_": "Compose", "transforms": _before(config)},
        # the class SlidingWindowInferer fills up small images at all sides, which moves them on the network's grid
        "inferer": "$lambda inputs, network: monai.inferers.sliding_window_inference("
        f"inputs, {window}, 1, network, overlap=0.25, mode='gaussian')",
        "postprocessing": {"_target_": "Compose", "transforms": _after(config)},
        "saver": "$lambda path, pred: numpy.save("
        "os.path.join(@output_dir, os.path.basename(path) + '.npy'), numpy.asarray(pred.cpu()))",
        "predict": "$lambda path: @postprocessing("
        "{'pred': @inferer(@preprocessing({'image': path})['image'][None].to(@device), @network)[0]})['pred']",
        "initialize": [
            "$@network.load_state_dict(torch.load(@checkpoint, map_location=@device, weights_only=True))",
            "$os.makedirs(@output_dir, exist_ok=True)",
        ],
        "run": ["$[@saver(path, @predict(path)) for path in @files]"],
    }


def _before(config: ModelConfig) -> list[dict[str, Any]]:
    keys = {"keys": "image"}
    is_picture = config.in_channels in _PICTURES
    reader = {"reader": "PILReader", "reverse_indexing": False} if is_picture else {"reader": "NumpyReader"}
    return [
        {"_target_": "LoadImaged", **keys, **reader},
        {"_target_": "EnsureChannelFirstd", **keys, "channel_dim": "no_channel" if config.in_channels == 1 else -1},
        *_normalization(config),
        {"_target_": "EnsureTyped", **keys, "dtype": "$torch.float32"},
    ]


def _normalization(config: ModelConfig) -> list[dict[str, Any]]:
    """The steps from pixels to what the network sees."""
    normalize = {"_target_": "NormalizeIntensityd", "keys": "image", "channel_wise": True}
    if has_z_score(config.info):
        return [normalize]
    steps = steps_for(config.info, np.dtype(pixel_dtype(config)))
    low, high, shift, scale = (np.broadcast_to(values, config.in_channels) for values in steps)
    normalize |= {"subtrahend": shift.tolist(), "divisor": (1 / scale).tolist()}
    limits = (
        f"torch.tensor({np.nan_to_num(values.astype(np.float32)).tolist()})[:, None, None]" for values in (low, high)
    )
    cut = {"_target_": "Lambdad", "keys": "image", "func": f"$lambda image: image.float().clamp({', '.join(limits)})"}
    return [cut, normalize] if steps.clips else [normalize]


def _after(config: ModelConfig) -> list[dict[str, Any]]:
    keys = {"keys": "pred"}
    temperature = config.post.temperature
    scaled = {"_target_": "Lambdad", **keys, "func": f"$lambda logits: logits / {temperature}"}
    kind = "sigmoid" if is_sigmoid(config) else "softmax"
    return [*([scaled] if temperature != 1 else []), {"_target_": "Activationsd", **keys, kind: True}]


def _check(job: Job, folder: Path) -> None:
    """Raise UnetzooError unless MONAI reads the bundle, and its network gives the logits."""
    from monai.bundle.config_parser import ConfigParser
    from monai.bundle.scripts import verify_net_in_out

    configs = folder / "configs"
    logging.getLogger("monai").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MONAI's own imports
        try:
            verify_net_in_out(
                net_id="network_def",
                meta_file=str(configs / "metadata.json"),
                config_file=str(configs / "inference.json"),
                device="cpu",
                n=2,
            )
            parser = ConfigParser()
            parser.read_config(str(configs / "inference.json"))
            parser.update({"bundle_root": str(folder), "device": "$torch.device('cpu')"})
            parser.get_parsed_content("initialize")
            network: nn.Module = parser.get_parsed_content("network")
        except Exception as error:  # another library may raise anything
            raise UnetzooError(f"MONAI refuses the bundle: {describe_error(error)}") from error

    def run(image: Tensor) -> Tensor:
        output: Tensor = network(image)
        return output

    check_same(replace(job, interface=Interface()), run, "MONAI", size=tuple(_only_size(job)) or None)
