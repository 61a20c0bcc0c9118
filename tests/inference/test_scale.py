"""Images of other types and ranges than those of the training."""

import warnings

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.inference.files.jobs import Job
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor, attempt
from unetzoo.inference.predict import predict, predict_rows
from unetzoo.inference.scale import scaling_of

_PICTURE = np.random.default_rng(0).integers(0, 256, (64, 48, 1)).astype(np.uint8)
_SHARE = _PICTURE / 255


def _info(dtype, low, high):
    return unetzoo.ModelInfo(value_range=(low, high), mean=(0.5,), std=(0.29,), image_dtypes=(dtype,) if dtype else ())


_BYTES, _UNIT, _HAND = _info("uint8", 0, 255), _info("float32", 0.003, 0.98), _info("", 0, 1)
_CAMERA, _SCANNER = _info("uint16", 86, 5521), _info("int16", -1024, 3071)
_RAW = (86 + 5435 * _SHARE).round()


def _model(info):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    model.config = unetzoo.ModelConfig(**{**vars(model.config), "info": info})
    return model.eval()


@pytest.mark.parametrize(
    ("info", "trained_on", "image"),
    [
        (_BYTES, _PICTURE, _SHARE.astype(np.float32)),
        (_BYTES, _PICTURE, _SHARE),
        (_BYTES, _PICTURE, _PICTURE.astype(np.uint16) * 257),
        (_BYTES, _PICTURE, _PICTURE.astype(np.uint16)),
        (_BYTES, _PICTURE, _PICTURE.astype(np.float32)),
        (_BYTES, _PICTURE, _PICTURE.astype(np.int64)),
        (_info("", 0, 255), _PICTURE, _SHARE),
        (_UNIT, _SHARE, _PICTURE),
        (_UNIT, _SHARE, _PICTURE.astype(np.uint16) * 257),
        (_HAND, _SHARE, _PICTURE),
        (_CAMERA, _RAW.astype(np.uint16), (_RAW / 65535).astype(np.float32)),
        (_CAMERA, _RAW.astype(np.uint16), _RAW.astype(np.float32)),
        (_CAMERA, _RAW.astype(np.uint16), _RAW.astype(np.int32)),
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_same_picture_of_another_type_has_the_same_prediction(info, trained_on, image):
    model = _model(info)
    np.testing.assert_allclose(predict(model, image), predict(model, trained_on.astype(np.float64)), atol=1e-5)


@pytest.mark.parametrize(
    ("info", "image"),
    [
        (_BYTES, (_SHARE * 4095).astype(np.uint16)),
        (_BYTES, (_SHARE * 1023).astype(np.uint16)),
        (_BYTES, ((_SHARE - 0.5) / 0.29).astype(np.float32)),
        (_BYTES, _SHARE * 2 - 1),
        (_BYTES, (_SHARE * 4000 - 1000).astype(np.int16)),
        (_BYTES, _SHARE / 17),
        (_info("float32", 0, 255), _SHARE.astype(np.float32)),
        (_UNIT, _PICTURE.astype(np.float32)),
        (_CAMERA, _PICTURE),
        (_CAMERA, _SHARE.astype(np.float32)),
        (_CAMERA, (_SHARE * 65535).astype(np.uint16)),
        (_info("uint16", 0, 60000), _PICTURE.astype(np.uint16)),
        (_UNIT, np.append(_SHARE.ravel(), -9999.0).reshape(-1, 1)),
        (_BYTES, np.append(_SHARE.ravel(), -9999.0).reshape(-1, 1)),
        (_SCANNER, _PICTURE),
        (_SCANNER, (_SHARE * 4095).astype(np.uint16)),
    ],
)
def test_values_that_are_unlike_those_of_the_training_are_warned_of(info, image):
    with pytest.warns(unetzoo.DataWarning, match=r"its values, .* are unlike those of the training, "):
        predict(_model(info), image)


@pytest.mark.parametrize(
    ("info", "image"),
    [
        (_BYTES, np.zeros((8, 8), np.uint8)),
        (_BYTES, np.full((8, 8), 0.5)),
        (_BYTES, np.zeros((8, 8), np.uint16)),
        (_CAMERA, np.random.default_rng(0).normal(120, 3, (64, 64)).astype(np.uint16)),
        (_CAMERA, (_RAW * 1.5).astype(np.uint16)),
        (_SCANNER, np.full((8, 8), -1000, np.int16)),
        (_UNIT, np.full((8, 8), np.nan, np.float32)),
        (unetzoo.ModelInfo(), _PICTURE * 1e6),
        (unetzoo.ModelInfo(image_dtypes=("uint8",)), _PICTURE * 1e6),
        (unetzoo.ModelInfo(value_range=(0, 60000), image_dtypes=("uint8", "uint16")), _PICTURE),
    ],
)
def test_blank_images_and_networks_of_which_nothing_is_known_raise_no_doubt(info, image):
    assert scaling_of(image, info).doubt == ""


def test_rows_are_those_of_the_whole_image_and_are_warned_of_once():
    model, image = _model(_BYTES), (np.random.default_rng(0).random((500, 160, 1)) * 4095).astype(np.uint16)
    with pytest.warns(unetzoo.DataWarning) as warned:
        rows = np.concatenate([part for _, part in predict_rows(model, image, tile=128)], axis=1)
    assert len(warned) == 1
    with pytest.warns(unetzoo.DataWarning):
        np.testing.assert_array_equal(rows, predict(model, image, tile=128))


def test_a_part_that_is_darker_than_the_rest_is_converted_as_the_rest(tmp_path):
    share = np.random.default_rng(0).random((700, 200)).astype(np.float32)
    share[:500] /= 100
    np.save(tmp_path / "unit.npy", share)
    np.save(tmp_path / "bytes.npy", share * 255)
    predictor = FilePredictor(_model(_BYTES), PredictOptions(tile=128, probabilities=True, device="cpu"))
    for name in ("unit", "bytes"):
        predictor.predict(tmp_path / f"{name}.npy", tmp_path / f"{name}.tif.npy")
    unit, whole = (np.load(tmp_path / f"{name}.tif.npy") for name in ("unit", "bytes"))
    np.testing.assert_allclose(unit, whole, atol=1e-5)


def test_a_file_that_is_unlike_the_training_is_predicted_and_told(tmp_path):
    np.save(tmp_path / "in.npy", (_SHARE * 4095).astype(np.uint16))
    predictor = FilePredictor(_model(_BYTES), PredictOptions(device="cpu"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = attempt(predictor, Job(tmp_path / "in.npy", tmp_path / "out.png"))
    assert result.state == "predicted"
    assert result.warnings[0].startswith(
        "its values, uint16 from 0 to 4,095, are unlike those of the training, uint8 from"
    )
