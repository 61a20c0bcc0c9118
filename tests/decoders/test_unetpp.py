import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.decoders.unetpp import UNetPlusPlusDecoder, node_channels, node_table


def _seed(**options):
    return unetzoo.create(
        "unetpp",
        encoder="plain",
        in_channels=1,
        encoder_options={"norm": "none"},
        decoder_options={"norm": "none", "upsample": "transpose", **options},
    )


@pytest.mark.parametrize(("supervised", "count"), [(False, 9_041_601), (True, 9_041_700)])
def test_the_original_network_has_its_papers_number_of_parameters(supervised, count):
    model = _seed(deep_supervision=supervised)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_there_is_a_node_for_each_level_and_column_of_the_papers_figure():
    assert sorted(node_table(5)) == [
        *((0, column) for column in (1, 2, 3, 4)),
        *((1, column) for column in (1, 2, 3)),
        *((2, column) for column in (1, 2)),
        (3, 1),
    ]


def test_a_node_comes_after_those_that_it_needs():
    done = {(level, 0) for level in range(5)}
    for level, column in node_table(5):
        assert {(level + 1, column - 1), *((level, earlier) for earlier in range(column))} <= done
        done.add((level, column))


def test_the_last_node_of_a_level_has_its_stages_width_and_the_others_the_skips():
    assert node_channels((10, 20, 30), 40, (33, 22, 11)) == {
        (0, 0): 10,
        (0, 1): 10,
        (0, 2): 10,
        (0, 3): 11,
        (1, 0): 20,
        (1, 1): 20,
        (1, 2): 22,
        (2, 0): 30,
        (2, 1): 33,
        (3, 0): 40,
    }


def test_each_node_fuses_the_deeper_one_with_all_earlier_ones_of_its_level():
    """Equation 1 of the paper once more, in plain torch calls on the same weights."""
    torch.manual_seed(0)
    info = unetzoo.FeatureInfo((3, 4, 5, 6), (1, 2, 4, 8))
    decoder = UNetPlusPlusDecoder(info, norm="none", deep_supervision=True)
    weights = decoder.state_dict()
    features = [torch.randn(1, c, 16 // r, 24 // r) for c, r in zip(info.channels, info.reductions, strict=True)]
    maps = {(level, 0): feature for level, feature in enumerate(features)}
    for column in (1, 2, 3):
        for level in range(4 - column):
            key = f"nodes.{level}_{column}"
            newest_first = [maps[level, earlier] for earlier in range(column - 1, -1, -1)]
            x = torch.cat([F.interpolate(maps[level + 1, column - 1], scale_factor=2), *newest_first], 1)
            for part in (f"{key}.fuse", f"{key}.conv.0"):
                x = torch.conv2d(x, weights[f"{part}.weight"], weights[f"{part}.bias"], padding=1).relu()
            maps[level, column] = x
    with torch.no_grad():
        outputs = decoder(features)
    assert len(outputs) == 3
    for column, output in enumerate(outputs, start=1):
        torch.testing.assert_close(output, maps[0, column], rtol=1e-4, atol=1e-5)


def test_supervised_outputs_of_a_coarse_pyramid_keep_its_resolution_but_the_best_one_does_not():
    decoder = UNetPlusPlusDecoder(unetzoo.FeatureInfo((8, 8, 8), (4, 8, 16)), deep_supervision=True)
    assert decoder.reductions == (4, 1)
    features = [torch.randn(1, 8, 16 // stride, 32 // stride) for stride in (1, 2, 4)]
    assert [tuple(output.shape[2:]) for output in decoder(features)] == [(16, 32), (64, 128)]


def test_skip_widths_shrink_the_dense_skips():
    wide = unetzoo.create("unetpp", encoder="convnext_atto")
    lean = unetzoo.create("unetpp", encoder="convnext_atto", decoder_options={"skip_widths": [16, 32, 64]})
    assert lean.decoder.nodes["0_1"].fuse.splits == (32, 16)
    assert lean.decoder.nodes["2_1"].fuse.splits == (320, 64)
    count = {name: sum(p.numel() for p in model.decoder.parameters()) for name, model in (("w", wide), ("l", lean))}
    assert count["l"] < count["w"]
    assert lean(torch.randn(2, 3, 40, 50)).shape == (2, 1, 40, 50)


def test_the_deepest_features_can_be_projected_too():
    model = unetzoo.create("unetpp", encoder="convnext_atto", decoder_options={"skip_widths": [16, 32, 64, 96]})
    assert model.decoder.nodes["2_1"].fuse.splits == (96, 64)
    assert model(torch.randn(2, 3, 40, 50)).shape == (2, 1, 40, 50)


@pytest.mark.parametrize("skip_widths", [[16, 32], [16, 32, 64, 96, 128]])
def test_another_number_of_skip_widths_is_refused(skip_widths):
    with pytest.raises(unetzoo.OptionError, match="this pyramid needs 3 or 4 skip_widths, shallow first; got"):
        unetzoo.create("unetpp", encoder="convnext_atto", decoder_options={"skip_widths": skip_widths})
