"""Backbones of timm whose kernels get a third axis. All of them are proved right by `pytest -m slow`, in hours."""

import pickle

import pytest
import timm
import torch
from prove_inflation import MOST_PARAMETERS, TOLERANCE, prove
from safetensors.torch import save_file

import unetzoo
from unetzoo.encoders import inflate
from unetzoo.encoders.inflate import check_inflatable
from unetzoo.encoders.inflate_blocks import BLOCKS
from unetzoo.encoders.inflate_layers import SWAPS
from unetzoo.encoders.timm_build import Request, build_on_meta
from unetzoo.testing import check_encoder

SAMPLE = [
    "test_resnet",
    "test_efficientnet",
    "test_efficientnet_gn",
    "test_convnext",
    "test_convnext2",
    "test_nfnet",
    "test_mambaout",
    "tf_mobilenetv3_small_minimal_100",
]
INFLATED = {"volume": "inflated"}
pytestmark = pytest.mark.filterwarnings("ignore:layers of:unetzoo.errors.WeightsWarning")  # a newer timm is tried here


@pytest.mark.parametrize("name", SAMPLE)
def test_equal_slices_have_the_maps_of_a_slice_and_turned_axes_turned_maps(name):
    assert prove(name) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", timm.list_models())
def test_each_backbone_that_is_not_refused_does_so(name):
    backbone = build_on_meta(Request(name, 3, False))
    if sum(weight.numel() for weight in backbone.parameters()) > MOST_PARAMETERS:
        pytest.skip("it is too large")
    try:
        check_inflatable(backbone, name)
    except unetzoo.OptionError:
        pytest.skip("it is refused")
    assert prove(name) < TOLERANCE


@pytest.mark.parametrize(
    ("table", "kind"),
    [(BLOCKS, "timm.models._efficientnet_blocks.SqueezeExcite"), (SWAPS, "timm.layers.conv2d_same.Conv2dSame")],
)
def test_the_proof_fails_for_layers_that_ignore_the_depth(monkeypatch, table, kind):
    if table is SWAPS:
        monkeypatch.setitem(table, kind, SWAPS["torch.nn.modules.conv.Conv2d"])
        with pytest.raises(AssertionError, match="maps of"):
            prove("tf_mobilenetv3_small_minimal_100")
    else:
        monkeypatch.delitem(table, kind)
        assert prove("test_efficientnet") > TOLERANCE


@pytest.mark.parametrize("name", ["test_resnet", "test_mambaout"])
def test_it_keeps_the_contract_of_encoders_over_three_axes(name):
    check_encoder(name, options=INFLATED | {"depth": 3}, spatial_dims=3)


def test_a_kernel_of_images_is_shared_out_along_the_depth(tmp_path):
    weights = unetzoo.create_encoder("test_resnet").backbone.state_dict()
    save_file(weights, tmp_path / "weights.safetensors")
    options = {"options": INFLATED, "spatial_dims": 3, "pretrained": str(tmp_path / "weights.safetensors")}
    own = unetzoo.create_encoder("test_resnet", **options).backbone.state_dict()
    assert own.keys() == weights.keys()
    for name, weight in own.items():
        if weight.ndim == 5:
            assert weight.shape[2] == weight.shape[3]
            assert torch.equal(weight.amin(2), weight.amax(2))
            torch.testing.assert_close(weight.sum(2), weights[name])
        else:
            assert torch.equal(weight, weights[name])


