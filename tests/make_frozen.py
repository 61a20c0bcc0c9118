"""Write the folders of tests/weights/frozen, which all later releases must load.

    python tests/make_frozen.py RELEASE

makes `tests/weights/frozen/RELEASE/`. Folders of earlier releases are never made again: a release adds its own.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import unetzoo

PLACE = Path(__file__).parent / "weights" / "frozen"
_WIDTHS = {"encoder_options": {"widths": [4, 6, 8]}, "decoder_options": {"widths": [6, 4]}}
_NESTED = {"encoder_options": {"widths": [4, 6, 8]}, "decoder_options": {"widths": [6, 4], "deep_supervision": True}}
_TAPPED = {"encoder_options": {"taps": ["bn1", "blocks.1"]}, "decoder_options": {"width": 8}}
INFO = unetzoo.ModelInfo(class_names=["background", "cell"], mean=[0.5], std=[0.25], value_range=(0, 255))


def image_for(model):
    """An image (1, c, 52, 60) that no generator of random numbers makes."""
    return torch.arange(model.config.in_channels * 52 * 60).view(1, -1, 52, 60).mul(0.37).sin()


def make(folder):
    """Write all networks, each with the logits that it gives for its image."""
    _write(folder / "unet", _create("unet", "plain", classes=2, in_channels=1, **_WIDTHS), info=INFO)
    _write(folder / "unetpp", _create("unetpp", "plain", aux_classes=3, head_kernel_size=3, **_NESTED))
    _write(folder / "unet-valid", _create("unet", "plain", **_padding("valid")))
    _write(folder / "mobilenet", _create("segformer", "mobilenetv2_035", **_TAPPED))
    _write(folder / "shards", _create("unet", "plain", **_WIDTHS), max_shard_size=6000)
    _write(folder / "bfloat16", _create("unet", "plain", **_WIDTHS).bfloat16())
    _write_run(folder / "run")


def _padding(padding):
    return {
        "encoder_options": {"widths": [4, 6], "padding": padding},
        "decoder_options": {"widths": [4], "padding": padding},
    }


def _create(decoder, encoder, **options):
    """A network whose weights, and statistics of norms, are those of one seed."""
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder, **options).eval()
    for name, tensor in model.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            tensor.uniform_(0.5, 1.5)
    return model


def _write(folder, model, **options):
    unetzoo.save(model, folder, **options)
    with torch.no_grad():
        logits = model(image_for(model).to(next(model.parameters()).dtype))
    np.save(folder / "logits.npy", logits.float().numpy())


def _write_run(folder):
    """The best network of a training on masks whose cells have the value 255."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        data = Path(place) / "data"
        for part in ("images", "masks"):
            (data / part).mkdir(parents=True)
        for index in range(5):
            mask = np.zeros((64, 64), np.uint8)
            mask[8 + 4 * index : 30 + 4 * index, 10:40] = 255
            Image.fromarray(mask // 2 + 20).save(data / "images" / f"{index}.png")
            Image.fromarray(mask).save(data / "masks" / f"{index}.png")
        model = unetzoo.create("unet", encoder="plain", in_channels=1, **_WIDTHS)
        options = unetzoo.FitOptions(epochs=1, steps=2, batch=2)
        best = unetzoo.fit(model, data, Path(place) / "run", options=options).model
        _write(folder / "best", best)


if __name__ == "__main__":
    make(PLACE / sys.argv[1])
