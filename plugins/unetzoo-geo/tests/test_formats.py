import multiprocessing
import threading

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from grounds import PLACES, noise, write_jp2, write_tif
from unetzoo_geo.grids import place_of

import unetzoo
from unetzoo.data.formats.read import open_raster, read_image
from unetzoo.testing import check_format

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning"),  # rasterio's own
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]


def _vrt(path, source, extra="", dtype="UInt16", bands=3):
    with rasterio.open(source) as file:
        size, place = file.shape, file.transform
        crs = file.crs.to_wkt() if file.crs else ""
    lines = "".join(
        f'<VRTRasterBand dataType="{dtype}" band="{band}"><SimpleSource><SourceFilename relativeToVRT="1">{source.name}'
        f"</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in range(1, bands + 1)
    )
    transform = ", ".join(map(repr, place.to_gdal()))
    head = f'<VRTDataset rasterXSize="{size[1]}" rasterYSize="{size[0]}">'
    path.write_text(f"{head}<SRS>{crs}</SRS><GeoTransform>{transform}</GeoTransform>{lines}{extra}</VRTDataset>")
    return path


def _image(folder, ending, pixels, place="UTM", **options):
    path = folder / f"image{ending}"
    if ending == ".jp2":
        return write_jp2(path, pixels, place)
    if ending == ".vrt":
        return _vrt(path, write_tif(folder / "source.tif", pixels, place, **options))
    return write_tif(path, pixels, place, tiled=True, blockxsize=16, blockysize=32, **options)


@pytest.mark.parametrize("name", ["jpeg2000", "vrt", "cog"])
def test_the_formats_keep_the_contract(name):
    check_format(name)


@pytest.fixture(params=[".jp2", ".vrt", ".cog.tif"])
def ending(request):
    return request.param


def test_pixels_are_those_of_gdal(ending, tmp_path):
    pixels = noise()
    np.testing.assert_array_equal(read_image(_image(tmp_path, ending, pixels)), np.moveaxis(pixels, 0, 2))


def test_windows_are_parts_of_the_whole(ending, tmp_path):
    pixels = np.moveaxis(noise(), 0, 2)
    with open_raster(_image(tmp_path, ending, noise())) as raster:
        for rows, columns in [((0, 50), (0, 70)), ((13, 37), (5, 6)), ((49, 50), (69, 70)), ((16, 32), (32, 64))]:
            window = slice(*rows), slice(*columns)
            np.testing.assert_array_equal(raster.read(window), pixels[window])


@pytest.mark.parametrize("place", PLACES)
def test_the_grid_is_that_of_gdal(ending, place, tmp_path):
    crs, transform = PLACES[place]
    with open_raster(_image(tmp_path, ending, noise(), place)) as raster:
        grid = raster.grid
    assert grid.crs == crs
    middle = np.array(grid.affine) @ [7, 3, 1]
    np.testing.assert_allclose(middle, transform * (3.5, 7.5), rtol=1e-12)
    again = place_of(grid)
    assert again["crs"].to_epsg() == int(crs.split(":")[1])
    assert again["transform"].almost_equals(transform, 1e-9)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("result", [".tif", ".cog.tif"])
def test_results_lie_where_their_image_lies(ending, place, result, tmp_path):
    image = _image(tmp_path, ending, noise(), place)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=3).eval()
    target = tmp_path / f"mask{result}"
    (done,) = unetzoo.predict_files(model, image, target)
    assert done.state == "predicted", done
    assert done.warnings == ()
    with rasterio.open(image) as source, rasterio.open(target) as mask:
        assert mask.crs == source.crs
        assert mask.transform.almost_equals(source.transform, 1e-9)
        assert (mask.shape, mask.nodata) == (source.shape, 255)


def test_blocks_are_those_of_the_file(tmp_path):
    with open_raster(_image(tmp_path, ".jp2", noise())) as raster:
        assert raster.block == (32, 64)
    with open_raster(_image(tmp_path, ".cog.tif", noise())) as raster:
        assert raster.block == (32, 16)


def test_overviews_are_levels_with_grids_of_their_own(tmp_path):
    path = _image(tmp_path, ".cog.tif", noise(height=64, width=128))
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
    with open_raster(path) as raster:
        assert [level.shape for level in raster.levels] == [(32, 64, 3), (16, 32, 3)]
        assert [level.grid.axes[0].step for level in raster.levels] == [40, 80]
        corner = np.array(raster.levels[0].grid.affine) @ [0, 0, 1]
        np.testing.assert_allclose(corner, PLACES["UTM"][1] * (1, 1))
        with rasterio.open(path, overview_level=1) as coarse:
            expected = np.moveaxis(coarse.read(), 0, 2)
        np.testing.assert_array_equal(raster.levels[1].read(raster.levels[1].whole), expected)


def test_names_of_bands_and_the_value_for_no_data_are_in_the_grid(tmp_path):
    path = write_tif(tmp_path / "a.cog.tif", noise(2), names=("B4", "B8"), nodata=7)
    with open_raster(path) as raster:
        assert (raster.grid.bands, raster.grid.nodata) == (("B4", "B8"), (7.0,))
    np.testing.assert_array_equal(np.ma.getmaskarray(read_image(path)), np.moveaxis(noise(2) == 7, 0, 2))


