"""The own encoders of segmentation_models_pytorch give the same logits, in folders and as loose state dicts."""

import subprocess
import sys
import warnings

import pytest
import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.encoders import get_encoder_names

import unetzoo
from unetzoo.interop.smp import from_smp, network_from_smp
from unetzoo.interop.smp_encoders import counterpart_of

WITHOUT = {
    *(f"densenet{layers}" for layers in (121, 161, 169, 201)),
    *(f"dpn{layers}" for layers in ("68", "68b", "92", "98", "107", "131")),
    "inceptionresnetv2",
    "inceptionv4",
    "xception",
    "timm-skresnet18",
    "timm-skresnet34",
    "timm-skresnext50_32x4d",
    *(f"mit_b{size}" for size in range(6)),
}
SMALL = [
    "efficientnet-b1",  # its fourth level is taken within a stage, one has an odd side where it was trained
    "timm-tf_efficientnet_lite0",
    "timm-regnetx_002",
    "se_resnet50",
    "mobileone_s1",
]
SIZE = (64, 96)


def _peer(architecture, encoder, **options):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of "timm-" names
        peer = getattr(smp, architecture)(encoder, encoder_weights=None, classes=2, **options)
    for module in peer.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return peer.eval()


def _difference(model, peer, size=SIZE, channels=3):
    image = torch.randn(1, channels, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        actual, expected = model(image), peer(image)
    return ((actual - expected).abs().max() / expected.abs().max()).item()


def _of_folder(peer, folder):
    peer.save_pretrained(folder)
    return unetzoo.load(folder)


def test_each_of_its_encoders_has_a_counterpart_or_is_known_to_have_none():
    assert {name for name in get_encoder_names() if counterpart_of(name) is None} == WITHOUT


@pytest.mark.parametrize("encoder", SMALL)
def test_the_logits_are_the_same(encoder, tmp_path):
    peer = _peer("Unet", encoder)
    assert _difference(_of_folder(peer, tmp_path), peer) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("encoder", sorted({*get_encoder_names()} - WITHOUT - {*SMALL}))
def test_the_logits_of_the_others_are_the_same(encoder, tmp_path):
    peer = _peer("Unet", encoder)
    assert _difference(_of_folder(peer, tmp_path), peer) < 1e-4


@pytest.mark.parametrize(
    ("architecture", "encoder", "options"),
    [
        ("DeepLabV3Plus", "mobilenet_v2", {}),  # dilated
        pytest.param("DeepLabV3Plus", "efficientnet-b0", {}, marks=pytest.mark.slow),
        ("Unet", "efficientnet-b0", {"encoder_depth": 3, "decoder_channels": (32, 16, 8)}),
        ("UnetPlusPlus", "vgg11", {"decoder_channels": (32, 16, 8, 8, 8)}),  # its center is made, but never called
        pytest.param("FPN", "vgg11", {}, marks=pytest.mark.slow),
    ],
)
def test_the_logits_are_the_same_in_other_architectures(architecture, encoder, options, tmp_path):
    peer = _peer(architecture, encoder, **options)
    assert _difference(_of_folder(peer, tmp_path), peer, (128, 128)) < 1e-4


@pytest.mark.parametrize("encoder", ["densenet121", "dpn68", "xception", "mit_b0", "timm-skresnet18"])
def test_an_encoder_without_a_counterpart_is_refused_by_name(encoder, tmp_path):
    _peer("FPN", "resnet18").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace("resnet18", encoder))
    with pytest.raises(unetzoo.ConfigError, match=f"no equivalent in unetzoo: encoder '{encoder}'"):
        unetzoo.load(tmp_path)


def test_an_output_stride_that_an_encoder_has_otherwise_in_timm_is_refused(tmp_path):
    _peer("DeepLabV3Plus", "mobileone_s1").save_pretrained(tmp_path)
    with pytest.raises(unetzoo.ConfigError, match="encoder_output_stride = 16 of 'mobileone_s1'"):
        unetzoo.load(tmp_path)


WRAPPED = {
    "bare": lambda state: state,
    "Lightning": lambda state: {
        "state_dict": {"model." + name: value for name, value in state.items()} | {"loss.weight": torch.ones(2)},
        "epoch": 3,
        "optimizer_states": [{"state": {}}],
    },
    "DataParallel": lambda state: {"module." + name: value for name, value in state.items()},
    "compiled": lambda state: {"model": {"_orig_mod." + name: value for name, value in state.items()}, "step": 1},
}


@pytest.mark.parametrize(
    ("architecture", "wrap"), [*(("Unet", wrap) for wrap in WRAPPED), ("UnetPlusPlus", "bare"), ("FPN", "bare")]
)
def test_a_loose_state_dict_gives_the_network(architecture, wrap):
    peer = _peer(architecture, "resnet18")
    model = network_from_smp(WRAPPED[wrap](peer.state_dict()), encoder="resnet18")
    assert not model.training
    assert _difference(model, peer) < 1e-4
    again = unetzoo.create(model.config.decoder, **_arguments(model.config))
    again.load_state_dict(from_smp(WRAPPED[wrap](peer.state_dict())))
    assert _difference(again.eval(), peer) < 1e-4


def _arguments(config):
    names = ("encoder", "classes", "encoder_options", "decoder_options", "head_kernel_size")
    return {name: getattr(config, name) for name in names}


def test_what_does_not_show_in_tensors_is_said():
    peer = _peer(
        "Unet", "resnet18", in_channels=4, decoder_attention_type="scse", decoder_channels=(64, 32, 32, 16, 16)
    )
    state = peer.state_dict()
    model = network_from_smp(state, encoder="resnet18", options={"in_channels": 4})
    assert _difference(model, peer, channels=4) < 1e-4
    with pytest.raises(unetzoo.WeightsError, match="tensors of Unet with the encoder 'resnet18': size mismatch"):
        network_from_smp(state, encoder="resnet18")
    with pytest.raises(unetzoo.WeightsError, match="tensors of Unet with the encoder 'resnet34': Missing"):
        network_from_smp(state, encoder="resnet34", options={"in_channels": 4})


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ({}, "no state dict"),
        ({"epoch": 3}, "no state dict"),
        ({"a": {"x": torch.ones(1)}, "b": {"x": torch.ones(1)}}, "several state dicts, 'a', 'b'"),
        ({"layer1.weight": torch.ones(1)}, r"no segmentation_head\.\*, but layer1\.weight"),
        ({"segmentation_head.0.weight": torch.ones(1)}, "are not the tensors of a decoder"),
    ],
)
def test_what_is_no_state_dict_of_it_is_one_line(checkpoint, message):
    with pytest.raises(unetzoo.WeightsError, match=message) as caught:
        from_smp(checkpoint)
    assert len(str(caught.value)) < 200


def test_the_module_is_there_in_a_fresh_process():
    code = "import sys, unetzoo; assert 'torch' not in sys.modules; print(unetzoo.interop.smp.from_smp.__name__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "from_smp\n"


def test_other_names_of_interop_are_pythons_own_error():
    with pytest.raises(AttributeError, match=r"module 'unetzoo\.interop' has no attribute 'keras'"):
        unetzoo.interop.keras  # noqa: B018 - looking it up is the test
