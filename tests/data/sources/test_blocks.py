"""Images that are read by blocks of ground, and splits of such blocks."""

import tracemalloc

import numpy as np
import pytest
import tifffile
import torch
import zarr
from PIL import Image

import unetzoo
from unetzoo.data.find import source_of
from unetzoo.data.sources import blocks, cuts
from unetzoo.data.sources.cuts import in_blocks
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.places import _BAND

_SPLITS = ("train", "val", "test")


def _write_tiff(path, pixels, **options):
    options = {"photometric": "minisblack"} | options
    if pixels.shape[2:] > (1,):
        options |= {"planarconfig": "contig"}
    tifffile.imwrite(path, pixels.squeeze(), tile=(64, 64), compression="zlib", **options)


def _write_zarr(path, pixels):
    array = zarr.create_array(path, shape=pixels.shape, chunks=(64, 64, *pixels.shape[2:]), dtype=pixels.dtype)
    array[:] = pixels


@pytest.fixture
def make_scenes(tmp_path):
    """Writes scenes of random values with masks of two classes; gives the folder, and the arrays by name."""

    def make(*sizes, write=_write_tiff, ending=".tif", channels=4):
        random, arrays = np.random.default_rng(0), {}
        for kind in ("images", "masks"):
            (tmp_path / "scenes" / kind).mkdir(parents=True, exist_ok=True)
        for number, size in enumerate(sizes):
            image = random.integers(1, 4000, (*size, channels), dtype=np.uint16)
            mask = (image[..., 0] > 2000).astype(np.uint8)
            name = f"scene{number}{ending}"
            write(tmp_path / "scenes" / "images" / name, image)
            write(tmp_path / "scenes" / "masks" / name, mask)
            arrays[name] = image, mask
        return tmp_path / "scenes", arrays

    return make


@pytest.fixture
def all_large(monkeypatch):
    """Takes images of any size for large ones."""
    monkeypatch.setattr(cuts, "_LARGE_FILE", 0)
    monkeypatch.setattr(cuts, "WHOLE_BYTES", 1)


def _ground(source, file, shape):
    """The number of the split of each pixel of an image, from 1; 0: none."""
    ground = np.zeros(shape, int)
    for block, entry in zip(source.blocks, source.entries, strict=True):
        if block.file == file:
            assert not ground[block.window].any()
            ground[block.window] = 1 + _SPLITS.index(entry.split)
    return ground


