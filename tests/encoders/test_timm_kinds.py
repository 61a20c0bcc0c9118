"""One backbone of every kind of pyramid that timm has, run for real at a size that no stride divides."""

import pytest
import torch
from sweeps import sweep

import unetzoo
from unetzoo.registry.builtin import unetzoo_decoders

SIZE = (97, 131)
ON_ONE_LEVEL = {"deeplabv3", "fcn", "pspnet"}  # whose papers use no skips, or may

# The backbone, the strides of timm's maps, the reductions of the pyramid, and whether it must be told the size.
KINDS = [
    ("lcnet_035", (2, 4, 8, 16, 32), (2, 4, 8, 16, 32), False),
    ("resnet10t", (2, 4, 8, 16, 32), (2, 4, 8, 16, 32), False),
    ("hrnet_w18_small", (2, 4, 8, 16, 32), (2, 4, 8, 16, 32), False),
    ("cspnext_tiny", (2, 4, 8, 16, 32), (2, 4, 8, 16, 32), False),
    ("convnext_atto", (4, 8, 16, 32), (4, 8, 16, 32), False),
    ("coat_lite_tiny", (4, 8, 16, 32), (4, 8, 16, 32), True),
    ("vgg11", (1, 2, 4, 8, 16, 32), (1, 2, 4, 8, 16, 32), False),
    ("sedarknet21", (1, 2, 4, 8, 16), (1, 2, 4, 8, 16), False),
    ("nest_tiny", (4, 8, 16), (4, 8, 16), True),
    ("pit_ti_224", (8, 16, 32), (8, 16, 32), True),
    ("visformer_tiny", (8, 16, 32), (8, 16, 32), True),
    ("efficientvim_m1", (16, 32, 64), (16, 32, 64), False),
    ("levit_128s", (16, 32, 64), (16, 32, 64), True),
    ("csatv2", (8, 16, 32, 64), (8, 16, 32, 64), False),
    ("test_vit", (16, 16, 16), (2, 4, 8, 16), False),
    ("eva02_tiny_patch14_224", (14, 14, 14), (2, 4, 8, 16), False),
    ("vit_tiny_r_s16_p8_224", (32, 32, 32), (4, 8, 16, 32), False),
    ("xcit_nano_12_p8_224", (8, 8, 8), (1, 2, 4, 8), False),
    ("crossvit_9_240", (12, 17), (8, 16), False),
    ("pit_b_224", (7, 14, 28), (8, 16, 32), True),
    ("sequencer2d_s", (7, 14, 14), (4, 8, 16), False),
    ("convmixer_768_32", (7, 7, 7), (1, 2, 4, 8), False),
    ("mambaout_femto", (4, 8, 16, 32), (4, 8, 16, 32), False),
    ("swin_tiny_patch4_window7_224", (4, 8, 16, 32), (4, 8, 16, 32), True),
]
SAMPLE = {  # one of each pyramid, one that must be told the size, one of maps (b, h, w, c)
    "lcnet_035",
    "convnext_atto",
    "coat_lite_tiny",
    "vgg11",
    "sedarknet21",
    "pit_ti_224",
    "efficientvim_m1",
    "csatv2",
    "test_vit",
    "eva02_tiny_patch14_224",
    "vit_tiny_r_s16_p8_224",
    "xcit_nano_12_p8_224",
    "crossvit_9_240",
    "sequencer2d_s",
    "mambaout_femto",
}


@pytest.mark.parametrize(
    ("name", "strides", "reductions", "must_know_size"),
    sweep(KINDS, [kind for kind in KINDS if kind[0] in SAMPLE]),
    ids=[kind[0] for kind in KINDS],
)
@pytest.mark.parametrize("decoder", ["unet", pytest.param("unetpp", marks=pytest.mark.slow)])
def test_a_network_runs_and_every_level_of_its_encoder_learns(name, strides, reductions, must_know_size, decoder):
    model = unetzoo.create(decoder, encoder=name, encoder_options={"img_size": SIZE} if must_know_size else None)
    encoder = model.encoder
    levels = []
    hook = encoder.register_forward_hook(lambda module, inputs, outputs: levels.extend(outputs))
    logits = model(torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0)))
    hook.remove()
    assert logits.shape == (2, 1, *SIZE)
    assert set(encoder.backbone.feature_info.reduction()) == set(strides)
    assert encoder.features.reductions == reductions
    height, width = (-(-side // reductions[-1]) * reductions[-1] for side in SIZE)
    assert [tuple(level.shape) for level in levels] == [
        (2, channels, height // reduction, width // reduction)
        for channels, reduction in zip(encoder.features.channels, reductions, strict=True)
    ]
    stem = next(layer for layer in encoder.modules() if isinstance(layer, torch.nn.Conv2d))
    gradients = torch.autograd.grad(logits.square().mean(), [*levels, stem.weight])
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.slow
@pytest.mark.parametrize("decoder", [spec.name for spec in unetzoo_decoders()])
@pytest.mark.parametrize(("name", "must_know_size"), [(kind[0], kind[3]) for kind in KINDS])
def test_every_decoder_takes_every_kind_of_pyramid(decoder, name, must_know_size):
    with torch.device("meta"), torch.no_grad():
        options = {"img_size": SIZE} if must_know_size else None
        model = unetzoo.create(decoder, encoder=name, encoder_options=options).eval()
        assert model(torch.zeros(1, 3, *SIZE)).shape == (1, 1, *SIZE)


@pytest.mark.parametrize("decoder", sorted({spec.name for spec in unetzoo_decoders()} - ON_ONE_LEVEL))
def test_a_decoder_that_needs_more_levels_than_there_are_says_so(decoder):
    with pytest.raises(unetzoo.ShapeError, match=r"needs at least two levels, got FeatureInfo\(channels=\(32,\)"):
        unetzoo.create(decoder, encoder="plain", encoder_options={"depth": 1})


@pytest.mark.parametrize("decoder", sorted(ON_ONE_LEVEL))
def test_a_decoder_of_the_deepest_level_alone_takes_a_pyramid_of_one(decoder):
    model = unetzoo.create(decoder, encoder="plain", encoder_options={"depth": 1}).eval()
    assert model(torch.zeros(1, 3, 9, 11)).shape == (1, 1, 9, 11)


def test_kernels_of_five_axes_are_no_obstacle():
    model = unetzoo.create("unet", encoder="lambda_resnet26t").eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, 97, 131)).shape == (1, 1, 97, 131)
