from dataclasses import replace

import pytest
import torch

import unetzoo

# The original U-Net++ and what is left of it after pruning (arXiv:1807.10165, section 3.3), each with its one head,
# which adds 32 weights and a bias to the counts of the layers alone.
ORIGINAL = {
    "encoder": "plain",
    "in_channels": 1,
    "encoder_options": {"norm": "none"},
    "decoder_options": {"norm": "none", "upsample": "transpose", "deep_supervision": True},
}
COUNTS = {1: 100_961, 2: 511_105, 3: 2_204_961}


def _supervised(encoder="resnet10t", **options):
    torch.manual_seed(0)
    return unetzoo.create("unetpp", encoder=encoder, decoder_options={"deep_supervision": True, **options}).eval()


@pytest.mark.parametrize("level", COUNTS)
def test_the_original_network_keeps_as_many_parameters_as_the_paper_says(level):
    pruned = unetzoo.prune(unetzoo.create("unetpp", **ORIGINAL), level)
    assert sum(parameter.numel() for parameter in pruned.parameters()) == COUNTS[level]


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("encoder", ["resnet10t", "convnext_atto", "test_vit"])
def test_a_pruned_network_gives_the_logits_of_that_supervised_head(encoder, level):
    model = _supervised(encoder)
    depth = len(model.encoder.features) - 1
    if level > depth:
        with pytest.raises(unetzoo.OptionError, match=f"can be pruned to levels 1 to {depth}, got {level}"):
            unetzoo.prune(model, level)
        return
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(unetzoo.prune(model, level)(image), model.all_logits(image)[level - 1])


def test_skip_widths_and_other_options_survive_pruning():
    model = _supervised(skip_widths=[8, 8, 16, 16], norm="group", attention="scse")
    image = torch.randn(1, 3, 32, 64)
    with torch.no_grad():
        torch.testing.assert_close(unetzoo.prune(model, 2)(image), model.all_logits(image)[1])


def test_the_pruned_network_is_a_copy_in_the_mode_and_dtype_of_the_whole_one():
    model = _supervised().double()
    pruned = unetzoo.prune(model, 1)
    assert not pruned.training
    assert {parameter.dtype for parameter in pruned.parameters()} == {torch.float64}
    before = model.state_dict()["encoder.backbone.conv1.0.weight"].clone()
    with torch.no_grad():
        next(pruned.parameters()).zero_()
    assert torch.equal(model.state_dict()["encoder.backbone.conv1.0.weight"], before)


def test_its_configuration_rebuilds_the_pruned_network():
    pruned = unetzoo.prune(_supervised(), 2)
    config = pruned.config
    again = unetzoo.create(
        config.decoder,
        encoder=config.encoder,
        encoder_options=config.encoder_options,
        decoder_options=config.decoder_options,
    )
    assert again.state_dict().keys() == pruned.state_dict().keys()


def test_a_pruned_network_knows_of_images_what_the_whole_one_knows_but_claims_none_of_its_metrics():
    model = _supervised()
    info = unetzoo.ModelInfo(class_names=["cell"], mean=[120.0] * 3, std=[60.0] * 3, metrics={"mean IoU": 0.9})
    model.config = replace(model.config, info=info)
    assert unetzoo.prune(model, 2).config.info == replace(info, metrics={})


def test_another_decoder_cannot_be_pruned():
    with pytest.raises(unetzoo.OptionError, match="only the decoder 'unetpp' can be pruned; this one is 'unet'"):
        unetzoo.prune(unetzoo.create("unet", encoder="plain"), 1)


def test_a_network_without_supervised_heads_cannot_be_pruned():
    model = unetzoo.create("unetpp", encoder="plain")
    with pytest.raises(unetzoo.OptionError, match="deep_supervision"):
        unetzoo.prune(model, 1)
    assert unetzoo.prune(model, 4).state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize("level", [0, 5, True, 1.0, "1"])
def test_a_level_that_does_not_exist_is_refused(level):
    with pytest.raises(unetzoo.OptionError, match="levels 1 to 4, got"):
        unetzoo.prune(_supervised(), level)


def test_logits_of_whole_images_need_the_deepest_level():
    model = unetzoo.create(
        "unetpp",
        encoder="plain",
        encoder_options={"widths": [4, 8, 8]},
        decoder_options={"deep_supervision": True},
        aux_classes=2,
    )
    assert unetzoo.prune(model, 2).aux_head is not None
    assert unetzoo.prune(model, 1).aux_head is None
