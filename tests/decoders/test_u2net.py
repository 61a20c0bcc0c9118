import pytest
import torch

import unetzoo


def _network(**options):
    parts = {"encoder_options": options, "decoder_options": options}
    return unetzoo.create("u2net", encoder="u2net", **parts, head_kernel_size=1)


@pytest.mark.parametrize(("small", "count"), [(False, 44_009_869), (True, 1_131_181)])
def test_the_two_networks_have_the_published_number_of_parameters(small, count):
    with torch.device("meta"):
        model = _network(small=small)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_with_supervision_each_level_has_its_map_deepest_first():
    model = unetzoo.create(
        "u2net",
        encoder="u2net",
        classes=2,
        encoder_options={"small": True},
        decoder_options={"small": True, "deep_supervision": True, "side_width": 3},
    ).eval()
    assert model.decoder.reductions == (32, 16, 8, 4, 2, 1, 1)
    assert model.decoder.out_channels == (3,) * 6 + (18,)
    with torch.no_grad():
        logits = model.all_logits(torch.randn(1, 3, 40, 50))
    assert [tuple(level.shape) for level in logits] == [(1, 2, 40, 50)] * 7


def test_it_takes_the_pyramid_of_any_encoder():
    model = unetzoo.create("u2net", encoder="convnext_atto", decoder_options={"small": True}).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 3, 33, 65)).shape == (1, 1, 33, 65)
    assert model.decoder.reductions == (4,)
