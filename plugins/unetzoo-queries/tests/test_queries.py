import pytest
import torch
from unetzoo_queries.decoder import QueryDecoder

import unetzoo
from unetzoo.testing import check_decoder

SMALL = {"queries": 6, "width": 16, "blocks": 1, "heads": 2}
INFO = unetzoo.FeatureInfo((4, 8), (8, 16))


def _features():
    torch.manual_seed(0)
    return [torch.randn(2, 4, 6, 8), torch.randn(2, 8, 3, 4)]


def _decoder(**options):
    torch.manual_seed(1)
    return QueryDecoder(INFO, **(SMALL | options)).eval()


@pytest.mark.parametrize("blocks", [1, 2])
def test_the_decoder_keeps_the_contract(blocks):
    check_decoder("queries", options=SMALL | {"blocks": blocks})


def test_its_parameters_are_those_of_its_parts():
    width, hidden = 16, 64
    attention = 3 * width * width + 3 * width + width * width + width
    block = attention + 2 * width * hidden + hidden + width + 4 * width
    upscale = 4 * width * width + width + 9 * width + 2 * width
    parts = (8 + 1) * width + 6 * width + block + 2 * width + 2 * upscale + 2 * (width * width + width)
    assert sum(parameter.numel() for parameter in _decoder().parameters()) == parts


def test_masks_have_a_quarter_of_the_resolution_and_lie_between_0_and_1():
    (masks,) = _decoder()(_features())
    assert masks.shape == (2, 6, 12, 16)
    assert 0 < masks.min() < masks.max() < 1


def test_each_mask_follows_its_query():
    decoder, order = _decoder(), torch.tensor([3, 0, 5, 1, 2, 4])
    (masks,) = decoder(_features())
    decoder.queries.data = decoder.queries.data[:, order]
    torch.testing.assert_close(decoder(_features())[0], masks[:, order])


def test_a_pixel_sees_the_whole_image():
    decoder, features = _decoder(), _features()
    features[-1].requires_grad_()
    decoder(features)[0][0, 0, 0, 0].backward()
    assert (features[-1].grad[0].abs().sum(0) > 0).all()
    assert (features[-1].grad[1] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"queries": 0}, "queries must be a whole number >= 1, got 0"),
        ({"width": 2.5}, "width must be a whole number >= 1, got 2.5"),
        ({"heads": 3}, "width must be a multiple of heads=3, got 16"),
    ],
)
def test_an_option_that_it_cannot_have_is_refused(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        _decoder(**options)


def test_it_learns_a_picture_over_a_plain_vit():
    torch.manual_seed(0)
    model = unetzoo.create(
        "queries",
        encoder="test_vit",
        classes=2,
        encoder_options={"pyramid": False},
        decoder_options={"queries": 8, "width": 32, "blocks": 1, "heads": 2},
    )
    mask = torch.zeros(1, 64, 64, dtype=torch.long)
    mask[:, 16:40, 24:] = 1
    image = mask[:, None].float().expand(-1, 3, -1, -1) + 0.1 * torch.randn(1, 3, 64, 64)
    loss_of, optimizer = unetzoo.create_loss("ce"), torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss_of(model(image), mask).backward()
        optimizer.step()
    assert (model.eval()(image).argmax(1) == mask).float().mean() > 0.97
