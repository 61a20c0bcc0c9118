import pytest
import timm
import torch
from safetensors.torch import save_file

from unetzoo import OptionError, UnknownNameError
from unetzoo.bench.grid import Combination, create_parts, expand, matching, split_commas, without_braces


def test_braces_are_alternatives():
    assert without_braces("resnet{18,34}") == ["resnet18", "resnet34"]
    assert without_braces("a{b,c}d{e,f}") == ["abde", "abdf", "acde", "acdf"]
    assert without_braces("resnet18") == ["resnet18"]


def test_commas_in_braces_and_parentheses_separate_nothing():
    assert split_commas("resnet{18,34}, convnext_*") == ["resnet{18,34}", "convnext_*"]
    assert split_commas("unet,unetpp(deep_supervision=True, norm='group')") == [
        "unet",
        "unetpp(deep_supervision=True, norm='group')",
    ]


def test_patterns_match_names_once_and_keep_their_options():
    names = {"unet*": ["unet", "unetpp"], "unet": ["unet"]}
    assert matching(["unet", "unet*"], names.__getitem__) == ["unet", "unetpp"]
    assert matching(["unet*(norm='group')"], names.__getitem__) == ["unet(norm='group')", "unetpp(norm='group')"]
    with pytest.raises(OptionError, match="nothing matches 'zzz"):
        matching(["zzz*"], lambda _: [])


def test_a_grid_is_every_combination_seed_by_seed():
    grid = expand(
        decoders=["unet", "fpn"], encoders=["resnet{18,34}"], losses=["dice", "ce"], data=["nuclei"], seeds=3, steps=5
    )
    assert len(grid) == len(set(grid)) == 2 * 2 * 2 * 3
    assert [run.seed for run in grid] == [0] * 8 + [1] * 8 + [2] * 8
    assert len({run.file_name for run in grid}) == len(grid)


def test_codings_of_objects_take_the_place_of_losses():
    grid = expand(
        decoders=["unet"],
        encoders=["resnet18"],
        objects=["boundary", "distance(min_size=9)"],
        data=["d"],
        seeds=2,
        steps=5,
    )
    assert [(run.loss, run.objects) for run in grid] == [("", "boundary"), ("", "distance(min_size=9)")] * 2
    assert len({run.file_name for run in grid}) == 4
    with pytest.raises(OptionError, match="either losses of classes, or codings of objects"):
        expand(decoders=["unet"], encoders=["resnet18"], losses=["ce"], objects=["flows"], data=["d"], seeds=1, steps=5)
    with pytest.raises(UnknownNameError, match="did you mean 'flows'"):
        expand(decoders=["unet"], encoders=["resnet18"], objects=["flow"], data=["d"], seeds=1, steps=5)


def test_without_losses_and_objects_the_data_decides():
    (run,) = expand(decoders=["unet"], encoders=["resnet18"], data=["d"], seeds=1, steps=5)
    assert (run.loss, run.objects, run.title) == ("", "", "unet, resnet18, d, seed 0")
    said = {"decoder": "unet", "encoder": "resnet18", "data": "d", "seed": 0, "steps": 5}
    assert run.file_name != Combination(**said, loss="dice + ce").file_name
    with pytest.raises(OptionError, match="either losses of classes, or codings of objects"):
        Combination(**said, loss="dice", objects="flows")


def _recipe(path, text):
    path.write_text(f"format = 1\n{text}")
    return str(path)


def test_a_recipe_names_parts_and_training_and_the_grid_its_length_and_data(tmp_path):
    text = """
    [network]
    encoder = "plain"
    encoder_options = {widths = [4, 8], norm = "group"}
    objects = "distance"
    objects_options = {min_size = 9}
    [training]
    steps = 900
    batch = 3
    learning_rate = 0.01
    workers = 2
    [data]
    source = "elsewhere"
    """
    mine = _recipe(tmp_path / "mine.toml", text)
    runs = expand(recipes=["cracks", mine], data=["nuclei"], seeds=2, steps=5)
    assert [run.recipe for run in runs] == ["cracks", mine] * 2
    cracks, own = runs[:2]
    assert (cracks.decoder, cracks.encoder) == ("unet(widths=[48, 24, 12])", "plain(widths=[12, 24, 48, 96])")
    assert (cracks.loss, cracks.objects, cracks.batch, cracks.crop, cracks.steps) == ("", "", 4, 64, 5)
    assert cracks.training == {"balance": 0.5}
    assert (own.encoder, own.objects) == ("plain(widths=[4, 8], norm='group')", "distance(min_size=9)")
    assert (own.batch, own.crop, own.data, own.training) == (3, 128, "nuclei", {"learning_rate": 0.01})
    (same_crops,) = expand(recipes=["cracks"], data=["nuclei"], seeds=1, steps=5, crop=96)
    assert (same_crops.crop, same_crops.batch) == (96, 4)


