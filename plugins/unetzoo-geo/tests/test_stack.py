import numpy as np
import pytest
import rasterio
from grounds import PLACES, noise, write_jp2, write_tif
from rasterio.enums import Resampling
from rasterio.transform import Affine
from typer.testing import CliRunner
from unetzoo_geo.stack import write_stack

import unetzoo
from unetzoo.cli import app
from unetzoo.data.formats.read import open_raster, read_image

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning"),  # rasterio's own
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]


def _scene(folder, place="UTM"):
    """Two bands of 60 x 80 pixels, and one of 30 x 40 on the same ground."""
    fine = noise(2, 60, 80)
    coarse = noise(1, 30, 40) * 100
    files = {"B2": write_jp2(folder / "B2.jp2", fine[:1], place), "B3": write_tif(folder / "B3.tif", fine[1:], place)}
    files["B5"] = write_tif(folder / "B5.tif", coarse, place)
    with rasterio.open(files["B5"], "r+") as file:
        file.transform = PLACES[place][1] @ Affine.scale(2)
    return files, fine, coarse[0]


@pytest.mark.parametrize("place", PLACES)
def test_bands_of_several_files_are_one_image_with_names(place, tmp_path):
    files, fine, coarse = _scene(tmp_path, place)
    assert write_stack(tmp_path / "a.vrt", files, resampling="nearest") == ("B5",)
    pixels = read_image(tmp_path / "a.vrt")
    np.testing.assert_array_equal(pixels[..., :2], np.moveaxis(fine, 0, 2))
    np.testing.assert_array_equal(pixels[..., 2], coarse.repeat(2, 0).repeat(2, 1))
    with open_raster(tmp_path / "a.vrt") as raster:
        assert raster.grid.bands == ("B2", "B3", "B5")
        assert raster.grid.crs == PLACES[place][0]


@pytest.mark.parametrize("rule", ["bilinear", "cubic"])
def test_bands_are_resampled_by_the_rule(rule, tmp_path):
    files, _, _ = _scene(tmp_path)
    write_stack(tmp_path / "a.vrt", files, resampling=rule)
    with rasterio.open(files["B5"]) as file:
        expected = file.read(1, out_shape=(60, 80), resampling=Resampling[rule])
    np.testing.assert_array_equal(read_image(tmp_path / "a.vrt")[..., 2], expected)


def test_the_grid_of_a_named_band_gathers_finer_ones_by_their_mean(tmp_path):
    files, fine, coarse = _scene(tmp_path)
    assert write_stack(tmp_path / "a.vrt", files, like="B5", resampling="average") == ("B2", "B3")
    pixels = read_image(tmp_path / "a.vrt")
    means = fine.reshape(2, 30, 2, 40, 2).mean((2, 4))
    np.testing.assert_allclose(np.moveaxis(pixels[..., :2], 2, 0).astype(float), means, atol=0.51)
    np.testing.assert_array_equal(pixels[..., 2], coarse)


def test_windows_of_a_resampled_band_are_parts_of_the_whole(tmp_path):
    files, _, _ = _scene(tmp_path)
    write_stack(tmp_path / "a.vrt", files)
    with open_raster(tmp_path / "a.vrt") as raster:
        whole = raster.read(raster.whole)
        for rows, columns in [((0, 60), (0, 80)), ((13, 37), (5, 6)), ((31, 60), (64, 80)), ((7, 8), (0, 80))]:
            window = slice(*rows), slice(*columns)
            np.testing.assert_array_equal(raster.read(window), whole[window])


def test_pixels_that_a_band_lacks_hold_no_data(tmp_path):
    files = {"B2": write_tif(tmp_path / "B2.tif", noise(1) + 1)}
    files["B3"] = write_tif(tmp_path / "B3.tif", noise(1, 20, 30) + 1, nodata=0)
    write_stack(tmp_path / "a.vrt", files, like="B2")
    pixels = read_image(tmp_path / "a.vrt")
    lacks = np.ones((50, 70), bool)
    lacks[:20, :30] = False
    np.testing.assert_array_equal(np.ma.getmaskarray(pixels)[..., 1], lacks)
    assert not np.ma.getmaskarray(pixels)[..., 0].any()