@pytest.mark.parametrize(
    ("name", "decoder"), [("test_convnext", "unet"), pytest.param("resnetblur18", "fpn", marks=pytest.mark.slow)]
)
@torch.no_grad()
def test_saved_loaded_and_optimized_a_network_gives_the_same_logits(tmp_path, name, decoder):
    options = INFLATED | {"depth": 2}
    model = unetzoo.create(decoder, encoder=name, spatial_dims=3, encoder_options=options).eval()
    volume = torch.randn(1, 3, 9, 16, 23)
    logits = model(volume)
    assert logits.shape == (1, 1, 9, 16, 23)
    unetzoo.save(model, tmp_path / "net")
    assert torch.equal(unetzoo.load(tmp_path / "net")(volume), logits)
    torch.testing.assert_close(unetzoo.optimize(model)(volume), logits, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_pickled_encoder_computes_the_same():
    encoder = unetzoo.create_encoder("test_efficientnet", spatial_dims=3, options=INFLATED | {"depth": 3}).eval()
    volume = torch.randn(1, 3, 16, 16, 16)
    for level, expected in zip(pickle.loads(pickle.dumps(encoder))(volume), encoder(volume), strict=True):
        assert torch.equal(level, expected)


def test_the_encoder_itself_joins_slices():
    encoder = unetzoo.create_encoder("test_resnet", spatial_dims=3, options=INFLATED | {"depth": 2}).eval()
    volume = torch.randn(1, 3, 16, 16, 16, requires_grad=True)
    encoder(volume)[-1][:, :, 2].square().sum().backward()
    assert (volume.grad.abs().amax((0, 1, 3, 4)) > 0).sum() > 1


@pytest.mark.parametrize(("name", "reason"), [
    ("test_vit", "layers for images only"),
    ("inception_next_atto", "layers for images only"),
    ("ghostnetv2_100", "layers for images only.*GhostModuleV2"),
])  # fmt: skip
def test_a_backbone_that_is_not_proved_right_is_refused_by_name(name, reason):
    with pytest.raises(unetzoo.OptionError, match=f"timm's {name} cannot be inflated .*{reason}.*'slices'"):
        unetzoo.create_encoder(name, spatial_dims=3, options=INFLATED)


@pytest.mark.parametrize(("options", "says"), [
    ({"img_size": [32, 32]}, "takes no img_size"),
    ({"taps": ["conv1"], "padded_side": 32}, "takes no taps and no padded_side"),
    ({"readout": "add"}, "takes no readout"),
])  # fmt: skip
def test_an_option_that_is_for_images_alone_is_refused(options, says):
    with pytest.raises(unetzoo.OptionError, match=says):
        unetzoo.create_encoder("test_resnet", spatial_dims=3, options=INFLATED | options)


def test_another_version_of_timm_than_the_proved_one_is_said(monkeypatch):
    monkeypatch.setattr(inflate, "version", lambda _: "1.9")
    with pytest.warns(unetzoo.errors.WeightsWarning, match=r"layers of test_resnet are proved .* not for 1\.9"):
        unetzoo.create_encoder("test_resnet", spatial_dims=3, options=INFLATED)


@torch.no_grad()
def test_from_the_middle_of_kernels_each_slice_has_the_maps_of_its_image():
    options = {"spatial_dims": 3, "options": {"volume": "inflated_center", "depth": 4}}
    made = []
    for more in ({"options": {"depth": 4}}, options):
        torch.manual_seed(0)
        made.append(unetzoo.create_encoder("mobilenetv2_050", in_channels=1, **more).eval())
    of_images, of_volumes = made  # it has convolutions alone, whose strides keep every second slice
    volume = torch.randn(1, 1, 32, 32, 48)
    for number, (level, reduction) in enumerate(zip(of_volumes(volume), of_images.features.reductions, strict=True)):
        assert level.shape[2] == 32 // reduction
        for place in range(level.shape[2]):
            expected = of_images(volume[:, :, reduction * place])[number]
            torch.testing.assert_close(level[:, :, place], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("name", "seen"), [("resnet10t", [0, 2, 4, 6]), ("convnext_atto", [2, 6])])
def test_from_the_middle_of_kernels_a_stride_skips_slices(name, seen):
    options = {"volume": "inflated_center", "depth": 1}
    encoder = unetzoo.create_encoder(name, in_channels=1, spatial_dims=3, options=options).eval()
    volume = torch.randn(1, 1, 8, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(encoder(volume)[0].square().sum(), volume)
    assert gradient.abs().sum((0, 1, 3, 4)).nonzero().flatten().tolist() == seen


def test_standardized_kernels_have_no_middle_alone():
    with pytest.raises(unetzoo.OptionError, match="kernels that are standardized cannot be inflated with zeros"):
        unetzoo.create_encoder("test_nfnet", spatial_dims=3, options={"volume": "inflated_center"})