def test_the_file_of_a_result_is_that_of_what_the_recipe_says_now(tmp_path):
    names = set()
    for rate in (0.01, 0.02):
        mine = _recipe(tmp_path / "mine.toml", f"[training]\nlearning_rate = {rate}")
        (run,) = expand(recipes=[mine], data=["nuclei"], seeds=1, steps=5)
        names.add(run.file_name)
    assert len(names) == 2


def test_results_of_earlier_grids_are_found_by_their_names():
    said = {"decoder": "unet", "encoder": "resnet18", "loss": "ce", "data": "nuclei", "seed": 0, "steps": 5}
    assert Combination(**said).file_name == "unet-resnet18-ce-nuclei-0-9a147ca4.json"  # before there were recipes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[network]\nspatial_dims = 3", r"has network\.spatial_dims, but a grid"),
        ("[network]\npretrained = true", r"has network\.pretrained, but"),
        ("[data]\nspacing = [1.0, 1.0]\nnormalization = ['z-score']", r"has data\.spacing, data\.normalization, but"),
        ("[training]\nlearning_rat = 1", "unknown key 'training.learning_rat'; did you mean"),
    ],
)
def test_what_a_grid_does_not_do_is_refused_not_left_out(text, problem, tmp_path):
    with pytest.raises(OptionError, match=problem):
        expand(recipes=[_recipe(tmp_path / "mine.toml", text)], data=["nuclei"], seeds=1, steps=5)


def test_recipes_come_instead_of_parts():
    with pytest.raises(OptionError, match="leave decoders, encoders, losses and objects out"):
        expand(recipes=["cells"], decoders=["unet"], data=["nuclei"], seeds=1, steps=5)
    with pytest.raises(UnknownNameError, match="did you mean 'cells'"):
        expand(recipes=["cels"], data=["nuclei"], seeds=1, steps=5)


def test_what_is_asked_for_twice_is_measured_once():
    twice = {"decoders": ["unet", "unet"], "losses": ["dice", "dice"], "data": ["nuclei", "nuclei"]}
    assert len(expand(**twice, encoders=["resnet18"], seeds=1, steps=5)) == 1


@pytest.mark.parametrize("wrong", [{"decoders": ["unte"]}, {"encoders": ["resnet81(depth=4)"]}], ids=str)
def test_a_name_that_nothing_has_is_an_error_at_once(wrong):
    names = {"decoders": ["unet"], "encoders": ["resnet18"], "losses": ["dice"], "data": ["nuclei"]} | wrong
    with pytest.raises(UnknownNameError, match="did you mean"):
        expand(**names, seeds=1, steps=5)


def test_a_long_combination_has_a_name_that_a_file_may_have():
    fields = {"decoder": "unetpp(widths=(1, 2))" * 20, "encoder": "resnet18", "loss": "ce", "data": "d", "seed": 0}
    assert len(Combination(**fields, steps=5).file_name) < 200


def test_whatever_changes_a_result_changes_its_file():
    fields = {"decoder": "unet", "encoder": "resnet18", "loss": "ce", "data": "nuclei", "seed": 0}
    names = {
        Combination(**fields, steps=5).file_name,
        Combination(**fields, steps=6).file_name,
        Combination(**fields, seconds=5).file_name,
        Combination(**fields, steps=5, crop=64).file_name,
    }
    assert len(names) == 4


@pytest.mark.parametrize(
    "budget", [{}, {"steps": 5, "seconds": 5}, {"steps": 0}, {"seconds": -1}, {"steps": 5, "batch": 0}], ids=str
)
def test_a_budget_is_steps_or_seconds(budget):
    with pytest.raises(OptionError):
        Combination(decoder="unet", encoder="resnet18", loss="ce", data="nuclei", seed=0, **budget)


def test_a_network_of_parts_begins_with_the_weights_of_a_file(tmp_path):
    weights = timm.create_model("resnet10t").state_dict()
    save_file(weights, tmp_path / "weights.safetensors")
    model = create_parts("unet", "resnet10t", pretrained=str(tmp_path / "weights.safetensors"))
    one = next(value for name, value in model.encoder.named_parameters() if name.endswith("layer1.0.conv1.weight"))
    torch.testing.assert_close(one, weights["layer1.0.conv1.weight"])
