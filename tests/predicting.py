"""Small networks of classes and of objects, and options that cut small images into tiles."""

import signal
from dataclasses import replace

import numpy as np
import torch

import unetzoo
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor

SMALL = {"tile": 128, "overlap": 32}


def varied_model(classes=3, in_channels=1):
    torch.manual_seed(0)
    model = unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=classes, in_channels=in_channels
    )
    with torch.no_grad():  # logits that differ from pixel to pixel
        for parameter in model.parameters():
            parameter.mul_(1.5)
    return model.eval()


def predict_and_say(say, folder, target, last):
    """The prediction of `in.tif` in a process, which says how many rows are finished, and waits after the last ones."""
    torch.set_num_threads(1)

    def on_rows(rows, _):
        say(rows)
        if rows >= last:
            signal.pause()

    options = PredictOptions(tile=256, overlap=64, probabilities=True)
    FilePredictor(varied_model(), options).predict(folder / "in.tif", folder / target, on_rows=on_rows)


def objects_model(image, **options):
    """A small network of objects that finds several in an image (h, w)."""
    torch.manual_seed(0)
    parts = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", objects="components", **parts, **options).eval()
    threshold = float(np.quantile(unetzoo.predict(model, image)[0], 0.85))
    model.config = replace(model.config, objects_options={"threshold": threshold, "min_size": 3})
    return model
