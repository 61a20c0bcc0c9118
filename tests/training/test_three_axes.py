"""Training of networks over three axes."""

import json

import numpy as np
import pytest
import tifffile
import torch
from blobs import Blobs, crops_of
from safetensors.torch import load_file
from squares import Squares
from stacks import STEPS, volume, write_cases, write_stack

import unetzoo
from unetzoo import Sample
from unetzoo.data.formats.slices import open_volume


def _network(decoder="unet", classes=2, **options):
    torch.manual_seed(0)
    return unetzoo.create(
        decoder,
        encoder="plain",
        spatial_dims=3,
        in_channels=1,
        classes=classes,
        encoder_options={"widths": (4, 8)},
        decoder_options=options,
    )


def _options(**values):
    return unetzoo.FitOptions(
        **{"crop": 16, "batch": 2, "steps": 40, "epochs": 2, "learning_rate": 1e-2, "average": 0, "device": "cpu"}
        | {"workers": 0}
        | values
    )


@pytest.mark.long
def test_a_blob_is_learned_from_four_volumes(tmp_path):
    data = {"train": Blobs(4, 0), "val": Blobs(2, 1)}
    fit = unetzoo.fit(_network(), data, tmp_path / "run", options=_options())
    assert fit.epochs[-1].mean_iou > 0.85
    loaded, (values, mask, _) = unetzoo.load(tmp_path / "run"), Blobs(1, 2)[0]
    result = unetzoo.predict(loaded, values).argmax(0) == 1
    assert (result & (mask == 1)).sum() > 0.75 * (result | (mask == 1)).sum()
    scores = unetzoo.evaluate(loaded, Blobs(1, 2))
    assert (scores.noun, scores.unit) == ("volume", "voxels")
    own = (result & (mask == 1)).sum() / (result | (mask == 1)).sum()
    assert scores.classes[1]["IoU"].value == pytest.approx(own)
    assert (tmp_path / "run" / "predictions.png").stat().st_size > 1000
    recipe = unetzoo.Recipe.load(tmp_path / "run")
    assert (recipe.network.spatial_dims, recipe.training.crop) == (3, 16)


def test_a_training_that_was_stopped_continues_bit_by_bit(tmp_path):
    """With deep supervision at the resolution of each output, crops that differ by axis, and all random changes."""

    class StopError(Exception):
        pass

    def stop(step, *_):
        if step == 5:
            raise StopError

    def train(folder, listener=None):
        model, data = _network("unetpp", deep_supervision=True, dropout=0.1), {"train": Blobs(3, 0), "val": Blobs(1, 1)}
        options = _options(crop=(12, 16, 16), steps=8, checkpoint_steps=3, supervision="native", elastic=1.0)
        return unetzoo.fit(model, data, folder, options=options, listener=listener, resume=True)

    whole = train(tmp_path / "whole")
    with pytest.raises(StopError):
        train(tmp_path / "run", unetzoo.FitListener(on_step=stop))
    continued = train(tmp_path / "run")
    assert [epoch.loss for epoch in continued.epochs] == [epoch.loss for epoch in whole.epochs]
    paths = [tmp_path / name / "checkpoints" / "step-000000008" / "model.safetensors" for name in ("whole", "run")]
    weights, expected = map(load_file, paths)
    assert all(torch.equal(weights[key], expected[key]) for key in expected)


@pytest.mark.long
def test_volumes_in_files_are_whole_cases_with_their_steps(tmp_path):
    cases = write_cases(tmp_path / "cases", 4, (6, 20, 18))
    options = _options(crop=(8, 16, 16), steps=25, epochs=1)
    fit = unetzoo.fit(_network(), cases, tmp_path / "run", options=options)
    info = unetzoo.load(tmp_path / "run").config.info
    assert info.pixel_size == pytest.approx(STEPS)
    assert (info.unit, info.slices, info.slice_axis) == ("um", 0, "")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["largest"] == [6, 20, 18]
    results = unetzoo.predict_files(fit.model, cases / "images", tmp_path / "out")
    assert [result.state for result in results] == ["predicted"] * 4
    with open_volume(tmp_path / "out" / "case2.tif") as stored, open_volume(cases / "images" / "case2.tif") as source:
        assert [axis.step for axis in stored.grid.axes] == pytest.approx([axis.step for axis in source.grid.axes])
        ids = stored.read(stored.whole)[..., 0]
    assert (ids == volume(2, (6, 20, 18))[1]).mean() > 0.9
    result = unetzoo.evaluate(fit.model, cases, split="all", surface=True)
    assert (result.noun, result.unit, len(result.cases)) == ("volume", "um", 4)


def test_the_class_of_a_case_that_is_all_background_is_learned_beside_others(tmp_path):
    cases = write_cases(tmp_path / "cases", 3, (6, 20, 18))
    write_stack(cases / "masks" / "case0.tif", np.zeros((6, 20, 18)))
    with pytest.warns(unetzoo.DataWarning, match=r"case0\.tif: its mask is empty, all is background"):
        fit = unetzoo.fit(_network(), cases, tmp_path / "run", options=_options(steps=2, epochs=1, crop=16))
    assert np.isfinite(fit.epochs[-1].loss)