@pytest.mark.parametrize("sizes", [[(1000, 1300)], [(300, 700), (520, 256)]])
def test_splits_of_blocks_are_a_strip_apart_and_leave_nothing_else_out(make_scenes, sizes):
    source = in_blocks(source_of(make_scenes(*sizes)[0]), "blocks")
    entries = [entry.split for entry in source.entries]
    assert {split: round(entries.count(split) / len(entries), 1) for split in _SPLITS} == pytest.approx(
        {"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.15
    )
    for file, shape in enumerate(sizes):
        ground = _ground(source, file, shape)
        for rows, columns in (block.window for block in source.blocks if block.file == file):
            split = ground[rows.start, columns.start]
            top, left = max(0, rows.start - 16), max(0, columns.start - 16)
            around = ground[top : rows.stop + 16, left : columns.stop + 16]
            assert split == 1 or {*np.unique(around)} <= {0, split}
        assert (ground > 0).mean() > 0.85


@pytest.mark.parametrize(("write", "ending"), [(_write_tiff, ".tif"), (_write_zarr, ".zarr")])
def test_blocks_are_parts_of_the_whole(make_scenes, write, ending):
    folder, arrays = make_scenes((600, 600), write=write, ending=ending)
    source = in_blocks(source_of(folder), "blocks")
    ((image, mask),) = arrays.values()
    assert len(source.blocks) == 4
    for index, block in enumerate(source.blocks):
        part, raw = source.pair(index)
        np.testing.assert_array_equal(part, image[block.window])
        np.testing.assert_array_equal(np.asarray(raw), mask[block.window])


def test_masks_with_a_palette_or_of_one_bit_are_read_by_windows(make_scenes, monkeypatch):
    folder, arrays = make_scenes((600, 600))
    ((_, mask),) = arrays.values()
    colors = np.zeros((3, 256), np.uint16)
    colors[:, 1] = 65535
    for options in ({"photometric": "palette", "colormap": colors}, {"metadata": None}):
        values = mask if "colormap" in options else mask.astype(bool)
        _write_tiff(folder / "masks" / "scene0.tif", values, **options)
        dataset = unetzoo.open_dataset(folder, "all", split_by="blocks")
        with monkeypatch.context() as patch:
            patch.setattr(tifffile.TiffPageSeries, "asarray", lambda *_, **__: pytest.fail("decoded as a whole"))
            for index, block in enumerate(dataset.source.blocks):
                np.testing.assert_array_equal(dataset[index].mask, mask[block.window])


def test_the_only_image_is_split_by_blocks_where_it_is_large(make_scenes, all_large):
    survey = unetzoo.survey(make_scenes((1100, 1100), channels=1)[0])
    assert (survey.split_by, sorted(survey.splits)) == ("blocks", sorted(_SPLITS))
    assert "images/scene0.tif: the only image is large, and is split by blocks of its ground" in survey.warnings


def test_large_images_beside_others_stay_in_one_split(make_scenes, all_large):
    survey = unetzoo.survey(make_scenes((600, 1100), (500, 1100), channels=1)[0])
    assert survey.split_by == ""
    images = {split: {survey.source.blocks[index].file for index in each} for split, each in survey.splits.items()}
    assert sorted(map(len, images.values())) == [1, 1]
    assert sorted(map(len, survey.splits.values())) == [1, 1]


def test_small_images_are_not_cut(make_scenes):
    survey = unetzoo.survey(make_scenes((300, 560), (300, 560))[0])
    assert survey.sizes == ((300, 560), (300, 560))


def test_statistics_of_blocks_are_those_of_their_pixels(make_scenes):
    folder, arrays = make_scenes((600, 600))
    survey = unetzoo.survey(folder, split_by="blocks")
    ((image, mask),) = arrays.values()
    chosen = [block.window for block, entry in _blocks(survey) if entry.split == "train"]
    values = np.concatenate([image[window].reshape(-1, 4) for window in chosen]).astype(float)
    low, high = survey.statistics.value_range
    np.testing.assert_allclose(survey.statistics.mean, (values.mean(0) - low) / (high - low), rtol=1e-9)
    np.testing.assert_allclose(survey.statistics.std, values.std(0) / (high - low), rtol=1e-9)
    share = np.concatenate([mask[window].ravel() for window in chosen]).mean()
    assert survey.statistics.class_frequencies[1] == pytest.approx(share)


def _blocks(survey):
    return zip(survey.source.blocks, survey.source.entries, strict=True)


def _crops(survey, count=16):
    return CropDataset(
        survey.dataset("train"),
        survey.statistics.info,
        count=count,
        crop=64,
        balance=0.5,
        augmentation=Augmentation("full", crop=64, elastic=0.3),
        seed=3,
    )


def test_crops_are_read_by_windows_and_are_those_of_whole_blocks(make_scenes, monkeypatch):
    survey = unetzoo.survey(make_scenes((600, 600))[0], split_by="blocks")
    crops = _crops(survey)
    expected = [crops[index] for index in range(len(crops))]
    monkeypatch.setattr("unetzoo.training.crops._CACHED_BYTES", 0)
    read = []

    def recorded(raster, window):
        read.append((raster.shape[2], *(part.stop - part.start for part in window)))
        return read_pixels(raster, window)

    read_pixels = blocks.read_pixels
    monkeypatch.setattr(blocks, "read_pixels", recorded)
    crops = _crops(survey)
    for index, other in enumerate(expected):
        crop = crops[index]
        assert torch.equal(crop.image, other.image)
        assert torch.equal(crop.mask, other.mask)
    side = 64 + 2 * crops.augmentation.margin
    images, masks = ([size for channels, *size in read if channels == kind] for kind in (4, 1))
    assert len(images) == len(expected)
    assert max(max(size) for size in images) <= side
    whole = [size for size in masks if max(size) > side and size[0] > _BAND]
    assert len(whole) <= len(survey.splits["train"])  # each mask once, to know where its classes are


def test_a_large_scene_is_surveyed_and_cropped_in_the_memory_of_a_few_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)  # blocks that are read at once
    monkeypatch.setattr("unetzoo.training.crops._CACHED_BYTES", 0)
    side, tile = 6144, 512
    for kind, channels in (("images", 4), ("masks", 1)):
        (tmp_path / kind).mkdir()
        values = np.random.default_rng(0).integers(0, 2, (tile, tile, channels), np.uint8).squeeze()
        shape = (side, side, channels)[: values.ndim]
        tiles = (values for _ in range((side // tile) ** 2))
        options = {"planarconfig": "contig"} if channels > 1 else {}
        path = tmp_path / kind / "scene.tif"
        tifffile.imwrite(
            path, tiles, shape=shape, dtype=np.uint8, tile=(tile, tile), photometric="minisblack", **options
        )
    tracemalloc.start()
    try:
        survey = unetzoo.survey(tmp_path)
        samples = _crops(survey, count=6)
        crops = [samples[index].name for index in range(6)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert survey.split_by == "blocks"
    assert len(crops) == 6
    assert peak < 0.5 * side * side * 4


def test_scenes_that_are_too_small_are_refused(make_scenes):
    folder, _ = make_scenes((300, 200))
    with pytest.raises(unetzoo.DataError, match=r"scene0.tif has 300 x 200 pixels, too few to be split by blocks"):
        unetzoo.survey(folder, split_by="blocks")


def test_a_mask_of_another_size_is_refused(make_scenes):
    folder, _ = make_scenes((560, 560))
    _write_tiff(folder / "masks" / "scene0.tif", np.zeros((20, 20), np.uint8))
    with pytest.raises(unetzoo.DataError, match=r"scene0.tif: the image has 560 x 560 pixels, its mask 20 x 20"):
        unetzoo.survey(folder, split_by="blocks")


def test_masks_in_folders_of_their_classes_are_not_cut(make_scenes):
    folder, arrays = make_scenes((560, 560), (570, 560))
    for name, (_, mask) in arrays.items():
        (folder / "masks" / name).unlink()
        for kind in ("field", "wood"):
            (folder / "masks" / kind).mkdir(exist_ok=True)
            _write_tiff(folder / "masks" / kind / name, mask)
    with pytest.raises(unetzoo.DataError, match=r"scene0\.tif cannot be cut into blocks, since it has several masks"):
        unetzoo.survey(folder, split_by="blocks")


def test_stated_splits_and_data_of_python_are_not_split_by_blocks(make_scenes, tmp_path):
    folder, _ = make_scenes((560, 560))
    (tmp_path / "stated").mkdir()
    folder.rename(tmp_path / "stated" / "train")
    with pytest.raises(unetzoo.OptionError, match="the data has splits already"):
        unetzoo.survey(tmp_path / "stated", split_by="blocks")
    with pytest.raises(unetzoo.OptionError, match="split_by='blocks' cuts images in files"):
        unetzoo.survey("nuclei", split_by="blocks")
    with pytest.raises(unetzoo.OptionError, match="split_by must be one of auto, images, blocks; got 'ground'"):
        unetzoo.survey("nuclei", split_by="ground")


def test_a_large_image_whose_mask_is_not_stored_in_blocks_is_read_as_a_whole_and_said(make_scenes, all_large):
    folder, arrays = make_scenes((600, 600))
    (folder / "masks" / "scene0.tif").unlink()
    ((_, mask),) = arrays.values()
    Image.fromarray(mask).save(folder / "masks" / "scene0.png")
    survey = unetzoo.survey(folder)
    assert survey.sizes == ((600, 600),)
    assert any("scene0.png is not stored in blocks: save it as a tiled TIFF" in text for text in survey.warnings)


def test_converting_a_large_scene_copies_it_as_one_image(make_scenes, all_large, tmp_path):
    folder, _ = make_scenes((600, 600))
    unetzoo.convert_dataset(folder, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out" / "images").iterdir()] == ["scene0.tif"]


def test_a_network_is_evaluated_on_the_blocks_that_its_training_held_out(make_scenes, tmp_path):
    folder, _ = make_scenes((600, 600), channels=1)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=2)
    options = unetzoo.FitOptions(steps=2, epochs=1, batch=1, crop=32, augment="none")
    fitted = unetzoo.fit(model, folder, tmp_path / "run", options=options, split_by="blocks")
    assert unetzoo.Recipe.load(tmp_path / "run").data.split_by == "blocks"
    best = unetzoo.load(fitted.folder / "best")
    assert best.config.info.split_by == "blocks"
    own = unetzoo.open_dataset(folder, trained=best.config.info)
    survey = unetzoo.survey(folder, split_by="blocks")
    assert own.split == "test"
    assert own.indices == tuple(survey.splits["test"])
    assert len(unetzoo.evaluate(best, folder).cases) == len(survey.splits["test"])
    other, _ = make_scenes((300, 300), (310, 310), channels=1)
    new = unetzoo.open_dataset(other, trained=best.config.info)
    assert (new.split, [new[index].mask.shape for index in range(len(new))]) == ("all", [(300, 300), (310, 310)])
