import pickle

import pytest
import torch
from torch.nn.functional import interpolate

from unetzoo.inference.turns import Turn, turned
from unetzoo.training.augment import Augmentation, _symmetry
from unetzoo.training.warp import elastic_displacement, rotation


def _scene(side):
    """An image whose values are those of its mask: a disc and a bar."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    mask = ((rows - side // 3) ** 2 + (columns - side // 2) ** 2 < (side // 5) ** 2).long()
    mask[side * 2 // 3 : side * 3 // 4, side // 4 :] = 1
    return mask[None].float(), mask


@pytest.mark.parametrize("seed", range(8))
def test_image_and_mask_move_alike(seed):
    augmentation = Augmentation("full", crop=96, elastic=1.0)
    torch.manual_seed(seed)
    image, mask = augmentation(*_scene(96 + 2 * augmentation.margin))
    inside = mask != 255
    bright = image[0] > image[0][inside].mean()
    assert (bright == (mask == 1))[inside].float().mean() > 0.97  # all but the smoothed outlines


def test_flips_only_move_pixels():
    image = torch.rand(2, 16, 16)
    mask = (100 * image[0]).long()
    seen = set()
    for seed in range(64):
        torch.manual_seed(seed)
        changed, changed_mask = Augmentation("flips", crop=16, elastic=1.0)(image, mask)
        assert torch.equal((100 * changed[0]).long(), changed_mask)
        seen.add(changed.numpy().tobytes())
    assert len(seen) == 8  # the symmetries of a square


def test_no_augmentation_changes_nothing():
    image, mask = _scene(32)
    changed, changed_mask = Augmentation("none", crop=32, elastic=1.0)(image, mask)
    assert torch.equal(changed, image)
    assert torch.equal(changed_mask, mask)


def test_all_crops_are_mirrored_and_a_share_of_them_is_changed_further():
    augmentation = Augmentation("full", crop=32, elastic=0.3, share=0.3)
    margin = augmentation.margin
    image = torch.rand(1, 32 + 2 * margin, 32 + 2 * margin)
    mask = torch.zeros(image.shape[1:], dtype=torch.long)
    center = image[:, margin:-margin, margin:-margin]
    mirrored = [center.flip(axes) for axes in ([], [-1], [-2], [-2, -1])]
    counts = [0, 0, 0, 0]
    for seed in range(400):
        torch.manual_seed(seed)
        changed = augmentation(image, mask)[0]
        counts = [count + torch.equal(changed, each) for count, each in zip(counts, mirrored, strict=True)]
    assert 0.7 * 400 - 4 * 9.2 < sum(counts) < 0.7 * 400 + 4 * 9.2  # four standard deviations of a binomial count
    assert min(counts) > 0.7 * 100 - 4 * 7.6


def test_what_has_an_up_is_mirrored_from_left_to_right_alone():
    augmentation = Augmentation("upright", crop=32, elastic=0.0, share=0.0)
    margin = augmentation.margin
    image = torch.rand(1, 32 + 2 * margin, 32 + 2 * margin)
    mask = (100 * image[0]).long()
    center, counts = image[0, margin : margin + 32, margin : margin + 32], [0, 0]
    columns = list(range(31, -1, -1))
    for seed in range(200):
        torch.manual_seed(seed)
        changed, changed_mask = augmentation(image, mask)
        assert torch.equal((100 * changed[0]).long(), changed_mask)
        both = center, center[:, columns]
        counts = [count + torch.equal(changed[0], each) for count, each in zip(counts, both, strict=True)]
    assert sum(counts) == 200
    assert min(counts) > 100 - 4 * 7.1  # four standard deviations


def test_what_has_an_up_is_rotated_but_never_lies_or_stands_on_its_head():
    """The upper half is bright: in each changed crop, too, and most of its columns are bright above."""
    augmentation = Augmentation("upright", crop=48, elastic=0.3, share=1.0)
    side = 48 + 2 * augmentation.margin
    mask = (torch.arange(side)[:, None] < side // 2).expand(side, side).long()
    rotated = 0
    for seed in range(60):
        torch.manual_seed(seed)
        changed = augmentation(mask[None].float(), mask)[1]
        known = changed != 255
        above, below = (changed[rows][known[rows]].float().mean() for rows in (slice(0, 12), slice(36, 48)))
        assert above > 0.6 > 0.4 > below
        rotated += bool((changed[:, :12].float().mean() - changed[:, -12:].float().mean()).abs() > 0.02)
    assert rotated > 10


@pytest.mark.parametrize(("shown", "share"), [(0, 0), (25, 0), (79.06, 0.15), (250, 0.3), (1e6, 0.3)])
def test_crops_begin_to_change_once_their_pixels_have_been_shown_some_times(shown, share):
    augmentation = Augmentation("full", crop=32, elastic=0.3, share=0.3)
    assert augmentation.share_after(shown) == pytest.approx(share, abs=1e-4)
    image, mask = _scene(32 + 2 * augmentation.margin)
    torch.manual_seed(1)
    changed = [augmentation(image, mask, shown)[0].unique().numel() > 2 for _ in range(200)]
    assert abs(sum(changed) - share * 200) <= 4 * (200 * share * (1 - share)) ** 0.5


def test_many_channels_change_alike():
    augmentation = Augmentation("full", crop=64, elastic=1.0)
    image, mask = _scene(64 + 2 * augmentation.margin)
    torch.manual_seed(3)
    changed, _ = augmentation(image.repeat(5, 1, 1) * 0.5, mask)
    assert changed.shape == (5, 64, 64)
    spread = (changed - changed[:1]).abs().max()
    assert spread < 0.2  # noise and the fill beyond the border alone differ


def test_elastic_vectors_have_the_standard_deviation_of_the_first_paper():
    torch.manual_seed(0)
    side = 64
    vectors = torch.stack([elastic_displacement(side, side, std=10) for _ in range(400)]) * side / 2  # in pixels
    corners = vectors[..., [0, 0, -1, -1], [0, -1, 0, -1]]  # of the 3 x 3 grid, where interpolation is exact
    assert corners.std().item() == pytest.approx(10, rel=0.05)
    assert corners.mean().abs().item() < 0.5


def test_elastic_displacement_is_smooth():
    torch.manual_seed(0)
    field = elastic_displacement(128, 128, std=10) * 64
    steps = (field[:, 1:] - field[:, :-1]).abs().max()
    assert steps < 1  # pixel by pixel: nothing folds over


def test_elastic_displacement_is_interpolated_bicubically_between_three_by_three_vectors():
    torch.manual_seed(0)
    field = elastic_displacement(48, 32, std=10)
    torch.manual_seed(0)
    vectors = torch.randn(1, 2, 3, 3) * 10 / 24
    whole = interpolate(vectors, size=(48, 48), mode="bicubic", align_corners=True)[0]
    torch.testing.assert_close(field, whole[:, 8:40, 8:40], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(16))
def test_a_turned_crop_is_the_one_that_was_turned_before_it_was_sampled(seed, monkeypatch):
    image, mask = torch.rand(2, 40, 40), torch.randint(5, (40, 40))
    augmentation = Augmentation("full", crop=32, elastic=1.0)
    torch.manual_seed(seed)
    changed, changed_mask = augmentation._moved(image, mask)
    torch.manual_seed(seed)
    symmetry = _symmetry((32, 32), (1, 1))
    monkeypatch.setattr("unetzoo.training.augment._symmetry", lambda *_: Turn())
    expected, expected_mask = augmentation._moved(turned(image, symmetry), turned(mask, symmetry))
    torch.testing.assert_close(changed, expected, rtol=1e-4, atol=1e-4)
    assert (changed_mask == expected_mask).float().mean() > 0.995  # all but ties


def test_the_random_numbers_come_from_torch_alone():
    augmentation = Augmentation("full", crop=64, elastic=0.5)
    scene = _scene(64 + 2 * augmentation.margin)
    torch.manual_seed(5)
    once = augmentation(*scene)
    torch.manual_seed(5)
    again = augmentation(*scene)
    assert torch.equal(once[0], again[0])
    assert torch.equal(once[1], again[1])


@pytest.mark.parametrize("seed", range(16))
def test_colors_change_but_objects_stay_brighter_than_their_surroundings(seed):
    augmentation = Augmentation("full", crop=64, elastic=0.0)
    image, mask = _scene(64 + 2 * augmentation.margin)
    torch.manual_seed(seed)
    changed, changed_mask = augmentation((image - image.mean()) / image.std(), mask)
    original = 1 / image.std()  # between an object and what is around it
    ratio = (changed[0][changed_mask == 1].median() - changed[0][changed_mask == 0].median()) / original
    assert 0.6 < ratio < 1.4
    assert ratio != 1


@pytest.mark.parametrize("kind", ["full", "flips", "none"])
def test_worker_processes_that_are_not_forked_can_be_given_it(kind):
    augmentation = Augmentation(kind, crop=32, elastic=1.0)
    copied = pickle.loads(pickle.dumps(augmentation))
    scene = _scene(32 + 2 * augmentation.margin)
    results = []
    for transform in (augmentation, copied):
        torch.manual_seed(1)
        results.append(transform(*scene)[0])
    assert torch.equal(*results)


def _places(side):
    """An image of the rows of its pixels, and of ones where beyond the border there is 0; its mask of the rows."""
    rows = torch.arange(side)[:, None].expand(side, side)
    return torch.stack([rows.float(), torch.ones(side, side)]), rows.clone()


@pytest.mark.parametrize("elastic", [0.0, 1.0])
def test_image_and_mask_are_resampled_once(elastic):
    augmentation = Augmentation("full", crop=64, elastic=elastic)
    errors = []
    for seed in range(40):
        torch.manual_seed(seed)
        image, mask = augmentation._moved(*_places(64 + 2 * augmentation.margin))
        inside = (mask != 255) & (image[1] > 1 - 1e-5)
        errors.append((mask - image[0])[inside])
    errors = torch.cat(errors)
    # of one rounding to the nearest pixel; of two it would be 0.41
    assert errors.square().mean().sqrt() < 0.30
    assert (errors.abs() > 0.55).float().mean() < 0.002


def test_without_deformation_a_crop_is_turned_and_scaled_about_its_middle(monkeypatch):
    turned = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])  # by a right angle
    monkeypatch.setattr("unetzoo.training.augment._ROTATED", 1.0)
    monkeypatch.setattr("unetzoo.training.augment.rotation", lambda *_: turned)
    monkeypatch.setattr("unetzoo.training.augment._symmetry", lambda *_: Turn())
    augmentation = Augmentation("full", crop=16, elastic=0.0)
    image = torch.rand(2, 20, 20)
    changed, _ = augmentation._moved(image, torch.zeros(20, 20, dtype=torch.long))
    candidates = [image.rot90(turns, (-2, -1))[:, 2:-2, 2:-2] for turns in (1, 3)]
    assert any(torch.allclose(changed, candidate, atol=1e-4) for candidate in candidates)


def test_free_turns_are_of_at_most_15_degrees_and_from_0_8_to_1_25_times_as_large():
    torch.manual_seed(0)
    matrices = torch.stack([rotation() for _ in range(400)])
    scales = 1 / torch.linalg.det(matrices).sqrt()
    angles = torch.rad2deg(torch.atan2(matrices[:, 0, 1], matrices[:, 0, 0]))
    assert 0.8 <= scales.min() < 0.82
    assert 1.23 < scales.max() <= 1.25
    assert -15 <= angles.min() < -14
    assert 14 < angles.max() <= 15
