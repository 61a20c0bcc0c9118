import pytest
import torch
from transformers import AutoBackbone, AutoConfig
from unetzoo_transformers import _NAMES

import unetzoo
from unetzoo.testing import check_encoder

SMALL = {
    "swin": {"embed_dim": 12, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 2], "window_size": 4},
    "convnextv2": {"hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1]},
    "dinov2": {"hidden_size": 24, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56},
    "dinov3_vit": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 48},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 24], "depths": [1, 1, 1, 1]},
}


@pytest.mark.parametrize("name", SMALL)
def test_the_encoder_keeps_the_contract(name):
    check_encoder(f"hf:{name}", options={"config": SMALL[name]})


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_every_name_makes_a_network_for_any_size(name):
    model = unetzoo.create("unet", encoder=f"hf:{name}", in_channels=2).eval()
    with torch.no_grad():
        assert model(torch.randn(1, 2, 200, 264)).shape == (1, 1, 200, 264)


def test_the_features_are_those_of_the_backbone_itself():
    torch.manual_seed(0)
    encoder = unetzoo.create_encoder("hf:swin", options={"config": SMALL["swin"]}).eval()
    config = AutoConfig.for_model("swin", **SMALL["swin"], out_features=["stage1", "stage2", "stage3", "stage4"])
    backbone = AutoBackbone.from_config(config).eval()
    backbone.load_state_dict(encoder.backbone.state_dict())
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for actual, expected in zip(encoder(image), backbone(image).feature_maps, strict=True):
            torch.testing.assert_close(actual, expected)


def test_weights_and_configuration_come_from_a_saved_folder(tmp_path):
    config = AutoConfig.for_model("convnextv2", **SMALL["convnextv2"])
    backbone = AutoBackbone.from_config(config)
    backbone.save_pretrained(tmp_path)
    encoder = unetzoo.create_encoder("hf:convnextv2", pretrained=str(tmp_path))
    state = encoder.backbone.state_dict()
    shared = {
        name: value for name, value in backbone.state_dict().items() if not name.startswith("hidden_states_norms")
    }
    assert shared
    assert all(torch.equal(state[name], value) for name, value in shared.items())


def test_a_network_is_saved_and_loaded(tmp_path):
    options = {"config": SMALL["dinov2"]}
    model = unetzoo.create("unetpp", encoder="hf:dinov2", encoder_options=options).eval()
    loaded = unetzoo.load(unetzoo.save(model, tmp_path))
    image = torch.randn(1, 3, 70, 50)
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), model(image))


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("swin", {"pretrained": True}, "hf:swin has no weights by default; name a repository"),
        ("swin", {"pretrained": "FOLDER"}, "is a 'convnextv2', not a 'swin'"),
        ("convnextv2", {"pretrained": "FOLDER", "in_channels": 1}, "are for 3 channels, not 1"),
        ("swin", {"pretrained": "/no/such/folder"}, "cannot read the configuration of '/no/such/folder'"),
    ],
    ids=["default", "another type", "channels", "missing"],
)
def test_weights_that_there_are_not_are_refused(name, fields, message, tmp_path):
    AutoBackbone.from_config(AutoConfig.for_model("convnextv2", **SMALL["convnextv2"])).save_pretrained(tmp_path)
    fields = {key: str(tmp_path) if value == "FOLDER" else value for key, value in fields.items()}
    with pytest.raises(unetzoo.PretrainedError, match=message):
        unetzoo.create_encoder(f"hf:{name}", **fields)


def test_a_configuration_that_is_none_is_refused():
    with pytest.raises(unetzoo.OptionError, match=r"transformers cannot build 'swin'|refuses this configuration"):
        unetzoo.create_encoder("hf:swin", options={"config": {"embed_dim": -3}})
