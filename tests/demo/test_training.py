import pytest
import torch

from unetzoo.assembly import create
from unetzoo.demo.training import CROP, Example, random_batch, train


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        yield


def _random_example(height=150, width=140):
    truth = torch.randint(2, (height, width))
    return Example(truth.float(), truth)


def test_a_batch_is_crops_with_their_truth():
    images, truths = random_batch(_random_example())
    assert images.shape == (len(truths), 1, CROP, CROP)
    assert truths.shape == (len(images), CROP, CROP)
    assert truths.dtype == torch.int64


def test_a_crop_and_its_truth_are_cut_and_turned_alike():
    images, truths = random_batch(_random_example())  # whose image is its truth
    for image, truth in zip(images[:, 0], truths, strict=True):
        dark, bright = image[truth == 0], image[truth == 1]
        assert dark.unique().numel() == bright.unique().numel() == 1
        assert dark[0] < bright[0]


def test_contrast_and_brightness_change_a_little():
    dark_and_bright = torch.tensor([[0.0, 1.0]]).repeat(CROP, CROP // 2)
    example = Example(dark_and_bright, dark_and_bright.long())
    images = torch.cat([random_batch(example)[0] for _ in range(20)])
    brightness = images.amin(dim=(1, 2, 3))
    contrast = images.amax(dim=(1, 2, 3)) - brightness
    assert brightness.min() >= -0.05
    assert brightness.max() <= 0.05
    assert contrast.min() >= 0.8 - 1e-5
    assert contrast.max() <= 1.2 + 1e-5
    assert brightness.std() > 0.02
    assert contrast.std() > 0.04


def test_all_eight_ways_to_turn_and_mirror_occur():
    corner = torch.zeros(CROP, CROP, dtype=torch.int64)
    corner[0, 1] = 1  # no turned or mirrored copy has it at the same place
    example = Example(corner.float(), corner)
    places = {int(truth.argmax()) for _ in range(40) for truth in random_batch(example)[1]}
    last = CROP - 1
    corners = [(0, 1), (1, 0), (0, last - 1), (1, last), (last, 1), (last - 1, 0), (last, last - 1), (last - 1, last)]
    assert places == {row * CROP + column for row, column in corners}


def test_crops_reach_every_border():
    height, width = CROP + 2, CROP + 1
    index = torch.arange(height * width).reshape(height, width)
    seen = {
        int(place) for _ in range(30) for place in random_batch(Example(index.float(), index))[1].flatten().unique()
    }
    assert seen == set(range(height * width))


def test_every_step_reports_its_loss_and_changes_the_weights():
    model = create("unet", encoder="plain", in_channels=1, encoder_options={"widths": (4, 8)})
    before = [parameter.detach().clone() for parameter in model.parameters()]
    losses = []
    train(model, _random_example(), steps=3, on_step=losses.append)
    assert len(losses) == 3
    assert all(loss > 0 for loss in losses)
    assert all(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_one_step_is_enough():
    model = create("unet", encoder="plain", in_channels=1, encoder_options={"widths": (4, 8)})
    losses = []
    train(model, _random_example(), steps=1, on_step=losses.append)
    assert len(losses) == 1
