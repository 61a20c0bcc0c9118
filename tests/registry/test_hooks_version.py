import pytest
from throwaway import Distribution, decoders, plugin

from unetzoo.registry.markers import HOOKS_VERSION

# A plugin as it was written for the first version of the hooks. It must go on working: do not change it.
_OF_VERSION_1 = """
import torch
import unetzoo


@unetzoo.hookimpl
def unetzoo_encoders():
    yield unetzoo.EncoderSpec(name="old_encoder", build=unetzoo.lazy("old_plugin:Encoder"), summary="one level a step")


@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="old_decoder", build=unetzoo.lazy("old_plugin:Decoder"), summary="the shallow level")


@unetzoo.hookimpl
def unetzoo_losses():
    yield unetzoo.LossSpec(name="old_loss", build=unetzoo.lazy("old_plugin:Loss"), summary="squared error")


class Encoder(unetzoo.Encoder):
    def __init__(self, *, in_channels=3, pretrained=False, width=4):
        super().__init__(unetzoo.FeatureInfo((width, width), (1, 2)))
        self.first = torch.nn.Conv2d(in_channels, width, 3, padding=1)

    def forward(self, x):
        shallow = self.first(x)
        return [shallow, torch.nn.functional.avg_pool2d(shallow, 2)]


class Decoder(unetzoo.Decoder):
    def __init__(self, features):
        super().__init__(out_channels=features.channels[:1], reductions=features.reductions[:1])

    def forward(self, features):
        return [features[0] + torch.nn.functional.interpolate(features[1], scale_factor=2.0)]


class Loss(torch.nn.Module):
    def forward(self, logits, target):
        return (logits[:, 0].sigmoid() - target).square().mean()
"""


def test_a_plugin_of_the_first_version_goes_on_working(site):
    site.install(plugin("old-plugin", _OF_VERSION_1))
    network = "unetzoo.create('old_decoder', encoder='old_encoder', encoder_options={'width': 6})"
    loss = f"unetzoo.create_loss('old_loss')({network}(torch.zeros(1, 3, 5, 7)), torch.ones(1, 5, 7)).ndim"
    answer = site.ask(f"(torch := __import__('torch')) and {loss}")
    assert (answer.value, answer.warnings) == (0, [])


@pytest.mark.parametrize("version", range(1, HOOKS_VERSION + 1))
def test_a_plugin_of_any_version_up_to_ours_is_active(version, site):
    site.install(plugin("toy", f"UNETZOO_HOOKS = {version}\n{decoders('toy_decoder')}"))
    assert site.ask("unetzoo.list_decoders('toy*')").value == ["toy_decoder"]


def test_one_that_needs_a_newer_version_is_refused_with_both(site):
    source = (
        f"UNETZOO_HOOKS = {HOOKS_VERSION + 1}\n{decoders('toy_decoder')}\n@unetzoo.hookimpl\ndef unetzoo_new(): yield"
    )
    answer = site.install(plugin("toy", source)).ask("[plugins()[1].problems, unetzoo.list_decoders('toy*')]")
    ((problem,), decoders_found) = answer.value
    assert problem.startswith(f"PluginError: it needs version {HOOKS_VERSION + 1} of the hooks; unetzoo ")
    assert problem.endswith(f" has version {HOOKS_VERSION}: upgrade unetzoo")
    assert decoders_found == []


def test_a_version_that_is_none_is_refused(site):
    site.install(Distribution("toy", {"toy": f"UNETZOO_HOOKS = 'two'\n{decoders('toy_decoder')}"}, {"toy": "toy"}))
    (problem,) = site.ask("plugins()[1].problems").value
    assert problem == "PluginError: its UNETZOO_HOOKS must be a whole number >= 1, got 'two'"
