"""A small network, what is known of it, and whether another has its weights."""

import torch

import unetzoo

INFO = unetzoo.ModelInfo(
    class_names=["background", "nucleus"],
    mean=[0.5],
    std=[0.25],
    value_range=(0, 255),
    metrics={"mean IoU": 0.94},
    license="mit",
)


def small_model(**options):
    torch.manual_seed(0)
    return unetzoo.create("unetpp", encoder="test_resnet", classes=2, in_channels=1, **options).eval()


def same_weights(first, second):
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(name == other and torch.equal(tensor, two) for (name, tensor), (other, two) in pairs)
