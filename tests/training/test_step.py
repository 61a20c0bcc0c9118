"""A step of the optimizer is the one that is built by hand."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo import FitOptions, fit
from unetzoo.data.open import survey
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset


def _step_by_hand(model, data, options):
    """One step of AdamW with two learning rates and clipped gradients; returns the loss."""
    info = survey(data).statistics.info
    augmentation = Augmentation("none", crop=32, elastic=0)
    crops = CropDataset(
        data["train"], info, count=2, crop=32, balance=options.balance, augmentation=augmentation, seed=0
    )
    images, masks = (torch.stack([crops[index][part] for index in range(2)]) for part in (0, 1))
    with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bfloat16"):
        native = options.supervision == "native"
        outputs = model.native_logits(images) if native else model.all_logits(images)
    reductions = [masks.shape[-1] // logits.shape[-1] for logits in outputs]
    targets = [masks[:, by // 2 :: by, by // 2 :: by] for by in reductions]  # the center of each block
    losses = [F.cross_entropy(logits.float(), target) for logits, target in zip(outputs, targets, strict=True)]
    loss = torch.stack(losses).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip)
    groups = [
        {
            "params": [parameter],
            "lr": options.learning_rate * (options.encoder_rate if name.startswith("encoder.") else 1),
            "weight_decay": options.weight_decay if parameter.ndim > 1 else 0,
        }
        for name, parameter in model.named_parameters()
    ]
    torch.optim.AdamW(groups, eps=1e-8).step()
    return loss.item()


@pytest.mark.parametrize("special", [{}, {"supervision": "native"}, {"precision": "bfloat16"}, {"clip": 1e-8}], ids=str)
def test_a_step_is_one_that_is_built_by_hand(special, make_model, squares, tmp_path):
    options = FitOptions(
        **{
            "loss": "ce",
            "steps": 1,
            "epochs": 1,
            "batch": 2,
            "crop": 32,
            "learning_rate": 0.01,
            "encoder_rate": 0.5,
            "weight_decay": 0.1,
            "warm_up": 0,
            "clip": 0.1,
            "average": 0,
            "augment": "none",
            **special,
        }
    )
    model, twin = (make_model("u2net", deep_supervision=True) for _ in range(2))
    result = fit(model, squares, tmp_path, options=options)
    assert result.epochs[0].loss == pytest.approx(_step_by_hand(twin, squares, options), rel=1e-5)
    for parameter, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter, expected, rtol=1e-4, atol=1e-5)
