import torch
from torch.nn.functional import interpolate

from unetzoo.encoders.view import View, crop, fit
from unetzoo.features import FeatureInfo


def test_an_image_that_suits_the_backbone_is_seen_as_it_is():
    image = torch.randn(1, 3, 64, 96)
    assert View(1, 32, 32).seen(image) is image


def test_an_image_is_padded_to_whole_units_by_its_last_row_and_column():
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    seen = View(8, 8, 8).seen(image)
    assert seen.shape == (1, 1, 8, 8)
    assert torch.equal(seen[:, :, :3, :4], image)
    assert (seen[0, 0, 3:, 1] == image[0, 0, 2, 1]).all()
    assert (seen[0, 0, 1, 4:] == image[0, 0, 1, 3]).all()


def test_an_image_is_scaled_so_that_a_map_of_stride_14_has_the_pixels_of_one_of_stride_16():
    image = torch.randn(1, 3, 64, 96)
    seen = View(1, 14, 16).seen(image)
    assert torch.equal(seen, interpolate(image, size=(56, 84), mode="bilinear"))


def test_a_backbone_of_one_size_sees_every_image_at_that_size():
    assert View(1, 16, 16, fixed=(24, 30)).seen(torch.randn(2, 1, 64, 96)).shape == (2, 1, 24, 30)


def test_levels_of_about_the_right_size_are_brought_to_exactly_that():
    features = FeatureInfo((3, 5), (2, 4))
    right, wrong = torch.randn(1, 3, 8, 12), torch.randn(1, 5, 5, 6)
    levels = fit([right, wrong], features, (16, 24))
    assert levels[0] is right
    assert torch.equal(levels[1], interpolate(wrong, size=(4, 6), mode="bilinear"))


def test_the_rows_and_columns_that_padding_added_are_cut_from_each_level():
    levels = [torch.randn(1, 3, 8, 8), torch.randn(1, 5, 4, 4)]
    shallow, deep = crop(levels, FeatureInfo((3, 5), (2, 4)), (12, 8))
    assert torch.equal(shallow, levels[0][:, :, :6, :4])
    assert torch.equal(deep, levels[1][:, :, :3, :2])
