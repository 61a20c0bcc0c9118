"""The whole workflow through public names alone: survey, fit with a listener, evaluate and predict a folder."""

import numpy as np
import pytest
import torch
from PIL import Image
from squares import Squares

import unetzoo

_CLASSES = ["rest", "square"]


@pytest.fixture
def folder(tmp_path):
    """`train`, `val` and `test` with images/ and masks/ of 6, 3 and 3 bright squares."""
    for seed, (split, count) in enumerate({"train": 6, "val": 3, "test": 3}.items()):
        for index, (image, mask, _) in enumerate(Squares(count, seed)):
            for kind, pixels in (("images", image[..., 0]), ("masks", mask.astype(np.uint8))):
                path = tmp_path / "squares" / split / kind / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    return tmp_path / "squares"


def test_survey_fit_evaluate_and_predict_a_folder(folder, tmp_path):
    survey = unetzoo.survey(folder, classes=_CLASSES)
    assert {split: len(indices) for split, indices in survey.splits.items()} == {"train": 6, "val": 3, "test": 3}
    assert (survey.statistics.channels, survey.statistics.class_names) == (1, tuple(_CLASSES))
    pixels = np.stack([image for image, _, _ in Squares(6, 0)]) / 255
    assert survey.statistics.mean == pytest.approx([pixels.mean()], abs=0.005)

    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (8, 16)}, classes=2, in_channels=1)
    steps, epochs = [], []
    listener = unetzoo.FitListener(
        on_step=lambda step, total, loss: steps.append((step, total)), on_epoch=epochs.append
    )
    options = unetzoo.FitOptions(epochs=2, steps=30, batch=4, crop=32, learning_rate=0.01, device="cpu", workers=0)
    result = unetzoo.fit(model, survey, tmp_path / "run", options=options, listener=listener)
    assert steps == [(step, 30) for step in range(1, 31)]
    assert tuple(epochs) == result.epochs
    assert [epoch.step for epoch in epochs] == [15, 30]

    network = unetzoo.load(tmp_path / "run")
    evaluation = unetzoo.evaluate(network, folder)
    assert (evaluation.split, [case.name for case in evaluation.cases]) == (
        "test",
        [f"test/images/{index}.png" for index in range(3)],
    )

    predictions = unetzoo.predict_files(network, folder / "test" / "images", tmp_path / "masks")
    assert [(prediction.file.name, prediction.state) for prediction in predictions] == [
        (f"{index}.png", "predicted") for index in range(3)
    ]
    masks = [np.asarray(Image.open(prediction.file)) for prediction in predictions]
    truths = [mask for _, mask, _ in Squares(3, 2)]
    hits, union = (
        sum(int(combine(mask == 1, truth == 1).sum()) for mask, truth in zip(masks, truths, strict=True))
        for combine in (np.logical_and, np.logical_or)
    )
    assert evaluation.classes[1]["IoU"].value == pytest.approx(hits / union, abs=0.01)  # by hand, from the files
    assert hits / union > 0.8
