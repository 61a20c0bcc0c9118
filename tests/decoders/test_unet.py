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
    wanted = torch.conv2d(deep, weights["heads.0.weight"], weights["heads.0.bias"])
    with torch.no_grad():
        torch.testing.assert_close(model(image), wanted)
