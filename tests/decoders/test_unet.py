import pytest
import torch

import unetzoo

# The networks of 2015 and their relatives: 3x3 'same' convolutions with bias, no norm, transposed convolutions.
SEED = {"encoder": "plain", "in_channels": 1}


def _seed(decoder="unet", widths=(32, 64, 128, 256, 512), classes=1, **options):
    return unetzoo.create(
        decoder,
        **SEED,
        classes=classes,
        encoder_options={"norm": "none", "widths": widths},
        decoder_options={"norm": "none", "upsample": "transpose", "widths": widths[-2::-1], **options},
    )


@pytest.mark.parametrize(
    ("widths", "classes", "count"),
    [
        ((32, 64, 128, 256, 512), 1, 7_759_521),
        ((64, 128, 256, 512, 1024), 2, 31_030_658),
        ((35, 70, 140, 280, 560), 1, 9_282_246),
    ],
)
def test_the_original_networks_have_their_papers_number_of_parameters(widths, classes, count):
    assert sum(parameter.numel() for parameter in _seed(widths=widths, classes=classes).parameters()) == count


def test_each_stage_fuses_the_deep_map_with_the_skip_of_its_level():
    """The whole network once more, in plain torch calls on the same weights."""
    torch.manual_seed(0)
    model = _seed(widths=(4, 6, 8)).eval()
    weights = model.state_dict()

    def twice(x, first, second):
        for key in (first, second):
            x = torch.conv2d(x, weights[f"{key}.weight"], weights[f"{key}.bias"], padding=1).relu()
        return x

    image = torch.randn(1, 1, 16, 24)
    levels = [image]
    for stage in range(3):
        x = torch.max_pool2d(levels[-1], 2) if stage else image
        levels.append(twice(x, f"encoder.stages.{stage}.0", f"encoder.stages.{stage}.3"))
    deep = levels[-1]
    for stage, skip in enumerate((levels[2], levels[1])):
        key = f"decoder.stages.{stage}"
        up = torch.conv_transpose2d(deep, weights[f"{key}.up.weight"], weights[f"{key}.up.bias"], stride=2)
        deep = twice(torch.cat([up, skip], 1), f"{key}.fuse", f"{key}.conv.0")
    expected = torch.conv2d(deep, weights["heads.0.weight"], weights["heads.0.bias"])
    with torch.no_grad():
        torch.testing.assert_close(model(image), expected)


def _of_2015(**options):
    widths = (64, 128, 256, 512, 1024)
    return unetzoo.create(
        "unet",
        **{
            **SEED,
            "classes": 2,
            "encoder_options": {"norm": "none", "widths": widths, "padding": "valid"},
            "decoder_options": {
                "norm": "none",
                "upsample": "transpose",
                "widths": widths[-2::-1],
                "padding": "valid",
            },
            **options,
        },
    )


def test_without_padding_it_is_the_network_of_2015():
    """Figure 1 of arXiv:1505.04597: 572 pixels become 388, and the sizes of all maps on the way are printed there."""
    model = _of_2015().to("meta")
    assert sum(parameter.numel() for parameter in model.parameters()) == 31_030_658
    image = torch.empty(1, 1, 572, 572, device="meta")
    assert [level.shape[2] for level in model.encoder(image)] == [568, 280, 136, 64, 28]
    assert model(image).shape == (1, 2, 388, 388)


def _small(padding, **options):
    torch.manual_seed(0)
    widths = (4, 6, 8)
    decoder = {"widths": (6, 4), "padding": "same" if padding == "zeros" else "valid", **options}
    encoder = {"norm": "none", "widths": widths, "padding": padding}
    return unetzoo.create("unet", **SEED, encoder_options=encoder, decoder_options={"norm": "none", **decoder}).eval()


@pytest.mark.parametrize("upsample", ["nearest", "transpose"])
def test_without_padding_logits_are_those_of_a_larger_image_s_middle(upsample):
    """What is beyond a crop changes nothing of the logits that the crop has: the overlap-tile strategy of the paper."""
    model = _small("valid", upsample=upsample)
    image = torch.randn(1, 1, 76, 92)
    with torch.no_grad():
        whole, part = model(image), model(image[..., 8:68, 12:72])
    shrunk = image.shape[2] - whole.shape[2]
    assert part.shape[2:] == (60 - shrunk, 60 - shrunk)
    torch.testing.assert_close(part, whole[..., 8 : 8 + part.shape[2], 12 : 12 + part.shape[3]])


@pytest.mark.parametrize("size", [(45, 44), (44, 46), (40, 44)])
def test_without_padding_an_image_that_would_lose_rows_is_refused_with_the_sizes_that_fit(size):
    assert _small("valid")(torch.randn(1, 1, 44, 48)).shape[1] == 1
    with pytest.raises(unetzoo.ShapeError, match=r"takes sides of 44, 48, 52, \.\.\. pixels; got"):
        _small("valid")(torch.randn(1, 1, *size))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder_options": {}}, "the decoder has padding='valid', the encoder does not"),
        ({"decoder_options": {}}, "the encoder has padding='valid', the decoder does not"),
    ],
)
def test_one_part_alone_cannot_be_without_padding(options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        _of_2015(**options)