def test_pixels_of_opacity_0_hold_no_data_and_opacity_is_no_channel(tmp_path):
    pixels = noise(4, dtype="uint8")
    pixels[3] = 255 * (pixels[3] > 60)
    pixels = read_image(write_tif(tmp_path / "a.cog.tif", pixels, photometric="RGB", alpha="yes"))
    assert pixels.shape == (50, 70, 3)
    np.testing.assert_array_equal(np.ma.getmaskarray(pixels)[..., 0], noise(4)[3] <= 60)


def test_threads_have_handles_of_their_own(ending, tmp_path):
    expected, wrong = np.moveaxis(noise(), 0, 2), []

    def work(raster):
        for top in range(0, 48, 3):
            window = slice(top, top + 2), slice(0, 70)
            if not np.array_equal(raster.read(window), expected[window]):
                wrong.append(top)

    with open_raster(_image(tmp_path, ending, noise())) as raster:
        threads = [threading.Thread(target=work, args=(raster,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_raster_is_read_after_a_fork(tmp_path):
    context = multiprocessing.get_context("fork")
    with open_raster(_image(tmp_path, ".cog.tif", noise())) as raster:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=lambda: sending.send(raster.read(raster.whole)))
        process.start()
        assert receiving.poll(30)
        np.testing.assert_array_equal(receiving.recv(), raster.read(raster.whole))
        process.join()


def test_a_cog_is_tiled_with_overviews_and_the_headers_in_front(tmp_path):
    image = write_tif(tmp_path / "image.tif", noise(1, 700, 1100, "uint8"))
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=2).eval()
    (done,) = unetzoo.predict_files(model, image, tmp_path / "mask.cog.tif")
    unetzoo.predict_files(model, image, tmp_path / "mask.tif")
    assert done.state == "predicted", done
    with rasterio.open(tmp_path / "mask.cog.tif") as cog, tifffile.TiffFile(tmp_path / "mask.cog.tif") as file:
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert cog.overviews(1) == [2, 4]
        assert cog.colorinterp[0].name == "palette"
        pages = file.pages
        assert [page.is_tiled for page in pages] == [True] * 3
        assert max(page.offset for page in pages) < min(offset for page in pages for offset in page.dataoffsets)
        np.testing.assert_array_equal(pages[0].asarray(), tifffile.imread(tmp_path / "mask.tif"))
    assert {path.name for path in tmp_path.glob("*.*") if "mask" in path.name and path.is_file()} == {
        "mask.cog.tif",
        "mask.tif",
    }


def test_probabilities_are_written_as_a_cog(tmp_path):
    image = write_tif(tmp_path / "image.tif", noise(1, 40, 60, "uint8"))
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=3).eval()
    for name in ("a.cog.tif", "a.npy"):
        options = unetzoo.PredictOptions(probabilities=True)
        (done,) = unetzoo.predict_files(model, image, tmp_path / name, options=options)
        assert done.state == "predicted", done
    with rasterio.open(tmp_path / "a.cog.tif") as cog:
        np.testing.assert_array_equal(cog.read(), np.load(tmp_path / "a.npy"))
        assert np.isnan(cog.nodata)


def test_files_that_end_with_tif_stay_with_the_format_of_unetzoo(tmp_path):
    with open_raster(write_tif(tmp_path / "a.tif", noise())) as raster:
        assert {key.name for key in raster.grid.keys} >= {33550, 33922, 34735}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<VRTDataset", "it is no XML"),
        ("<svg/>", "its content is not a VRT, but <svg>"),
        ("<VRTDataset><SourceFilename>/vsicurl/http://127.0.0.1/a.tif</SourceFilename></VRTDataset>", "not a file"),
        ("<VRTDataset><SourceFilename relativeToVRT='1'>a.xml</SourceFilename></VRTDataset>", "not a TIFF, JPEG 2000"),
        ("<VRTDataset><PixelFunctionCode>import os</PixelFunctionCode></VRTDataset>", "a program, which is not run"),
        ("<VRTDataset rasterXSize='900000' rasterYSize='900000'><VRTRasterBand/></VRTDataset>", "announces"),
    ],
)
def test_a_vrt_that_is_damaged_or_reaches_further_is_refused(text, problem, tmp_path):
    (tmp_path / "a.xml").write_text("<GDAL_WMS/>")
    (tmp_path / "a.vrt").write_text(text)
    with pytest.raises(unetzoo.DataError, match=problem) as caught:
        read_image(tmp_path / "a.vrt")
    assert "a.vrt" in str(caught.value)


@pytest.mark.parametrize("kept", [20, 100, 400])
def test_a_torn_file_is_an_error_with_its_name(kept, tmp_path):
    path = write_jp2(tmp_path / "a.jp2", noise())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(unetzoo.DataError, match=r"a\.jp2 cannot be read"):
        read_image(path)


def test_bands_of_different_types_are_refused(tmp_path):
    source = write_tif(tmp_path / "a.tif", noise(1))
    band = "<VRTRasterBand dataType='Float32' band='2'/>"
    with pytest.raises(unetzoo.DataError, match="bands of the types float32, uint16"):
        read_image(_vrt(tmp_path / "a.vrt", source, band, bands=1))
