import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from squares import Squares
from torchmetrics.classification import MulticlassF1Score, MulticlassJaccardIndex

import unetzoo
from unetzoo import DataError, ModelInfo, OptionError, Sample, ShapeError, evaluate
from unetzoo.evaluation.masks import predicted
from unetzoo.evaluation.measure import calibration_rows


def _model(classes=2, in_channels=1):
    torch.manual_seed(1)
    return unetzoo.create(
        "unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=classes, in_channels=in_channels
    ).eval()


def test_numbers_are_those_of_torchmetrics_over_all_images():
    model, data = _model(), Squares(5, 0)
    result = evaluate(model, data)
    jaccard, f1 = MulticlassJaccardIndex(2, average=None), MulticlassF1Score(2, average=None)
    for image, mask, _ in data:
        ids = torch.from_numpy(predicted(model, image).ids)
        jaccard.update(ids[None], torch.from_numpy(mask)[None])
        f1.update(ids[None], torch.from_numpy(mask)[None])
    assert [numbers["IoU"].value for numbers in result.classes] == pytest.approx(jaccard.compute().tolist())
    assert [numbers["Dice"].value for numbers in result.classes] == pytest.approx(f1.compute().tolist())
    assert result.mean["IoU"].value == pytest.approx(jaccard.compute().mean().item())


def test_intervals_hold_their_values_and_cases_are_ranked():
    result = evaluate(_model(), Squares(6, 0), surface=True, instances="square")
    of_probabilities = [{"Brier": row.brier, "ECE": row.ece} for _, row in calibration_rows(result)]
    assert len(of_probabilities) == 3
    for numbers in (*result.classes, result.mean, result.objects.scores, *of_probabilities):
        for number in numbers.values():
            assert number.value is None or number.low is None or number.low <= number.value <= number.high
    scores = [case.mean_iou for case in result.ranked]
    assert scores == sorted(scores)
    assert len(result.cases) == 6
    of_surfaces = {"Hausdorff 95", "Hausdorff 95 penalised", "surface Dice"}
    assert set(result.mean) == {"IoU", "Dice", "precision", "recall", *of_surfaces}


def test_a_seed_is_checked_before_the_work():
    with pytest.raises(OptionError, match="seed must be a whole number >= 0, got -1"):
        evaluate(_model(), Squares(2, 0), seed=-1)


def test_a_network_of_one_logit_has_two_classes():
    result = evaluate(_model(classes=1), Squares(2, 0))
    assert result.class_names == ("rest", "square")


def test_a_class_that_never_occurs_is_left_out_of_the_mean():
    class Three(Squares):
        def __init__(self):
            super().__init__(2, 0)
            self.class_names = ("rest", "square", "ghost")

    model = _model(classes=3)
    with torch.no_grad():
        model.heads[-1].bias[2] = -1e4  # never predicted, either
    result = evaluate(model, Three())
    assert result.classes[2]["IoU"].value is None
    first, second = (numbers["IoU"].value for numbers in result.classes[:2])
    assert result.mean["IoU"].value == pytest.approx((first + second) / 2)


def test_it_is_plain_data_for_json():
    plain = json.loads(json.dumps(evaluate(_model(), Squares(2, 0), instances="square").to_dict()))
    assert plain["images"] == 2
    assert plain["confidence"] == 0.95
    assert set(plain["objects"]["counts"]) == {"found", "missed", "false", "split", "merged"}
    assert plain["object_classes"] == {"square": plain["objects"]}
    assert plain["cases"][0]["objects"].keys() == plain["objects"]["counts"].keys()
    assert plain["cases"][0]["name"] == "square-0"


def test_what_does_not_fit_is_told():
    with pytest.raises(DataError, match="no images"):
        evaluate(_model(), Squares(0, 0))
    with pytest.raises(OptionError, match="the data has 2 classes"):
        evaluate(_model(classes=4), Squares(1, 0))
    with pytest.raises(ShapeError, match="square-0 has 1 channel, the network takes 3"):
        evaluate(_model(in_channels=3), Squares(1, 0))
    with pytest.raises(OptionError, match="there is no class 'cell'; there are rest, square"):
        evaluate(_model(), Squares(1, 0), instances="cell")
    with pytest.raises(OptionError, match="tolerance"):
        evaluate(_model(), Squares(1, 0), tolerance=float("nan"))


def test_the_worst_image_is_the_one_that_is_spoilt():
    class Spoilt(Squares):
        def __getitem__(self, index):
            image, mask, name = super().__getitem__(index)
            return unetzoo.Sample(image, np.where(index == 1, 1 - mask, mask), name)

    model = _model()
    with torch.no_grad():
        for head in model.heads:
            head.weight.zero_()
            head.bias.copy_(torch.tensor([1.0, 0.0]))  # sees nothing but background
    assert evaluate(model, Spoilt(3, 0)).ranked[0].name == "square-1"


@pytest.mark.parametrize("missing", [np.nan, -9999.0])
def test_pixels_without_data_count_neither_as_right_nor_as_wrong(missing):
    class Cut(Squares):
        """Images without data at the top; there the mask is wrong, or unknown."""

        def __init__(self, image_value, mask_value):
            super().__init__(3, 0)
            self.image_value, self.mask_value = image_value, mask_value

        def __getitem__(self, index):
            image, mask, name = super().__getitem__(index)
            image = image.astype(np.float32)
            image[:15], mask[:15] = self.image_value, self.mask_value
            return Sample(image, mask, name)

    model = _model()
    info = ModelInfo(value_range=(0, 255), mean=(0.5,), std=(0.2,), nodata=(-9999,))
    model.config = replace(model.config, info=info)
    actual, expected = evaluate(model, Cut(missing, 1)), evaluate(model, Cut(0.5 * 255, 255))
    assert actual.mean["IoU"].value == expected.mean["IoU"].value


def test_a_warning_about_the_values_of_an_image_has_its_name():
    model, data = _model(), Squares(2, 0)
    info = ModelInfo(value_range=(-1000, 3000), image_dtypes=("int16",), mean=(0.5,), std=(0.2,))
    model.config = replace(model.config, info=info)
    with pytest.warns(unetzoo.DataWarning) as caught:
        evaluate(model, data)
    assert [str(warning.message).partition(":")[0] for warning in caught] == ["square-0", "square-1"]


def test_a_trained_network_is_not_to_be_created_again():
    with pytest.raises(OptionError, match=r"the network 4: use data with the classes of its training$"):
        evaluate(_model(classes=4), Squares(1, 0))
    with pytest.raises(ShapeError, match=r"square-0 has 1 channel, .* takes 3: use images like those of its training$"):
        evaluate(_model(in_channels=3), Squares(1, 0))
