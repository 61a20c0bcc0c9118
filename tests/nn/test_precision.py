"""The check of an optimized network is not spoiled by settings that make float32 less precise."""

import pytest
import torch

import unetzoo
from unetzoo.nn.precision import full_precision

NEW = hasattr(torch.backends, "fp32_precision")  # since torch 2.9
BACKENDS = torch.backends


def _settings():
    if NEW:
        parts = (BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.mkldnn.matmul, BACKENDS.mkldnn.conv)
        return [part.fp32_precision for part in parts]
    return [BACKENDS.cuda.matmul.allow_tf32, BACKENDS.cudnn.allow_tf32]


@pytest.fixture
def tf32():
    """A program that allows TF32 in products and convolutions, as it was usual before torch 2.9."""
    before = BACKENDS.cuda.matmul.allow_tf32, BACKENDS.cudnn.allow_tf32
    BACKENDS.cuda.matmul.allow_tf32 = BACKENDS.cudnn.allow_tf32 = True
    yield
    BACKENDS.cuda.matmul.allow_tf32, BACKENDS.cudnn.allow_tf32 = before


def test_logits_are_compared_in_full_precision_and_the_settings_come_back(tf32):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)})
    allowed, seen = _settings(), []
    model.encoder.register_forward_hook(lambda *_: seen.append(_settings()))
    unetzoo.optimize(model)
    assert seen
    assert all(set(settings) == {"ieee" if NEW else False} for settings in seen)
    assert _settings() == allowed
    assert BACKENDS.cuda.matmul.allow_tf32  # readable, too: torch refuses a mixture of old and new settings


def test_the_settings_come_back_after_an_error(tf32):
    allowed = _settings()
    with pytest.raises(ZeroDivisionError), full_precision():
        1 / 0  # noqa: B018 - raises
    assert _settings() == allowed
