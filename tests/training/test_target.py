"""Crops of objects: mask and ids are cut and changed alike, and encoded after that."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from cells import Cells
from drawn_objects import ellipses

import unetzoo
from unetzoo import Dataset, ModelInfo, OptionError, Sample
from unetzoo.losses.resolution import middle_pixels
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.supervision import supervised_loss
from unetzoo.training.target import ObjectTarget, loss_of, target_of

_INFO = ModelInfo(value_range=(0.0, 255.0))


class Shown(Dataset):
    """Images whose values are the numbers of the objects, so that a crop tells which ids it should have."""

    def __init__(self, ids):
        super().__init__(("background", "cell"))
        self.ids = ids

    def __len__(self):
        return 1

    def __getitem__(self, index):
        mask = np.where(self.ids < 0, 255, self.ids > 0)
        return Sample(np.maximum(self.ids, 0).astype(np.uint8)[..., None], mask, "shown")

    def instances(self, index):
        return np.maximum(self.ids, 0)


def _crops(ids, objects, *, crop=32, augment="none", classes=0, count=8):
    target = ObjectTarget(unetzoo.create_objects(objects), classes)
    augmentation = Augmentation(augment, crop=crop, elastic=0.5)
    crops = CropDataset(
        Shown(ids), _INFO, count=count, crop=crop, balance=0.5, augmentation=augmentation, seed=0, target=target
    )
    return [crops[index] for index in range(count)]


@pytest.mark.parametrize("objects", unetzoo.list_objects())
@pytest.mark.parametrize("augment", ["none", "flips"])
def test_the_target_is_that_of_the_ids_after_turns_and_mirrors(objects, augment):
    coding = unetzoo.create_objects(objects)
    for crop in _crops(ellipses(12, 64), objects, augment=augment):
        shown = (crop.image[0] * 255).round().long().numpy()
        expected = np.concatenate([coding.encode(shown), coding.weights(shown)])
        np.testing.assert_allclose(crop.mask, expected, atol=1e-6)
        assert crop.mask.dtype == torch.float32


def test_deformed_ids_are_never_mixed():
    ids = np.kron(np.array([[3, 90], [200, 7]]), np.ones((40, 40), int))
    seen = set()
    for crop in _crops(ids, "boundary", augment="full", crop=48, count=12):
        background, inside, edge, weights = crop.mask.numpy()
        assert ((background == 1) == (weights == 0)).all()  # beyond the image alone: the objects fill it
        assert (inside + edge + background == 1).all()
        seen.add(int(unetzoo.create_objects("boundary").decode(crop.mask[:3].numpy()).max()))
    assert seen <= {1, 2, 3, 4}


def test_pixels_beyond_the_image_and_of_unknown_class_have_no_weight():
    ids = np.zeros((20, 20), int)
    ids[2:8, 2:8], ids[12:18, 12:18] = 1, -1
    (crop,) = _crops(ids, "distance", count=1)
    weights = crop.mask[3].numpy()  # of the foreground
    assert weights.sum() == 400 - 36
    assert (crop.mask[0].numpy() == 1).sum() == 36


def test_classes_of_objects_are_learned_in_objects_alone():
    target = ObjectTarget(unetzoo.create_objects("components"), 2)
    mask, ids = torch.tensor([[0, 1, 2, 255]]), torch.tensor([[0, 5, 6, 7]])
    foreground, first, second, weight, class_weight = target(mask, ids)[:, 0].tolist()
    assert foreground == [0, 1, 1, 0]
    assert (first[1:3], second[1:3]) == ([1, 0], [0, 1])
    assert (weight, class_weight) == ([1, 1, 1, 0], [0, 1, 1, 0])


def test_outputs_of_low_resolution_compare_with_middle_pixels_and_ignore_what_lies_beyond():
    model = unetzoo.create("unet", encoder="plain", objects="flows", encoder_options={"widths": (4, 8)})
    loss = loss_of(model.config, "")
    target = target_of(model.config)(*torch.from_numpy(np.stack([ellipses(4, 30) > 0, ellipses(4, 30)]).astype(int)))
    logits = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    low = middle_pixels(target[None], (4, 4))  # 7 x 7: the middle of the last block lies beyond the border
    expected = loss(logits[..., :7, :7], low)
    assert supervised_loss(loss, [logits], [4], target[None]).item() == pytest.approx(expected.item(), rel=1e-5)


def test_each_map_has_its_own_loss_or_the_expression_that_suits_it():
    config = unetzoo.create("unet", encoder="plain", objects="distance", encoder_options={"widths": (4, 8)}).config
    assert [term.label for term in loss_of(config, "").terms] == ["foreground", "edge", "center"]
    with pytest.raises(OptionError, match="ce needs a map of activation softmax"):
        loss_of(config, "ce")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.manual_seed(0)
    model = unetzoo.create(
        "unetpp",
        encoder="plain",
        objects="distance",
        in_channels=1,
        encoder_options={"widths": (8, 16), "norm": "group"},
        decoder_options={"norm": "group", "deep_supervision": True},
    )
    options = unetzoo.FitOptions(steps=60, epochs=2, batch=4, crop=64, learning_rate=1e-2, average=0.9)
    folder = tmp_path_factory.mktemp("run")
    return unetzoo.fit(model, {"train": Cells(8, 0), "val": Cells(3, 1)}, folder, options=options)


def test_a_short_training_tells_touching_cells_apart(trained):
    assert trained.best.average_precision > 0.5
    assert trained.best.average_precision == max(epoch.average_precision for epoch in trained.epochs)
    assert trained.best.mean_iou > 0.95
    loaded = unetzoo.load(trained.folder / "best")
    assert loaded.config.objects == "distance"
    assert loaded.config.info.metrics["AP of objects"] == trained.best.average_precision
    assert '"average_precision"' in (trained.folder / "history.jsonl").read_text()
    assert (trained.folder / "predictions.png").exists()


def test_the_average_precision_is_that_of_the_predicted_objects(trained):
    """Counted by hand for each IoU, over all pairs of objects."""
    model = copy(trained.model)
    model.config = replace(model.config, objects_options={})  # as before they were tuned
    true_positives, others = np.zeros(10), 0
    for index in range(3):
        objects = unetzoo.predict_objects(model, Cells(3, 1)[index].image)
        truth = Cells(3, 1).instances(index)
        pairs = [(truth == one, objects == other) for one in np.unique(truth)[1:] for other in np.unique(objects)[1:]]
        ious = np.array([(one & other).sum() / (one | other).sum() for one, other in pairs])
        true_positives += [(ious > threshold / 100).sum() for threshold in range(50, 100, 5)]
        others += len(np.unique(truth)) + len(np.unique(objects)) - 2
    expected = (true_positives / (others - true_positives)).mean()
    assert trained.best.average_precision == pytest.approx(expected)


def test_a_network_with_other_classes_of_objects_is_refused(tmp_path):
    model = unetzoo.create(
        "unet", encoder="plain", objects="distance", object_classes=2, in_channels=1, encoder_options={"widths": (4, 8)}
    )
    with pytest.raises(OptionError, match=r"objects of 1 classes \(cell\), the network of 2: create it with"):
        unetzoo.fit(model, {"train": Cells(2, 0), "val": Cells(1, 1)}, tmp_path)
