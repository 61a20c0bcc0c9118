"""Crops of volumes, and their augmentation."""

import numpy as np
import pytest
import torch
from blobs import crops_of
from stacks import volume

import unetzoo
from unetzoo import Dataset, Sample
from unetzoo.training.augment import Augmentation


class Numbered(Dataset):
    """A volume whose values tell where they are; a single voxel is of the second class."""

    shape = (5, 9, 11)

    def __init__(self, *, overlapping=False):
        super().__init__(("rest", "voxel"), labels="overlapping" if overlapping else "exclusive")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        mask = np.zeros(self.shape, np.uint8)
        mask[3, 7, 2] = 1
        planes = np.stack([1 - mask, mask]) if self.labels == "overlapping" else mask
        return Sample(np.arange(mask.size, dtype=np.float32).reshape(*self.shape, 1), planes, "numbers")


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_crop_is_a_block_of_the_volume_and_what_lies_beyond_is_unknown(overlapping):
    starts = set()
    for crop in (crops_of(Numbered(overlapping=overlapping), (4, 6, 16))[number] for number in range(60)):
        assert crop.image.shape == (1, 4, 6, 16)
        mask = crop.mask[1] if overlapping else crop.mask
        inside = mask != 255
        assert inside.sum() == 4 * 6 * 11  # the volume is 11 wide
        numbers = crop.image[0][inside].long().reshape(4, 6, 11)
        first = int(numbers[0, 0, 0])
        z, y = divmod(first // 11, 9)
        expected = torch.arange(5 * 9 * 11).reshape(5, 9, 11)[z : z + 4, y : y + 6]
        assert torch.equal(numbers, expected)
        assert torch.equal(mask[inside].reshape(4, 6, 11) == 1, expected == (3 * 9 + 7) * 11 + 2)
        starts.add((z, y))
    assert starts == {(z, y) for z in range(2) for y in range(4)}


@pytest.mark.parametrize("overlapping", [False, True])
def test_balanced_crops_show_each_class_equally_often_around_one_of_its_voxels(overlapping):
    crops = crops_of(Numbered(overlapping=overlapping), (3, 3, 3), balance=1.0)
    masks = [crops[number].mask for number in range(100)]
    middle = [int((mask[1] if overlapping else mask)[1, 1, 1]) for mask in masks]
    assert 35 <= sum(middle) <= 65


def test_image_and_mask_of_a_volume_move_alike():
    mask = torch.zeros(20, 25, 25, dtype=torch.long)
    mask[4:14, 5:15, 7:20] = 1
    augmentation = Augmentation("full", crop=(16, 20, 20), elastic=1.0)
    assert augmentation.margin == (2, 2, 2)
    for seed in range(12):
        torch.manual_seed(seed)
        image, moved = augmentation(mask[None].float(), mask)
        assert image.shape == (1, 16, 20, 20)
        bright = image[0] > (image.amin() + image.amax()) / 2
        known = moved != 255
        assert (bright == (moved == 1))[known].float().mean() > 0.9


def test_flips_of_volumes_are_the_symmetries_that_keep_the_depth():
    volume_ = torch.arange(2 * 3 * 3).reshape(1, 2, 3, 3)
    expected = {
        tuple(volume_.flip(depth).rot90(turns, (-2, -1)).flip(mirror).flatten().tolist())
        for depth in ((), (-3,))
        for mirror in ((), (-1,))
        for turns in range(4)
    }
    changed = set()
    for seed in range(200):
        torch.manual_seed(seed)
        image, mask = Augmentation("flips", crop=(2, 3, 3), elastic=0)(volume_, volume_[0])
        assert torch.equal(image[0], mask)
        changed.add(tuple(image.flatten().tolist()))
    assert len(expected) == 16
    assert changed == expected


def test_rows_and_columns_of_different_lengths_are_not_exchanged():
    volume_ = torch.arange(2 * 3 * 3).reshape(1, 2, 3, 3)
    changed = set()
    for seed in range(100):
        torch.manual_seed(seed)
        image, _ = Augmentation("flips", crop=(2, 3, 3), elastic=0, steps=(1, 1, 2))(volume_, volume_[0])
        changed.add(tuple(image.flatten().tolist()))
    assert len(changed) == 8


@pytest.mark.parametrize(("steps", "stays"), [((1, 1, 1), False), ((5, 1, 1), True)])
def test_thick_slices_are_rotated_within_themselves_and_others_about_all_axes(steps, stays, monkeypatch):
    monkeypatch.setattr("unetzoo.training.augment._ROTATED", 1.0)
    monkeypatch.setattr("unetzoo.training.warp._SCALE", (1.0, 1.0))
    depths = torch.arange(20.0)[:, None, None].expand(1, 20, 20, 20)
    augmentation = Augmentation("full", crop=(16, 16, 16), elastic=0.0, steps=steps)
    torch.manual_seed(0)
    image, _ = augmentation._moved(depths, torch.zeros(20, 20, 20, dtype=torch.long))
    inner = image[0, 4:12, 4:12, 4:12]
    assert (float(inner.std((1, 2)).max()) < 1e-4) == stays


def test_a_rotation_is_one_of_lengths_not_of_voxels():
    from unetzoo.training.warp import rotation

    torch.manual_seed(0)
    sides, steps = (20, 30, 40), (2.0, 1.0, 0.9)
    lengths = torch.diag(torch.tensor([40 * 0.9, 30 * 1.0, 20 * 2.0]))  # x, y, z
    for _ in range(20):
        matrix = lengths @ rotation(sides, steps) @ lengths.inverse()
        scale = torch.linalg.det(matrix) ** (1 / 3)
        assert 1 / 1.25 - 1e-4 <= 1 / scale.item() <= 1 / 0.8 + 1e-4
        torch.testing.assert_close(matrix @ matrix.T / scale**2, torch.eye(3), atol=1e-4, rtol=0)
        assert (matrix - torch.diag(matrix.diagonal())).abs().amax(0).min() > 1e-3  # about each axis


@pytest.mark.parametrize("overlapping", [False, True])
def test_crops_of_volumes_that_are_larger_than_the_memory_are_read_by_windows(overlapping, tmp_path, monkeypatch):
    for number in range(2):
        values, mask = volume(number, (6, 20, 18))
        planes = np.stack([mask, mask | (values > 120)], -1) if overlapping else mask
        for name, array in (("images", values), ("masks", planes.astype(np.uint8))):
            (tmp_path / "cases" / name).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "cases" / name / f"{number}.npy", array)
    survey = unetzoo.survey(tmp_path / "cases", spatial_dims=3, masks="overlapping" if overlapping else "auto")
    kept = crops_of(survey.dataset("all"), (4, 8, 8), balance=0.5, kind="full")
    expected = [kept[number] for number in range(12)]
    monkeypatch.setattr("unetzoo.training.crops._CACHED_BYTES", 0)
    monkeypatch.setattr("unetzoo.data.sources.cases.CaseSource.image", None)  # which would read the whole volume
    by_windows = crops_of(survey.dataset("all"), (4, 8, 8), balance=0.5, kind="full")
    for number, crop in enumerate(expected):
        assert torch.equal(by_windows[number].image, crop.image)
        assert torch.equal(by_windows[number].mask, crop.mask)


def test_volumes_with_an_up_are_mirrored_from_left_to_right_alone():
    augmentation = Augmentation("upright", crop=(4, 8, 8), elastic=0.0, share=0.0)
    depth, rows, columns = augmentation.margin
    image = torch.rand(1, 4 + 2 * depth, 8 + 2 * rows, 8 + 2 * columns)
    center = image[:, depth : depth + 4, rows : rows + 8, columns : columns + 8]
    both, seen = [center, center[..., list(range(7, -1, -1))]], set()
    for seed in range(20):
        torch.manual_seed(seed)
        changed, _ = augmentation(image, torch.zeros(image.shape[1:], dtype=torch.long))
        seen |= {index for index, each in enumerate(both) if torch.equal(changed, each)} or {"another"}
    assert seen == {0, 1}
