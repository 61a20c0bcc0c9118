"""Data sets of the library `datasets`, saved to disk or on the Hub."""

import datasets
import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.data.find import open_source
from unetzoo.data.formats.read import read_image, read_raw_mask
from unetzoo.data.sources.samples import SampleSource


def test_a_saved_data_set_of_hugging_face_is_read(tmp_path, pictures):
    images, masks = pictures
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Image()})
    rows = {
        "image": [Image.fromarray(image.astype(np.uint8)) for image in images.values()],
        "label": [Image.fromarray(mask.astype(np.uint8)) for mask in masks.values()],
    }
    table = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict({"train": table, "validation": table.select([0])}).save_to_disk(tmp_path / "saved")
    source = open_source(tmp_path / "saved")
    assert [entry.split for entry in source.entries] == ["train"] * 5 + ["val"]
    np.testing.assert_array_equal(source.image(2), images["c.png"])
    np.testing.assert_array_equal(source.raw_mask(2), masks["c.png"])


def test_pictures_of_hugging_face_are_read_as_those_of_files(tmp_path):
    random = np.random.default_rng(0)
    transparent = Image.fromarray(random.integers(0, 256, (8, 9, 4), dtype=np.uint8), "RGBA")
    indexed = Image.fromarray(random.integers(0, 3, (8, 9), dtype=np.uint8), "P")
    indexed.putpalette([9, 8, 7, 200, 0, 0, 0, 200, 0])
    pictures = {"image": transparent, "mask": indexed}
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.png")
    features = datasets.Features(dict.fromkeys(pictures, datasets.Image()))
    rows = {name: [str(tmp_path / f"{name}.png")] for name in pictures}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "saved")
    image, mask = open_source(tmp_path / "saved").pair(0)
    np.testing.assert_array_equal(image, read_image(tmp_path / "image.png"))
    np.testing.assert_array_equal(mask, read_raw_mask(tmp_path / "mask.png"))
    assert (image.shape, np.asarray(mask).max()) == ((8, 9, 3), 2)


def test_a_configuration_of_a_hugging_face_data_set_is_named(tmp_path):
    configs = ""
    for name, value in (("small", 3), ("large", 9)):
        (tmp_path / "data").mkdir(exist_ok=True)
        datasets.Dataset.from_dict({"image": [[[value]]], "mask": [[[0]]]}).to_parquet(
            tmp_path / f"data/{name}.parquet"
        )
        configs += f"- config_name: {name}\n  data_files: data/{name}.parquet\n"
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    assert open_source(f"hf:{tmp_path}:large").image(0).tolist() == [[[9]]]
    with pytest.raises(unetzoo.DataError, match=r"large.*a configuration is named as hf:user/name:config"):
        open_source(f"hf:{tmp_path}")


def test_a_split_of_another_name_is_named_and_neither_trained_on_nor_lost(tmp_path):
    table = datasets.Dataset.from_dict({"image": [[[0]]], "mask": [[[0]]]})
    datasets.DatasetDict({"train": table, "test_hard": table}).save_to_disk(tmp_path / "saved")
    with pytest.raises(unetzoo.DataError, match="has a split 'test_hard', which is not one of train, "):
        open_source(tmp_path / "saved")
    with pytest.raises(unetzoo.DataError, match="there is no split 'valid'; the splits are train, val, test"):
        SampleSource({"train": unetzoo.create_dataset("nuclei", split="train"), "valid": []})


def test_a_data_set_without_a_column_of_masks_is_refused(tmp_path):
    datasets.Dataset.from_dict({"image": [1], "caption": ["x"]}).save_to_disk(tmp_path / "saved")
    with pytest.raises(unetzoo.DataError, match="no column 'mask' or 'label'; it has image, caption"):
        open_source(tmp_path / "saved")
