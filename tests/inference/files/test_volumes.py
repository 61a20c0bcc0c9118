from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from stacks import NORMALIZATION, volume, write_cases, write_stack
from sweeps import sweep
from typer.testing import CliRunner

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats import open_raster
from unetzoo.data.formats.slices import open_volume


def _network(slices=1, axis="z", classes=2):
    """A network that finds each of two classes in half of the voxels."""
    torch.manual_seed(0)
    network = unetzoo.create(
        "unet", encoder="plain", in_channels=slices, classes=classes, encoder_options={"widths": (4, 8)}
    ).eval()
    info = unetzoo.ModelInfo(slices=slices, slice_axis=axis, **NORMALIZATION)
    network.config = replace(network.config, info=info)
    first, second = unetzoo.predict_volume(network, volume()[0])
    with torch.no_grad():
        [*network.parameters()][-1][1] += float(np.log(np.median(first / second)))
    return network


_ENDINGS, _AXES = ("tif", "npy", "zarr"), ("z", "y", "x")


@pytest.mark.parametrize(("ending", "axis"), sweep(product(_ENDINGS, _AXES), zip(_ENDINGS, _AXES, strict=True)))
def test_the_result_is_a_volume_of_the_most_probable_classes(tmp_path, axis, ending):
    network, (array, _) = _network(3, axis), volume()
    image = write_stack(tmp_path / "a.tif", array)
    (done,) = unetzoo.predict_files(network, image, tmp_path / f"result.{ending}")
    assert done.state == "predicted", done.reason
    expected = unetzoo.predict_volume(network, array, axes=axis).argmax(0)
    with open_volume(tmp_path / f"result.{ending}", "mask") as raster:
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], expected)
    assert 0 < expected.mean() < 1


@pytest.mark.parametrize("ending", sweep(_ENDINGS, ["zarr"]))
def test_probabilities_along_all_axes_are_planes_of_volumes(tmp_path, ending):
    network, (array, _) = _network(), volume()
    image, options = write_stack(tmp_path / "a.tif", array), unetzoo.PredictOptions(probabilities=True, axes="all")
    (done,) = unetzoo.predict_files(network, image, tmp_path / f"result.{ending}", options=options)
    assert done.state == "predicted", done.reason
    expected = unetzoo.predict_volume(network, array, axes="all")
    with open_volume(tmp_path / f"result.{ending}") as raster:
        np.testing.assert_allclose(raster.read(raster.whole), np.moveaxis(expected, 0, -1), atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".unetzoo", "a.tif", f"result.{ending}"]


def test_a_result_has_the_distances_of_its_source_as_imagej_reads_them(tmp_path):
    write_cases(tmp_path / "cases", 2)
    unetzoo.predict_files(_network(), tmp_path / "cases" / "images", tmp_path / "out")
    with tifffile.TiffFile(tmp_path / "out" / "case1.tif") as file:
        assert file.series[0].axes == "ZYX"
        assert (file.imagej_metadata["spacing"], file.imagej_metadata["unit"]) == (4, "um")
        assert file.pages[0].tags["XResolution"].value == (2, 1)
    paths = (tmp_path / "cases" / "images" / "case1.tif", tmp_path / "out" / "case1.tif")
    with open_raster(paths[0]) as source, open_raster(paths[1]) as result:
        assert result.grid.axes == source.grid.axes


def test_a_stopped_prediction_continues_with_the_next_slice(tmp_path):
    network, (array, _) = _network(), volume()
    image, target = write_stack(tmp_path / "a.tif", array), tmp_path / "out.npy"
    predictor, seen = unetzoo.inference.files.predictor.FilePredictor(network, _options(network)), []

    def stop(done, total):
        seen.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predictor.predict(image, target, on_rows=stop)
    assert not target.exists()
    predictor.predict(image, target, on_rows=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == [0, 1, 2, 3, 4, 4, 5, 6]
    np.testing.assert_array_equal(np.load(target), unetzoo.predict_volume(network, array).argmax(0))


def _options(network):
    return unetzoo.PredictOptions().for_network(network.config)


def test_a_result_is_kept_until_other_axes_are_asked_for(tmp_path):
    network, image = _network(), write_stack(tmp_path / "a.tif", volume()[0])
    states = []
    for axes in (None, "z", "z,x", "z,x"):
        options = unetzoo.PredictOptions(axes=axes)
        states += unetzoo.predict_files(network, image, tmp_path / "out.tif", options=options)
    assert [each.state for each in states] == ["predicted", "kept", "predicted", "kept"]
    assert states[2].reason == "axes is z,x, was z"


def test_a_picture_is_one_error_and_a_format_without_volumes_another(tmp_path):
    Image.fromarray(np.eye(40, dtype=np.uint8)).save(tmp_path / "a.png")
    (done,) = unetzoo.predict_files(_network(), tmp_path / "a.png", tmp_path / "out.tif")
    assert "a.png is an image of 40 x 40 pixels and 1 channel, where a volume is expected" in done.reason
    image = write_stack(tmp_path / "a.tif", volume()[0])
    with pytest.raises(unetzoo.DataError, match=r"the format png holds no volumes; choose .tif, .npy"):
        unetzoo.predict_files(_network(), image, tmp_path / "out.png")


def test_an_error_names_a_thin_volume_once(tmp_path):
    image = write_stack(tmp_path / "a.tif", volume()[0][:2])
    (done,) = unetzoo.predict_files(_network(3), image, tmp_path / "out.tif")
    assert done.reason.startswith(f"{image} has 2 slices along z, fewer than the 3")


def test_any_network_predicts_volumes_along_axes_that_are_asked_for(tmp_path):
    network, (array, _) = _network(), volume()
    network.config = replace(network.config, info=unetzoo.ModelInfo(**NORMALIZATION))
    np.save(tmp_path / "a.npy", array)
    unetzoo.save(network, tmp_path / "network")
    arguments = ["predict", str(tmp_path / "network"), str(tmp_path / "a.npy"), str(tmp_path / "out.npy")]
    done = CliRunner().invoke(app, [*arguments, "--axes", "sagittal"])
    assert done.exit_code == 0, done.output
    expected = unetzoo.predict_volume(network, array, axes="x").argmax(0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)


def test_post_processing_is_that_of_each_slice(tmp_path):
    network, (array, _) = _network(), volume()
    network.config = replace(network.config, postprocessing={"min_size": {"1": 12}})
    image = write_stack(tmp_path / "a.tif", array)
    unetzoo.predict_files(network, image, tmp_path / "out.npy")
    ids = unetzoo.predict_volume(network, array).argmax(0)
    for plane in ids:
        unetzoo.inference.components.postprocess(plane, network.config)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), ids)
