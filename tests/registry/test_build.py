"""`create` is `build` of a configuration: one set of defaults, checks and look-ups."""

import dataclasses
import inspect
from collections import Counter

import pytest

import unetzoo
from unetzoo.registry.build import build
from unetzoo.registry.registry import Registry

_NOT_ARGUMENTS = {"postprocessing", "providers", "info"}
_INVALID = {
    "classes": 0,
    "in_channels": True,
    "head_kernel_size": 2,
    "aux_classes": -1,
    "aux_pooling": "mean",
    "aux_dropout": 1.0,
    "encoder_options": [1],
    "decoder_options": {"widths": float("nan")},
    "encoder": 3,
}


def test_create_has_the_defaults_of_the_configuration():
    parameters = inspect.signature(unetzoo.create).parameters
    config = unetzoo.ModelConfig(decoder="unet", encoder="plain")
    for field in dataclasses.fields(config):
        if field.name not in {"decoder", "encoder", *_NOT_ARGUMENTS}:
            assert (parameters[field.name].default or {}) == (getattr(config, field.name) or {}), field.name


@pytest.mark.parametrize("name", _INVALID)
def test_an_invalid_argument_and_an_invalid_configuration_have_one_message(name):
    arguments = {"encoder": "plain", name: _INVALID[name]}
    with pytest.raises(unetzoo.OptionError) as of_create:
        unetzoo.create("unet", **arguments)
    with pytest.raises(unetzoo.ConfigError) as of_config:
        unetzoo.ModelConfig.from_dict({"format": 1, "decoder": "unet", **arguments})
    assert str(of_create.value) == str(of_config.value)


def test_each_part_is_looked_up_once(monkeypatch):
    calls, find = Counter(), Registry.find

    def counted(self, name):
        calls[self.kind] += 1
        return find(self, name)

    monkeypatch.setattr(Registry, "find", counted)
    unetzoo.create("unet", encoder="plain")
    assert calls == {"encoder": 1, "decoder": 1}


def test_a_built_network_knows_its_providers_and_what_its_configuration_says_of_the_images():
    info = unetzoo.ModelInfo(class_names=["background", "cell"], mean=[0.5])
    config = unetzoo.ModelConfig(
        decoder="unet", encoder="plain", classes=2, info=info, providers={"encoder": "other 1"}
    )
    model = build(config)
    assert model.config.info == info
    assert model.config.providers == {"encoder": f"unetzoo {unetzoo.__version__}"} | {
        "decoder": f"unetzoo {unetzoo.__version__}"
    }
