import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from squares import Squares
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo import DataError, FitListener, FitOptions, OptionError, Sample, ShapeError, TrainingError, fit
from unetzoo.data.open import survey
from unetzoo.evaluation.masks import predicted_ids
from unetzoo.evaluation.scores import count, iou
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset


def test_the_best_folder_has_the_network_with_the_best_score_in_the_history(make_model, squares, short, tmp_path):
    result = fit(make_model(), squares, tmp_path, options=short)
    loaded = unetzoo.load(tmp_path / "best")
    counts = sum(count(predicted_ids(loaded, image), mask, 2) for image, mask, _ in squares["val"])
    assert result.best.class_iou == pytest.approx(iou(counts).tolist())
    assert loaded.config.info.metrics["mean IoU"] == pytest.approx(iou(counts).mean())
    assert loaded.config.info.class_names == ("rest", "square")
    history = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [epoch["step"] for epoch in history] == [4, 8, 12]
    assert all(torch.equal(a, b) for a, b in zip(result.model.parameters(), loaded.parameters(), strict=True))


def test_a_listener_is_called_for_each_step_image_and_epoch(make_model, squares, short, tmp_path):
    starts, steps, images, epochs = [], [], [], []
    listener = FitListener(
        on_start=starts.append,
        on_step=lambda step, of, loss: steps.append((step, of, loss)),
        on_image=lambda image, of: images.append((image, of)),
        on_epoch=epochs.append,
    )
    result = fit(make_model(), squares, tmp_path, options=short, listener=listener)
    assert starts == [0]
    assert [step[:2] for step in steps] == [(number, 12) for number in range(1, 13)]
    assert images == 3 * [(1, 3), (2, 3), (3, 3)]
    assert tuple(epochs) == result.epochs
    assert all(isinstance(epoch, unetzoo.Epoch) for epoch in epochs)
    for number, epoch in enumerate(epochs):  # an epoch has four steps
        assert epoch.loss == pytest.approx(sum(loss for _, _, loss in steps[4 * number : 4 * number + 4]) / 4)


def test_a_short_training_finds_the_squares(make_model, squares, tmp_path):
    options = FitOptions(steps=120, epochs=2, batch=4, crop=32, learning_rate=3e-3)
    result = fit(make_model(), squares, tmp_path, options=options)
    assert result.best.mean_iou > 0.9


def test_a_network_of_one_logit_is_trained_too(make_model, squares, short, tmp_path):
    result = fit(make_model(classes=1), squares, tmp_path, options=short)
    assert len(result.best.class_iou) == 2


def test_pictures_and_curves_are_in_the_run_folder(make_model, squares, short, tmp_path):
    from PIL import Image

    fit(make_model(), squares, tmp_path, options=short)
    with Image.open(tmp_path / "curves.png") as curves, Image.open(tmp_path / "predictions.png") as predictions:
        assert curves.width > 600
        assert predictions.height > 3 * 256  # the worst, the median and the best of three


def test_without_validation_images_the_last_network_is_kept(make_model, squares, short, tmp_path):
    result = fit(make_model(), {"train": Squares(1, 0)}, tmp_path, options=short)
    assert [epoch.mean_iou for epoch in result.epochs] == [None] * 3
    assert result.best.epoch == 3


def test_the_same_seed_gives_the_same_weights(make_model, squares, short, tmp_path):
    first = fit(make_model(dropout=0.3), squares, tmp_path / "1", options=short).model
    torch.rand(7)  # the caller's random numbers do not matter
    second = fit(make_model(dropout=0.3), squares, tmp_path / "2", options=short).model
    other = fit(make_model(dropout=0.3), squares, tmp_path / "3", options=replace(short, seed=1)).model
    assert _same(first, second)
    assert not _same(first, other)


def test_worker_processes_change_nothing(make_model, squares, short, tmp_path):
    alone = fit(make_model(), squares, tmp_path / "1", options=short).model
    helped = fit(make_model(), squares, tmp_path / "2", options=replace(short, workers=2)).model
    assert _same(alone, helped)


def test_a_missing_file_is_an_error_of_one_line_in_a_worker_too(make_model, tmp_path, short):
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for name in "abc":
        for folder, image in zip(("images", "masks"), Squares(1, ord(name))[0], strict=False):
            Image.fromarray(image.squeeze().astype(np.uint8)).save(tmp_path / "data" / folder / f"{name}.png")
    data = survey(tmp_path / "data")
    for image in (tmp_path / "data" / "images").iterdir():
        image.unlink()
    with pytest.raises(DataError, match=r"^there is no file .*images/[abc].png$") as raised:
        fit(make_model(), data, tmp_path / "run", options=replace(short, workers=1))
    assert raised.value.__traceback__  # it is still held, and the worker has ended nevertheless
    assert multiprocessing.active_children() == []


def test_the_random_state_of_the_caller_stays(make_model, squares, short, tmp_path):
    model = make_model()
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    fit(model, squares, tmp_path, options=short)
    assert torch.equal(torch.rand(2), expected)


