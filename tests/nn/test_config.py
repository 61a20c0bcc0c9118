import dataclasses
import json

import pytest

from unetzoo import ConfigError, ModelConfig

_FULL = ModelConfig(
    decoder="unetpp",
    encoder="resnet34",
    classes=4,
    in_channels=1,
    encoder_options={"out_indices": (0, 2), "depth": None},
    decoder_options={"norm": "group", "deep_supervision": True},
    head_kernel_size=3,
    providers={"encoder": "unetzoo 1.0", "decoder": "unetzoo 1.0"},
)


def test_it_survives_json():
    assert ModelConfig.from_dict(json.loads(json.dumps(_FULL.to_dict()))) == _FULL


def test_it_has_a_format_number():
    assert _FULL.to_dict()["format"] == 1


def test_it_cannot_be_changed_by_the_mapping_that_it_was_made_of():
    options = {"widths": [1, 2]}
    config = ModelConfig(decoder="unet", encoder="plain", decoder_options=options)
    options["widths"].append(3)
    assert config.decoder_options == {"widths": [1, 2]}
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.decoder = "unetpp"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"format": 2},
            "this unetzoo reads configurations of format 1, not 2; a newer version of unetzoo wrote",
        ),
        ({"format": "1"}, "this unetzoo reads configurations of format 1, not '1'"),
        ({"colour": 1}, "not a configuration of a unetzoo model: unknown key 'colour'"),
        ({"classes": 0}, "classes must be a whole number >= 1, got 0"),
        ({"classes": True}, "classes must be a whole number >= 1, got True"),
        ({"decoder": 3}, "decoder must be a name, got 3"),
        ({"decoder_options": [1]}, r"decoder_options must be a mapping, got \[1\]"),
        ({"decoder_options": {"dropout": float("nan")}}, "decoder_options must be plain data"),
        ({"encoder_options": {"function": print}}, "encoder_options must be plain data"),
        ({"encoder_options": {1: 2}}, "encoder_options must have strings as keys"),
    ],
)
def test_what_is_no_configuration_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_dict(_FULL.to_dict() | change)


def test_missing_keys_are_named_together():
    with pytest.raises(ConfigError, match="no 'decoder', no 'encoder'"):
        ModelConfig.from_dict({"format": 1})
