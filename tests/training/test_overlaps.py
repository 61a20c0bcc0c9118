"""Networks of classes that may overlap, from training to files."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
import zarr
from overlaps import NAMES, Discs, draw, write_planes
from PIL import Image
from sklearn.metrics import f1_score, jaccard_score

import unetzoo
from unetzoo.evaluation.masks import predicted
from unetzoo.evaluation.page import write_page
from unetzoo.training.places import ClassPlaces
from unetzoo.training.supervision import supervised_loss

_PARTS = {"encoder": "plain", "encoder_options": {"widths": [8, 16]}}
_OPTIONS = unetzoo.FitOptions(steps=40, epochs=1, batch=4, crop=48, average=0, augment="flips", learning_rate=1e-2)
_COUNT = 6  # test images


def _network(classes=2, labels="overlapping"):
    torch.manual_seed(0)
    return unetzoo.create("unet", **_PARTS, classes=classes, labels=labels)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = {"train": Discs(10), "val": Discs(3, seed=1)}
    return unetzoo.fit(_network(), data, tmp_path_factory.mktemp("overlapping") / "run", options=_OPTIONS)


@pytest.fixture(scope="module")
def test_images():
    return Discs(_COUNT, seed=2)


class _Exclusive(unetzoo.Dataset):
    """The same images, where both classes are with the second one."""

    def __init__(self, discs):
        super().__init__(("background", *NAMES))
        self.discs = discs

    def __len__(self):
        return len(self.discs)

    def __getitem__(self, index):
        image, planes, name = self.discs[index]
        return unetzoo.Sample(image, np.where(planes[1], 2, planes[0]).astype(np.uint8), name)


def _ious(truth, planes):
    """The IoU of each plane over all images, by scikit-learn."""
    pairs = zip(np.stack(truth, 1), np.stack(planes, 1), strict=True)
    return [jaccard_score(true.ravel(), plane.ravel()) for true, plane in pairs]


def test_a_network_learns_overlaps_that_one_of_exclusive_classes_cannot(trained, test_images, tmp_path):
    data = {"train": _Exclusive(Discs(10)), "val": _Exclusive(Discs(3, seed=1))}
    other = unetzoo.fit(_network(3, "exclusive"), data, tmp_path / "run", options=_OPTIONS).model
    images, truth, _ = zip(*(test_images[index] for index in range(_COUNT)), strict=True)
    planes = [unetzoo.predict(trained.model, image) > 0.5 for image in images]
    ids = [unetzoo.predict(other, image).argmax(0) for image in images]
    overlapping, exclusive = (_ious(truth, each) for each in (planes, [np.stack([i == 1, i == 2]) for i in ids]))
    assert min(overlapping) > 0.8
    assert overlapping[0] > exclusive[0] + 0.15
    assert (np.stack(planes).sum(1) == 2).any()


def test_scores_are_those_of_each_plane_by_itself(trained, test_images):
    result = unetzoo.evaluate(trained.model, test_images)
    limits = trained.model.config.info.thresholds or (0.5, 0.5)
    images, truth, _ = zip(*(test_images[index] for index in range(_COUNT)), strict=True)
    predicted = [unetzoo.predict(trained.model, image) > np.array(limits)[:, None, None] for image in images]
    assert result.class_names == NAMES
    for place in range(2):
        true, found = (np.stack(each, 1)[place].ravel() for each in (truth, predicted))
        assert result.classes[place]["IoU"].value == pytest.approx(jaccard_score(true, found))
        assert result.classes[place]["Dice"].value == pytest.approx(f1_score(true, found))
    assert result.mean["IoU"].value == pytest.approx(np.mean([each["IoU"].value for each in result.classes]))


def test_unknown_pixels_of_a_plane_do_not_count_in_that_plane_alone(trained, test_images):
    class Hidden(Discs):
        def __getitem__(self, index):
            image, planes, name = super().__getitem__(index)
            planes[0, :24] = 255
            return unetzoo.Sample(image, planes, name)

    whole = unetzoo.evaluate(trained.model, test_images)
    part = unetzoo.evaluate(trained.model, Hidden(_COUNT, seed=2))
    assert part.classes[1]["IoU"].value == whole.classes[1]["IoU"].value
    assert part.classes[0]["IoU"].value != whole.classes[0]["IoU"].value


def test_what_is_saved_says_that_classes_may_overlap(trained):
    loaded = unetzoo.load(trained.folder)
    assert loaded.config.labels == "overlapping"
    assert loaded.config.info.class_names == NAMES
    image, _ = draw(5)
    assert np.array_equal(unetzoo.predict(loaded, image), unetzoo.predict(trained.model, image))
    card = (trained.folder / "best" / "README.md").read_text()
    assert "may overlap: sigmoid of each logit" in card
    assert "logits.sigmoid()" in card


def test_a_network_that_is_trained_further_reads_masks_without_overlaps_as_planes(trained, tmp_path):
    write_planes(tmp_path / "data", 3)
    for path in sorted((tmp_path / "data" / "masks").iterdir()):
        planes = tifffile.imread(path)
        planes[1] = 0
        tifffile.imwrite(path, planes, photometric="minisblack")
    assert unetzoo.evaluate(trained.model, tmp_path / "data").class_names == NAMES


@pytest.mark.parametrize(
    ("classes", "labels", "data", "match"),
    [
        (3, "exclusive", Discs(2), "the classes of the data may overlap, those of the network exclude one another"),
        (2, "overlapping", _Exclusive(Discs(2)), "exclude one another, those of the network may overlap"),
        (3, "overlapping", Discs(2), "the data has 2 classes"),
    ],
)
def test_a_network_of_other_classes_is_refused_before_the_training(classes, labels, data, match, tmp_path):
    with pytest.raises(unetzoo.OptionError, match=match):
        unetzoo.fit(_network(classes, labels), data, tmp_path / "run", options=_OPTIONS)
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_network_of_objects_is_refused(tmp_path):
    with pytest.raises(unetzoo.OptionError, match="no classes that overlap"):
        unetzoo.create("unet", **_PARTS, objects="boundary", labels="overlapping")
    model = unetzoo.create("unet", **_PARTS, objects="boundary")
    with pytest.raises(unetzoo.OptionError, match="a network of objects gives each pixel one"):
        unetzoo.fit(model, Discs(3), tmp_path / "run", options=_OPTIONS)


def test_a_loss_of_exclusive_classes_is_refused(tmp_path):
    with pytest.raises(unetzoo.TargetError, match=r"ce needs class ids .* got a multilabel target"):
        unetzoo.fit(_network(), Discs(3), tmp_path / "run", options=replace(_OPTIONS, loss="ce"))
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize("classes", [1, 3])
def test_the_default_loss_is_the_mean_over_planes_of_what_other_libraries_compute(classes):
    smp = pytest.importorskip("segmentation_models_pytorch")
    torch.manual_seed(0)
    logits = torch.randn(2, classes, 8, 8)
    target = torch.randint(0, 2, (2, classes, 8, 8))
    statistics = _statistics_of_overlaps()
    loss = unetzoo.create_loss(_OPTIONS.plan(statistics, classes).loss, ignore_index=255)
    expected = smp.losses.DiceLoss("multilabel", smooth=0.5)(logits, target) + (
        torch.nn.functional.binary_cross_entropy_with_logits(logits, target.float())
    )
    assert float(supervised_loss(loss, [logits], [1], target)) == pytest.approx(float(expected), rel=1e-4)


def _statistics_of_overlaps():
    return unetzoo.survey(Discs(3)).statistics


def test_a_crop_is_centered_on_each_plane_equally_often():
    planes = np.zeros((2, 600, 10), np.uint8)
    planes[0, :500] = 1
    planes[1, 590, 3] = 1
    planes[1, 0] = 255
    last, random = np.moveaxis(planes, 0, 2), np.random.default_rng(0)
    places = ClassPlaces(last)
    drawn = [places.draw(last, random) for _ in range(200)]
    of_second = [place for place in drawn if place == (590, 3)]
    assert all(planes[0][place] or place == (590, 3) for place in drawn)
    assert 70 < len(of_second) < 130


@pytest.mark.parametrize("ending", ["tif", "npy", "zarr"])
def test_files_hold_the_planes_of_all_classes(trained, tmp_path, ending):
    image, _ = draw(7)
    Image.fromarray(image).save(tmp_path / "a.png")
    (result,) = unetzoo.predict_files(
        trained.model, tmp_path / "a.png", tmp_path / f"mask.{ending}", options=unetzoo.PredictOptions(threshold=0.4)
    )
    assert result.state == "predicted", result.reason
    read = {"tif": tifffile.imread, "npy": np.load, "zarr": lambda path: zarr.open_array(path, mode="r")[:]}[ending]
    assert np.array_equal(read(tmp_path / f"mask.{ending}"), unetzoo.predict(trained.model, image) > np.float32(0.4))


def test_a_folder_gets_files_of_planes_and_a_png_is_refused(trained, tmp_path):
    data = write_planes(tmp_path / "data", 2)
    results = unetzoo.predict_files(trained.model, data / "images", tmp_path / "out")
    assert sorted(result.file.name for result in results) == ["0.tif", "1.tif"]
    with pytest.raises(unetzoo.OptionError, match=r"a .png file holds no planes"):
        unetzoo.predict_files(trained.model, data / "images" / "0.png", tmp_path / "mask.png")


def test_predicted_planes_are_masks_again(trained, tmp_path):
    data = write_planes(tmp_path / "data", 2)
    for path in (data / "masks").iterdir():
        path.unlink()
    unetzoo.predict_files(trained.model, data / "images", data / "masks")
    assert unetzoo.evaluate(trained.model, data, split="all").mean["IoU"].value == 1


def test_a_page_and_counted_objects_take_planes(trained, test_images, tmp_path):
    result = unetzoo.evaluate(trained.model, test_images, instances="nucleus")
    assert result.objects.counts["found"] > 0
    write_page(tmp_path / "page.html", result, trained.model, test_images, title="discs")
    assert "IoU of nucleus" in (tmp_path / "page.html").read_text()


def test_nested_classes_are_stored_and_doubtful_masks_are_named(tmp_path):
    options = replace(_OPTIONS, steps=1)
    with pytest.warns(unetzoo.DataWarning, match="of the pixels of nucleus are outside of cell in the masks"):
        result = unetzoo.fit(_network(), Discs(3), tmp_path / "run", options=options, nested=["cell", "nucleus"])
    assert unetzoo.load(tmp_path / "run").config.info.nested == ("cell", "nucleus")
    planes = predicted(result.model, draw(0)[0]).ids
    assert not (planes[1] & ~planes[0]).any()
    assert unetzoo.Recipe.load(tmp_path / "run").data.nested == ("cell", "nucleus")


@pytest.mark.parametrize("nested", [["cell"], ["cell", "cell"], ["cell", "core"]])
def test_other_names_of_nested_classes_are_refused(nested, tmp_path):
    with pytest.raises(unetzoo.OptionError, match="nested must name two or more classes that may overlap"):
        unetzoo.fit(_network(), Discs(3), tmp_path / "run", options=_OPTIONS, nested=nested)
