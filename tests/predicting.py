"""A small network that predicts another class from pixel to pixel, and options that cut small images into tiles."""

import torch

import unetzoo

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