def test_a_frozen_encoder_keeps_its_weights_and_is_thawed_after(make_model, squares, short, tmp_path):
    model = make_model()
    before = [parameter.clone() for parameter in model.encoder.parameters()]
    steps = []

    def compare(step, _of, _loss):
        steps.append(all(torch.equal(a, b) for a, b in zip(before, model.encoder.parameters(), strict=True)))

    fit(model, squares, tmp_path, options=replace(short, frozen_epochs=2), listener=FitListener(on_step=compare))
    assert steps[:8] == [True] * 8  # two epochs of four steps
    assert not any(steps[8:])


def test_an_encoder_that_was_frozen_to_the_end_is_thawed_too(make_model, squares, short, tmp_path):
    model = make_model()
    fit(model, squares, tmp_path / "run", options=replace(short, frozen_epochs=99))
    assert not model.encoder.frozen
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_encoder_has_its_own_rate(make_model, squares, short, tmp_path):
    model = make_model()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    fit(model, squares, tmp_path, options=replace(short, encoder_rate=0.0, average=0.0))
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved
    assert not any(name.startswith("encoder.") for name in moved)


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


def test_trackers_log_each_epoch(make_model, squares, short, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = fit(make_model(), squares, tmp_path, options=replace(short, trackers=["tensorboard"]))
    events = EventAccumulator(str(tmp_path / "unetzoo"))
    events.Reload()
    assert [event.step for event in events.Scalars("mean IoU")] == [4, 8, 12]
    assert events.Scalars("loss")[-1].value == pytest.approx(result.epochs[-1].loss)


def test_a_tracker_that_is_not_installed_is_an_error(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match=r"there is no tracker 'notebook'; installed are .*tensorboard"):
        fit(make_model(), squares, tmp_path / "run", options=replace(short, trackers=["notebook"]))
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_float16_is_refused_on_a_cpu(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match="precision='float16' needs a GPU"):
        fit(make_model(), squares, tmp_path / "run", options=replace(short, precision="float16"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_error_and_leaves_no_half_checkpoint(make_model, squares, short, tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(TrainingError, match=r"cannot write a checkpoint in .*No space left on device"):
            fit(make_model(), squares, tmp_path / "run", options=short)
        assert not (tmp_path / "run").exists()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


class WithInfinity(Squares):
    def __getitem__(self, index):
        image, mask, name = super().__getitem__(index)
        return Sample(np.where(index == 2, np.inf, image.astype(np.float32)), mask, name)


def test_a_loss_of_nan_stops_the_training_with_the_names_of_the_files(make_model, squares, short, tmp_path):
    model = make_model()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan at step 1, on crops of train \d, train \d: look at"):
        fit(model, squares, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()  # another loss or learning rate may begin there


def test_a_folder_of_checkpoints_without_their_run_is_not_touched(make_model, squares, short, tmp_path):
    fit(make_model(), squares, tmp_path, options=short)
    (tmp_path / "run.json").unlink()
    for resume in (False, True):
        with pytest.raises(TrainingError, match=r"there are checkpoints in .*checkpoints but no run.json"):
            fit(make_model(), squares, tmp_path, options=short, resume=resume)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(make_model, squares, short, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    result = fit(make_model(), squares, tmp_path, options=short, resume=True)
    assert json.loads((tmp_path / "run.json").read_text())["options"]["steps"] == short.steps
    assert len(result.epochs) == 3


@pytest.mark.parametrize("encoder", ["plain", "resnet10t"])
def test_the_error_for_a_batch_too_small_for_batch_norm_says_what_to_raise(encoder, squares, tmp_path):
    model = unetzoo.create("unet", encoder=encoder, classes=2, in_channels=1)
    options = FitOptions(steps=2, epochs=1, batch=1, crop=16)
    with pytest.raises(TrainingError, match="single pixel to learn from, in batches of 1 crops of 16 x 16 pixels: rai"):
        fit(model, squares, tmp_path / "run", options=options)


def test_an_image_with_infinite_values_is_named_before_training(make_model, squares, short, tmp_path):
    with pytest.raises(DataError, match="train 2: 1,920 of its 1,920 values are infinite"):
        fit(make_model(), {**squares, "train": WithInfinity(6, 0)}, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()


def test_the_error_for_a_network_with_other_classes_or_channels_says_what_to_do(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match=r"the data has 2 classes \(rest, square\), the network 5: .* classes=2"):
        fit(make_model(classes=5), squares, tmp_path, options=short)
    colored = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2)
    with pytest.raises(ShapeError, match=r"the images have 1 channel, the network takes 3: .* in_channels=1"):
        fit(colored, squares, tmp_path, options=short)


def test_a_run_is_not_overwritten(make_model, squares, short, tmp_path):
    fit(make_model(), squares, tmp_path, options=short)
    before = (tmp_path / "best" / "model.safetensors").read_bytes()
    with pytest.raises(TrainingError, match=r"there is a run in .* already"):
        fit(make_model(), squares, tmp_path, options=replace(short, seed=3))
    assert (tmp_path / "best" / "model.safetensors").read_bytes() == before


def test_resuming_with_other_options_is_refused_with_what_differs(make_model, squares, short, tmp_path):
    fit(make_model(), squares, tmp_path, options=short)
    with pytest.raises(TrainingError, match="had other options: seed was 0, is 3"):
        fit(make_model(), squares, tmp_path, options=replace(short, seed=3), resume=True)
    with pytest.raises(TrainingError, match=r"had other network: .*dropout"):
        fit(make_model(dropout=0.1), squares, tmp_path, options=short, resume=True)
    with pytest.raises(TrainingError, match="had other data: images was 6, is 5"):
        fit(make_model(), {**squares, "train": Squares(5, 0)}, tmp_path, options=short, resume=True)


def test_resuming_a_complete_run_returns_its_result(make_model, squares, short, tmp_path):
    first = fit(make_model(), squares, tmp_path, options=short)
    again = fit(make_model(), squares, tmp_path, options=short, resume=True)
    assert again.epochs == first.epochs
    assert _same(again.model, first.model)


def test_a_complete_run_continues_with_more_epochs_of_the_same_length(make_model, squares, short, tmp_path):
    first = fit(make_model(), squares, tmp_path, options=short)
    longer = replace(short, steps=20, epochs=5)
    second = fit(make_model(), squares, tmp_path, options=longer, resume=True)
    assert second.epochs[:3] == first.epochs
    assert [epoch.step for epoch in second.epochs] == [4, 8, 12, 16, 20]
    rates = [epoch.learning_rate for epoch in second.epochs]
    assert rates[2] < rates[3]  # the rate falls to 0 at the new end, no more at the old one
    again = fit(make_model(), squares, tmp_path, options=longer, resume=True)
    assert again.epochs == second.epochs


@pytest.mark.parametrize(
    ("steps", "epochs", "message"),
    [
        (12, 6, r"12 steps in 3 epochs; 12 steps in 6 epochs would change .*: resume with steps=24"),
        (8, 2, r"has trained 3 epochs already, more than 2: resume with epochs=3 or more"),
    ],
)
def test_a_run_cannot_go_on_with_epochs_of_another_length_or_end_in_its_past(
    steps, epochs, message, make_model, squares, short, tmp_path
):
    fit(make_model(), squares, tmp_path, options=short)
    before = (tmp_path / "run.json").read_text()
    with pytest.raises(TrainingError, match=message):
        fit(make_model(), squares, tmp_path, options=replace(short, steps=steps, epochs=epochs), resume=True)
    assert (tmp_path / "run.json").read_text() == before


def test_the_error_for_a_script_that_spawns_workers_without_a_guard_asks_for_one(tmp_path):
    (tmp_path / "script.py").write_text(
        f"""
import multiprocessing, sys
multiprocessing.set_start_method("spawn", force=True)
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from squares import Squares
import unetzoo
model = unetzoo.create("unet", encoder="plain", encoder_options=dict(widths=(4, 8)), classes=2, in_channels=1)
options = unetzoo.FitOptions(steps=2, epochs=1, batch=2, crop=32, workers=1)
unetzoo.fit(model, dict(train=Squares(2, 0)), "run", options=options)
"""
    )
    result = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 1
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("unetzoo.fit is called while a worker process imports the script; put the call under `if")
    assert last.startswith("unetzoo.errors.TrainingError: a process that reads images ended unexpectedly: if a script")
    assert result.stderr.count("Traceback") == 1
    assert not (tmp_path / "run").exists()


def test_weights_that_cannot_be_trained_are_an_error_before_anything_is_written(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match="the network has no trainable weight"):
        fit(make_model().requires_grad_(requires_grad=False), squares, tmp_path / "run", options=short)
    with pytest.raises(OptionError, match=r"these are float16: give it model\.float\(\)"):
        fit(make_model().half(), squares, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()


def test_a_network_on_the_meta_device_is_an_error_before_anything_is_written(make_model, squares, short, tmp_path):
    with torch.device("meta"):
        model = make_model()
    with pytest.raises(OptionError, match="the weights of this network have no values: it is on the meta device"):
        fit(model, squares, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()


def test_out_of_memory_says_what_to_lower(tmp_path):
    program = """
import resource
import unetzoo
from unetzoo import FitOptions, TrainingError
model = unetzoo.create("unet", encoder="plain", classes=2, in_channels=1)
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, resource.RLIM_INFINITY))
try:
    unetzoo.fit(model, "nuclei", "run", options=FitOptions(steps=2, epochs=1, batch=64, crop=256, augment="none"))
except TrainingError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert "out of memory with batches of 64 crops of 256 x 256 pixels: use batch=32, or crop=192" in done.stdout, (
        done.stderr
    )


def _same(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
