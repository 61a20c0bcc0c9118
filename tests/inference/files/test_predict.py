"""`unetzoo.predict_files`, by its public names."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo


@pytest.fixture
def model():
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()


class _Noise(unetzoo.Dataset):
    """Images that exist in memory alone."""

    def __init__(self, count, seed=0):
        super().__init__(["background", "cell"])
        random = np.random.default_rng(seed)
        self.images = random.integers(0, 256, (count, 40, 50, 1), dtype=np.uint8)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return unetzoo.Sample(self.images[index], np.zeros((40, 50), np.uint8), f"noise {index}")


def _save(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def _is_mask_of(path, model, pixels):
    expected = unetzoo.predict(model, pixels).argmax(0)
    return (np.asarray(Image.open(path)) == expected).mean() > 0.999  # folded norms round otherwise


def test_a_folder_a_list_and_a_single_image_give_the_masks_of_predict(model, tmp_path):
    pixels = {name: _save(tmp_path / "in" / name, seed) for seed, name in enumerate(["a.png", "deep/b.tif"])}
    folder = unetzoo.predict_files(model, tmp_path / "in", tmp_path / "folder")
    files = unetzoo.predict_files(model, [tmp_path / "in" / name for name in pixels], str(tmp_path / "files"))
    single = unetzoo.predict_files(model, str(tmp_path / "in" / "a.png"), tmp_path / "single.png")
    for results, out in ((folder, tmp_path / "folder"), (files, tmp_path / "files")):
        assert results == [
            unetzoo.FilePrediction(str(tmp_path / "in" / "a.png"), out / "a.png", "predicted"),
            unetzoo.FilePrediction(str(tmp_path / "in" / "deep" / "b.tif"), out / "deep" / "b.png", "predicted"),
        ]
        for result, image in zip(results, pixels.values(), strict=True):
            assert _is_mask_of(result.file, model, image)
    assert [result.file for result in single] == [tmp_path / "single.png"]
    assert _is_mask_of(tmp_path / "single.png", model, pixels["a.png"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", "image\nx/a.png\ny/b.png\n"),
        ("list.tsv", "image\tmask\nx/a.png\tnone.png\ny/b.png\tnone.png\n"),
        ("list.jsonl", '{"image": "x/a.png"}\n{"image": "y/b.png"}\n'),
    ],
)
def test_a_table_of_images_needs_no_masks(name, text, model, tmp_path):
    first, second = _save(tmp_path / "x" / "a.png", 0), _save(tmp_path / "y" / "b.png", 1)
    (tmp_path / name).write_text(text)
    unetzoo.predict_files(model, tmp_path / name, tmp_path / "out")
    assert _is_mask_of(tmp_path / "out" / "x" / "a.png", model, first)
    assert _is_mask_of(tmp_path / "out" / "y" / "b.png", model, second)


def test_a_data_set_of_python_becomes_a_file_for_each_sample(model, tmp_path):
    data = _Noise(2)
    seen = []
    options = unetzoo.PredictOptions(probabilities=True, format="npy")
    results = unetzoo.predict_files(model, data, tmp_path / "out", options=options, on_result=seen.append)
    assert seen == results
    assert [result.state for result in results] == ["predicted"] * 2
    for result, image in zip(results, data.images, strict=True):
        np.testing.assert_allclose(np.load(result.file), unetzoo.predict(model, image), atol=1e-4)


def test_a_sample_is_predicted_again_when_its_pixels_change(model, tmp_path):
    data = _Noise(2)
    unetzoo.predict_files(model, data, tmp_path)
    assert [result.state for result in unetzoo.predict_files(model, data, tmp_path)] == ["kept", "kept"]
    data.images[1] ^= 1
    first, again = unetzoo.predict_files(model, data, tmp_path)
    assert (first.state, again.state, again.reason) == ("kept", "predicted", "another image")


def test_a_named_data_set_is_predicted_as_a_whole(model, tmp_path):
    results = unetzoo.predict_files(model, "nuclei", tmp_path)
    assert {result.image for result in results} >= {"train 0", "test 0"}
    test = unetzoo.create_dataset("nuclei", split="test")[0]
    assert _is_mask_of(tmp_path / "test 0.png", model, test.image)


def test_samples_without_files_are_predicted_in_one_process(model, tmp_path):
    with pytest.raises(unetzoo.OptionError, match="predicted in one process"):
        unetzoo.predict_files(model, _Noise(2), tmp_path, workers=2)


def test_an_image_that_cannot_be_read_is_a_failed_result(model, tmp_path):
    good = _save(tmp_path / "in" / "a.png", 0)
    (tmp_path / "in" / "b.png").write_bytes(b"")
    first, second = unetzoo.predict_files(model, tmp_path / "in", tmp_path / "out")
    assert (first.state, first.reason) == ("predicted", "")
    assert _is_mask_of(first.file, model, good)
    assert (second.state, second.reason) == ("failed", f"{tmp_path / 'in' / 'b.png'} is empty: it has 0 bytes")
    assert not second.file.exists()


@pytest.mark.parametrize("place", ["run", "run/best", "run/best/masks/.."])
def test_no_mask_is_written_into_the_folder_of_a_network(place, model, tmp_path):
    _save(tmp_path / "in" / "a.png", 0)
    unetzoo.save(model, tmp_path / "run" / "best")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(unetzoo.DataError, match="is the folder of a network; name another one for the results"):
        unetzoo.predict_files(model, tmp_path / "in", tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before


def test_folders_that_are_left_out_are_warned_of(model, tmp_path):
    for folder in ("images", "masks"):
        _save(tmp_path / "data" / folder / "a.png", 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = unetzoo.predict_files(model, tmp_path / "data", tmp_path / "out")
    assert [result.file for result in results] == [tmp_path / "out" / "images" / "a.png"]
    assert [(warning.category, str(warning.message), warning.filename) for warning in caught] == [
        (unetzoo.DataWarning, "masks is left out: it holds the masks of the images beside it", __file__)
    ]


def test_an_image_unlike_the_training_says_so_in_its_result(model, tmp_path):
    model.config = unetzoo.load(
        unetzoo.save(model, tmp_path / "m", info=unetzoo.ModelInfo(value_range=(0, 255), image_dtypes=("uint8",)))
    ).config
    np.save(tmp_path / "deep.npy", np.random.default_rng(0).integers(0, 4096, (20, 20)).astype(np.uint16))
    (result,) = unetzoo.predict_files(model, tmp_path / "deep.npy", tmp_path / "out.npy")
    assert result.state == "predicted"
    assert len(result.warnings) == 1
    assert "unlike those of the training" in result.warnings[0]
