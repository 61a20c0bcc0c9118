"""Our own parts keep every rule, and every rule catches a part that breaks it."""

from importlib.util import find_spec

import pytest
import torch
from breakers import datasets, decoders, encoders, engines, formats, losses, objects, recipes

import unetzoo
from unetzoo.testing import (
    check_dataset,
    check_decoder,
    check_encoder,
    check_engine,
    check_format,
    check_loss,
    check_objects,
    check_recipe,
    dataset_rules,
    decoder_rules,
    encoder_rules,
    engine_rules,
    format_rules,
    loss_rules,
    object_rules,
    recipe_rules,
)
from unetzoo.testing.battery import trials_of_plugin

SLOW = (
    "engine onnxruntime-computes_in_each_dtype",  # exports twice
    "engine openvino-computes_in_each_dtype",  # tests/inference/engines has int8, tests/deployment bfloat16
    "encoder resenc",  # large networks, of which smaller ones are tried below
    "encoder mednext",
    "decoder dpt",  # tests/parity has its logits and gradients, tests/decoders its sizes
)


def _own_trials():
    for trial in trials_of_plugin("unetzoo")[1:]:  # without the first rule: other plugins may offer our names
        name = f"{trial.part}-{trial.rule.__name__}"
        marks = [pytest.mark.slow] if name.startswith(SLOW) else []
        if trial.part == "engine openvino":
            marks.append(pytest.mark.skipif(find_spec("nncf") is None, reason="the extra openvino is not installed"))
        yield pytest.param(trial, id=name, marks=marks)


@pytest.mark.parametrize("trial", list(_own_trials()))
def test_our_own_parts_keep_every_rule(trial):
    assert trial.run().problem == ""


@pytest.mark.parametrize("options", [{"deep_supervision": True, "attention": "scse"}, {"norm": "none"}])
def test_our_decoders_keep_the_contract_with_other_options(options):
    check_decoder("unetpp", options=options)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_our_residual_encoder_keeps_the_contract_over_images_and_volumes(spatial_dims):
    options = {"widths": [4, 8, 12], "blocks": [1, 2, 1], "strides": [1, [1] * (spatial_dims - 1) + [2], 2]}
    check_encoder("resenc", options=options, spatial_dims=spatial_dims)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_our_encoder_of_mednext_keeps_the_contract_over_images_and_volumes(spatial_dims):
    options = {"width": 4, "depth": 3, "strides": [1, [1] * (spatial_dims - 1) + [2], 2, 2, 2]}
    check_encoder("mednext", options=options, spatial_dims=spatial_dims)


def test_an_encoder_that_ignores_the_number_of_axes_breaks_a_rule():
    def build(*, in_channels=3, pretrained=False, spatial_dims=2):
        return unetzoo.create_encoder("plain", in_channels=in_channels, options={"widths": [4, 8]})

    with pytest.raises(unetzoo.ContractError, match="features have 2 axes, 3 were asked for"):
        check_encoder(build, spatial_dims=3)


def test_a_decoder_that_takes_the_largest_factor_for_all_axes_breaks_a_rule():
    class Isotropic(unetzoo.Decoder):
        def __init__(self, features):
            super().__init__((4,), features.reductions[:1])
            self.project = torch.nn.Conv3d(features.channels[0], 4, 1)

        def forward(self, features):
            return [self.project(features[0])]

    with pytest.raises(unetzoo.ContractError, match="for pyramids of every kind: declared"):
        check_decoder(Isotropic, spatial_dims=3)


KINDS = {
    "encoder": (check_encoder, encoder_rules.RULES, encoders),
    "decoder": (check_decoder, decoder_rules.RULES, decoders),
    "loss": (check_loss, loss_rules.RULES, losses),
    "object": (check_objects, object_rules.RULES, objects),
    "dataset": (check_dataset, dataset_rules.RULES, datasets),
    "format": (check_format, format_rules.RULES, formats),
    "engine": (check_engine, engine_rules.RULES, engines),
    "recipe": (check_recipe, recipe_rules.RULES, recipes),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_a_breaker_and_what_the_breakers_change_keeps_the_contract(kind):
    check, rules, parts = KINDS[kind]
    assert [rule.__name__ for rule in rules] == list(parts.BREAKERS)
    check(parts.Sound)


@pytest.mark.parametrize(("kind", "rule"), [(kind, rule) for kind in KINDS for rule in KINDS[kind][2].BREAKERS])
def test_each_breaker_is_caught_by_its_rule(kind, rule):
    check, rules, parts = KINDS[kind]
    sentence = next(one.__doc__.strip().splitlines()[0] for one in rules if one.__name__ == rule).rstrip(".")
    threads = torch.get_num_threads()
    with pytest.raises(unetzoo.ContractError) as error:
        check(parts.BREAKERS[rule])
    torch.set_num_threads(threads)
    assert f"- {sentence}: " in str(error.value)


def test_a_failure_says_the_sentence_and_the_numbers():
    with pytest.raises(unetzoo.ContractError) as error:
        check_decoder(decoders.BREAKERS["takes_every_pyramid"])
    first, line, *_ = str(error.value).splitlines()
    assert first.startswith("decoder _HalfSize breaks ")
    assert line == (
        "- Output i is (b, out_channels[i], h / reductions[i], w / reductions[i]), for pyramids of every kind: "
        "declared [(2, 8, 32, 48)], got [(2, 8, 16, 24)]"
    )


def test_the_network_of_a_recipe_for_volumes_is_built_over_three_axes(tmp_path):
    path = tmp_path / "thick.toml"
    path.write_text("""[network]
encoder = "plain"
spatial_dims = 3
encoder_options = {widths = [4, 8], kernel_sizes = [[1, 3, 3], 3]}
""")
    check_recipe(unetzoo.RecipeSpec(name="thick", path=path, summary="volumes of thick slices"))