def test_voxels_that_are_not_numbers_count_as_unknown(tmp_path):
    class Holey(Blobs):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            sample.image[2:5] = np.nan
            return sample

    data = {"train": Holey(2, 0), "val": Holey(1, 1)}
    with pytest.warns(unetzoo.DataWarning, match="NaN"):
        fit = unetzoo.fit(_network(), data, tmp_path / "run", options=_options(steps=2, epochs=1))
    assert np.isfinite(fit.epochs[-1].loss)
    crop = crops_of(Holey(1, 0), (16, 22, 20))[0]
    assert (crop.mask[2:5] == 255).all()
    assert not (crop.mask[5:] == 255).any()


@pytest.mark.parametrize(
    ("dims", "data", "error"),
    [
        (3, Squares(4, 0), r"the data has images, the network takes volumes: create it with spatial_dims=2"),
        (2, Blobs(4, 0), r"the data has volumes, the network takes images: create it with spatial_dims=3"),
    ],
)
def test_images_for_a_network_over_three_axes_and_the_reverse_are_one_error(dims, data, error, tmp_path):
    options = {"encoder_options": {"widths": (4, 8)}}
    network = unetzoo.create("unet", encoder="plain", spatial_dims=dims, in_channels=1, classes=2, **options)
    with pytest.raises(unetzoo.OptionError, match=error):
        unetzoo.fit(network, data, tmp_path / "run", options=_options())
    assert not (tmp_path / "run").exists()


def test_images_among_volumes_and_volumes_for_a_trained_network_of_images_are_named(tmp_path):
    class Mixed(Blobs):
        def __getitem__(self, index):
            values, mask, name = super().__getitem__(index)
            return Sample(values[0], mask[0], name) if index == 1 else Sample(values, mask, name)

    with pytest.raises(unetzoo.DataError, match="sample 1 is an image, most are volumes"):
        unetzoo.fit(_network(), Mixed(4, 0), tmp_path / "run", options=_options())
    network = unetzoo.create("unet", encoder="plain", in_channels=1, classes=2, encoder_options={"widths": (4, 8)})
    with pytest.raises(unetzoo.OptionError, match="the data has volumes, the network takes images: use images"):
        unetzoo.evaluate(network.eval(), Blobs(2, 0))


def test_files_that_are_no_volumes_are_named(tmp_path):
    for number in range(3):
        for name, array in zip(("images", "masks"), volume(number), strict=True):
            path = tmp_path / "cells" / name / f"{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, array[2])
    with pytest.raises(unetzoo.DataError, match=r"0\.tif has the axes YX \(40, 36\), but a volume has the axes ZYX"):
        unetzoo.fit(_network(), tmp_path / "cells", tmp_path / "run", options=_options())


def test_slices_of_whole_volumes_are_refused(tmp_path):
    with pytest.raises(unetzoo.OptionError, match="slices and axis are for networks of images: leave them out"):
        unetzoo.fit(_network(), write_cases(tmp_path / "cases", 2), tmp_path / "run", slices=3)


@pytest.mark.parametrize("crop", [(1, 16, 16), (16, 16), "a", (8, 8, 8.5), 8])
def test_crops_of_other_sides_are_refused(crop):
    with pytest.raises(unetzoo.OptionError, match="crop must be a whole number"):
        unetzoo.FitOptions(crop=crop)


def test_crops_of_images_have_one_side(tmp_path):
    network = unetzoo.create("unet", encoder="plain", in_channels=1, classes=2)
    with pytest.raises(unetzoo.OptionError, match="the crops of images are square, of one side"):
        unetzoo.fit(network, Squares(4, 0), tmp_path / "run", options=_options(crop=(16, 16, 16)))


def test_a_mask_of_another_size_is_named(tmp_path):
    cases = write_cases(tmp_path / "cases", 2, (6, 20, 18))
    write_stack(cases / "masks" / "case1.tif", np.zeros((5, 20, 18)))
    with pytest.raises(unetzoo.DataError, match=r"case1\.tif: the volume has 6 x 20 x 18 voxels, its mask 5 x 20 x 18"):
        unetzoo.fit(_network(), cases, tmp_path / "run", options=_options())


def test_the_default_crop_is_a_cube_of_64_or_as_long_as_the_volumes():
    from unetzoo.data.find import source_of
    from unetzoo.data.masks.options import MaskOptions
    from unetzoo.data.survey.survey import survey_source

    statistics = survey_source(source_of(Blobs(2, 0, (12, 70, 40))), MaskOptions()).statistics
    assert statistics.largest == (12, 70, 40)
    assert unetzoo.FitOptions().plan(statistics, 2).crop == (16, 64, 48)
    assert unetzoo.FitOptions(crop=32).plan(statistics, 2).crop == (32, 32, 32)
