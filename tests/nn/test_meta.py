"""Networks on the `meta` device, where tensors have shapes and no values."""

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.inspection.dissect import dissect


class _Squares(unetzoo.Dataset):
    def __init__(self):
        super().__init__(class_names=("background", "square"))

    def __len__(self):
        return 4

    def __getitem__(self, index):
        mask = np.zeros((32, 32), np.int64)
        mask[index : index + 9, 4:20] = 1
        return unetzoo.Sample((mask * 200).astype(np.uint8)[..., None].repeat(3, 2), mask, str(index))


def _network(decoder="unet", encoder="plain", **options):
    with torch.device("meta"):
        return unetzoo.create(decoder, encoder=encoder, classes=2, **options)


_USES = {
    "save": lambda model, folder: unetzoo.save(model, folder / "saved"),
    "push": lambda model, folder: unetzoo.push(model, "user/name"),
    "predict": lambda model, folder: unetzoo.predict(model, np.zeros((32, 32, 3), np.uint8)),
    "optimize": lambda model, folder: unetzoo.optimize(model),
    "export": lambda model, folder: unetzoo.export(model, folder / "network.onnx"),
    "evaluate": lambda model, folder: unetzoo.evaluate(model, _Squares()),
    "fit": lambda model, folder: unetzoo.fit(model, _Squares(), folder / "run"),
}


@pytest.mark.parametrize("use", _USES)
def test_a_network_without_values_is_refused_before_anything_is_written(use, tmp_path):
    with pytest.raises(unetzoo.OptionError, match="weights of this network have no values: it is on the meta device"):
        _USES[use](_network(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_can_be_inspected():
    assert (
        dissect(_network(), (32, 32)).total
        == dissect(unetzoo.create("unet", encoder="plain", classes=2), (32, 32)).total
    )


@pytest.mark.parametrize(
    ("decoder", "encoder", "checkpointing"),
    [
        ("unet", "plain", False),
        ("unetpp", "resnet10t", True),
        ("fpn", "convnext_atto", True),
        ("dpt", "test_vit", False),
    ],
)
def test_a_training_step_gives_each_weight_a_gradient_of_its_shape(decoder, encoder, checkpointing):
    model = _network(decoder, encoder, activation_checkpointing=checkpointing)
    logits = model(torch.empty(2, 3, 64, 64, device="meta"))
    assert logits.shape == (2, 2, 64, 64)
    logits.square().mean().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert (weight.grad.device.type, weight.grad.shape) == ("meta", weight.shape)
