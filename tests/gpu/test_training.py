"""`fit` on a GPU: it resumes exactly, averages, supervises deeply, survives lack of memory, and never waits unasked."""

import copy
import itertools
import warnings

import pytest
import torch
from squares import Squares
from torch.utils._python_dispatch import TorchDispatchMode

import unetzoo
from unetzoo import FitListener, FitOptions, TrainingError, fit
from unetzoo.training.optim import MovingAverage

DATA = {"train": Squares(6, 0), "val": Squares(2, 1)}
_ON_GPU = [pytest.param(precision, "cuda", marks=pytest.mark.gpu) for precision in ("float32", "bfloat16", "float16")]


def _weights(module):
    """All weights, in double precision, on the CPU."""
    return torch.cat([parameter.detach().cpu().double().flatten() for parameter in module.parameters()])


class _InterruptedError(Exception):
    pass


def _interrupt_after(last):
    def on_step(step, _steps, _loss):
        if step == last:
            raise _InterruptedError

    return FitListener(on_step=on_step)


def _trained(model, folder, listener=None, **options):
    usual = {"steps": 9, "epochs": 3, "batch": 2, "crop": 32, "checkpoint_steps": 2, "workers": 0, "augment": "none"}
    options = FitOptions(**usual | options)
    return fit(model, DATA, folder, options=options, listener=listener, resume=True)


@pytest.mark.parametrize(("precision", "device"), [("bfloat16", "cpu"), *_ON_GPU])
def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(
    precision, device, make_model, precise, tmp_path
):
    options = {"precision": precision, "device": device}
    first = _weights(make_model())
    straight = make_model()
    _trained(straight, tmp_path / "straight", **options)
    with pytest.raises(_InterruptedError):
        _trained(make_model(), tmp_path / "resumed", _interrupt_after(5), **options)
    resumed = make_model()
    _trained(resumed, tmp_path / "resumed", **options)
    change = _weights(straight) - first
    difference = _weights(resumed) - _weights(straight)
    assert change.norm() > 0
    # a GPU adds in any order; other crops or a fresh optimizer change the way by far more than that
    assert difference.norm() <= (0 if device == "cpu" else 0.02) * change.norm()


def test_the_average_follows_its_recurrence(device, make_model):
    model = make_model()
    average = MovingAverage(model, 0.9)
    expected = None
    for step in range(12):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
        average.update_parameters(model)
        current = _weights(model)
        keep = min(0.9, (1 + step) / (10 + step)) if step else 0.0
        expected = current if expected is None else keep * expected + (1 - keep) * current
    assert next(average.module.parameters()).device.type == device
    torch.testing.assert_close(_weights(average.module), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("supervision", [pytest.param("full", marks=pytest.mark.gpu), "native"])
def test_deep_supervision_trains_the_head_of_every_level(supervision, device, make_model, tmp_path):
    model = make_model("unetpp", decoder_options={"deep_supervision": True}, encoder_options={"widths": (8, 16, 16)})
    before = copy.deepcopy(model.heads)
    _trained(model, tmp_path, device=device, supervision=supervision, precision="bfloat16")
    assert len(model.heads) == 2
    for head, first in zip(model.heads, before, strict=True):
        assert not torch.equal(_weights(head), _weights(first))


@pytest.mark.gpu
def test_lack_of_memory_is_one_error_after_which_the_same_process_trains(tmp_path):
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**29 / torch.cuda.get_device_properties(0).total_memory)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (8, 16)}, classes=2, in_channels=1)
    large = {"device": "cuda", "batch": 256, "crop": 512, "steps": 1, "epochs": 1}  # 2 GiB a map
    try:
        with pytest.raises(
            TrainingError, match="out of memory with batches of 256 crops of 512 x 512 pixels: use batch="
        ):
            _trained(model, tmp_path / "large", **large)
        assert not (tmp_path / "large").exists()
        assert len(_trained(model, tmp_path / "small", device="cuda").epochs) == 3
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


class _Reads(TorchDispatchMode):
    """Counts the values that the host reads from tensors of a device."""

    def __init__(self, device):
        super().__init__()
        self.device, self.count = device, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._local_scalar_dense.default:
            self.count += args[0].device.type == self.device
        return function(*args, **(kwargs or {}))


def _in_each_step(counts):
    """What was counted in each step but the first and the last, which do more, by the counts after each."""
    return {later - earlier for earlier, later in itertools.pairwise(counts[:-1])}


def test_the_host_reads_the_loss_of_a_step_alone(device, make_model, tmp_path):
    counts = []
    with _Reads(device) as reads:
        listener = FitListener(on_step=lambda *_: counts.append(reads.count))
        _trained(make_model(), tmp_path, listener, device=device, loss="ce", epochs=1, checkpoint_steps=9)
    on_cpu = 2  # the norm of the gradients, and the number of averaged steps
    assert _in_each_step(counts) == {1 + on_cpu * (device == "cpu")}


@pytest.mark.gpu
def test_the_host_waits_for_the_targets_extremes_and_for_the_loss_alone(tmp_path):
    counts, model = [], unetzoo.create("unet", encoder="plain", classes=2, in_channels=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        listener = FitListener(on_step=lambda *_: counts.append(len(caught)))
        torch.cuda.set_sync_debug_mode("warn")
        try:
            _trained(model, tmp_path, listener, device="cuda", loss="ce", epochs=1, checkpoint_steps=9)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert max(_in_each_step(counts)) <= 2, [f"{one.filename}:{one.lineno} {one.message}" for one in caught]
