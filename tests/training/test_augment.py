import pickle

import pytest
import torch

from unetzoo.training.augment import Augmentation, elastic_displacement


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
    known = mask != 255
    bright = image[0] > image[0][known].mean()
    assert (bright == (mask == 1))[known].float().mean() > 0.97  # all but the smoothed outlines


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
    vectors = torch.cat([elastic_displacement(side, std=10) for _ in range(400)]) * side / 2  # in pixels
    corners = vectors[:, [0, 0, -1, -1], [0, -1, 0, -1]]  # of the 3 x 3 grid, where interpolation is exact
    assert corners.std().item() == pytest.approx(10, rel=0.05)
    assert corners.mean().abs().item() < 0.5


def test_elastic_displacement_is_smooth():
    torch.manual_seed(0)
    field = elastic_displacement(128, std=10)[0] * 64
    steps = (field[1:] - field[:-1]).abs().max()
    assert steps < 1  # pixel by pixel: nothing folds over


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
def test_colours_change_but_objects_stay_brighter_than_their_surroundings(seed):
    augmentation = Augmentation("full", crop=64, elastic=0.0)
    image, mask = _scene(64 + 2 * augmentation.margin)
    torch.manual_seed(seed)
    changed, changed_mask = augmentation((image - image.mean()) / image.std(), mask)
    original = 1 / image.std()  # between an object and what is around it
    kept = (changed[0][changed_mask == 1].median() - changed[0][changed_mask == 0].median()) / original
    assert 0.6 < kept < 1.4
    assert kept != 1


@pytest.mark.parametrize("kind", ["full", "flips", "none"])
def test_worker_processes_that_are_not_forked_can_be_given_it(kind):
    augmentation = Augmentation(kind, crop=32, elastic=1.0)
    copied = pickle.loads(pickle.dumps(augmentation))
    scene = _scene(32 + 2 * augmentation.margin)
    results = []
    for one in (augmentation, copied):
        torch.manual_seed(1)
        results.append(one(*scene)[0])
    assert torch.equal(*results)