def test_a_stack_comes_from_the_command_line_and_can_be_moved_with_its_files(tmp_path):
    (tmp_path / "one").mkdir()
    files, fine, _ = _scene(tmp_path / "one")
    arguments = [f"{name}={path}" for name, path in files.items()]
    done = CliRunner().invoke(app, ["stack", str(tmp_path / "one" / "a.vrt"), *arguments])
    assert done.exit_code == 0, done.output
    assert "3 bands, B2, B3, B5; resampled (bilinear): B5" in " ".join(done.output.split())
    (tmp_path / "one").rename(tmp_path / "two")
    np.testing.assert_array_equal(read_image(tmp_path / "two" / "a.vrt")[..., :2], np.moveaxis(fine, 0, 2))


def _other(folder, place, size=(50, 70), bands=1, shift=(0, 0)):
    path = write_tif(folder / "other.tif", noise(bands, *size), place)
    if place:
        with rasterio.open(path, "r+") as file:
            file.transform = file.transform @ Affine.translation(*shift)
    return path


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda folder: _other(folder, "rotated"), "has the coordinate system EPSG:3035, the grid EPSG:32633"),
        (lambda folder: _other(folder, None), "has the coordinate system none, the grid EPSG:32633"),
        (lambda folder: _other(folder, "UTM", (20, 20)), "lacks up to 50 pixels of the grid"),
        (lambda folder: _other(folder, "UTM", bands=2), "has 2 bands; a stack is of files of one band"),
        (lambda folder: folder / "none.tif", "there is no file"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(make, problem, tmp_path):
    first, other = write_tif(tmp_path / "B2.tif", noise(1)), make(tmp_path)
    done = CliRunner().invoke(app, ["stack", str(tmp_path / "a.vrt"), f"B2={first}", f"B3={other}", "--like", "B2"])
    assert done.exit_code == 2, done.output
    assert problem in " ".join(done.output.split())
    assert not (tmp_path / "a.vrt").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["B2.tif"], "each band must be a name and a file, such as B2=T33_B02.jp2"),
        (["B2=a.tif", "B2=b.tif"], "two bands have the name B2"),
        (["B2=a.tif", "--like", "B9"], "like must be the name of a band, one of B2; got 'B9'"),
        (["B2=a.tif", "--resampling", "best"], "resampling must be one of nearest, bilinear, cubic, average"),
    ],
)
def test_wrong_options_are_one_line(arguments, problem, tmp_path):
    done = CliRunner().invoke(app, ["stack", str(tmp_path / "a.vrt"), *arguments])
    assert done.exit_code == 2, done.output
    assert problem in " ".join(done.output.split())


@pytest.mark.parametrize("like", ["B2", "B3"])
def test_a_band_without_a_transform_is_named(like, tmp_path):
    files = {name: write_tif(tmp_path / f"{name}.tif", noise(1), "UTM") for name in ("B2", "B3")}
    with rasterio.open(files["B3"], "w", driver="GTiff", width=70, height=50, count=1, dtype="uint8", crs="EPSG:32633"):
        pass
    with pytest.raises(unetzoo.DataError, match=r"B3\.tif has no transform, and other bands have one"):
        write_stack(tmp_path / "a.vrt", files, like=like)


def test_a_mosaic_of_scenes_side_by_side_is_read_across_their_seam(tmp_path):
    """Of a VRT as gdalbuildvrt writes it."""
    whole, sources = noise(1, 50, 140)[0], ""
    for number in range(2):
        write_tif(tmp_path / f"{number}.tif", whole[None, :, 70 * number : 70 * number + 70])
        sources += (
            f'<SimpleSource><SourceFilename relativeToVRT="1">{number}.tif</SourceFilename><SourceBand>1</SourceBand>'
            f'<SrcRect xOff="0" yOff="0" xSize="70" ySize="50"/>'
            f'<DstRect xOff="{70 * number}" yOff="0" xSize="70" ySize="50"/></SimpleSource>'
        )
    place = ", ".join(map(str, PLACES["UTM"][1].to_gdal()))
    (tmp_path / "mosaic.vrt").write_text(
        f'<VRTDataset rasterXSize="140" rasterYSize="50"><SRS>EPSG:32633</SRS><GeoTransform>{place}</GeoTransform>'
        f'<VRTRasterBand dataType="UInt16" band="1">{sources}</VRTRasterBand></VRTDataset>'
    )
    with open_raster(tmp_path / "mosaic.vrt") as raster:
        np.testing.assert_array_equal(raster.read((slice(5, 40), slice(50, 95)))[..., 0], whole[5:40, 50:95])
        assert (raster.shape, raster.grid.crs) == ((50, 140, 1), "EPSG:32633")
