import subprocess
import sys
import tomllib

import pytest
import stacks
import torch

import unetzoo
from unetzoo.data.masks.options import MaskOptions
from unetzoo.planning.fingerprint import Fingerprint, Intensities
from unetzoo.planning.planner import plan_for
from unetzoo.planning.reasons import reasons_of
from unetzoo.planning.recipe import recipe_text

_CLIP = {"low": -50, "high": 150, "mean": 80, "std": 20}


def _plan(shape, spacing, *, names=("CT",), count=4, **options):
    channels = tuple(Intensities(name=name, mean=80, std=20, low=-50, high=150) for name in names)
    shapes, spacings = (shape,) * count, (spacing,) * count
    return plan_for(Fingerprint(shapes=shapes, spacings=spacings, channels=channels, classes=2, unit="mm"), **options)


def test_the_reasons_name_each_choice():
    spacing, patch, levels, batch, normalization = reasons_of(_plan((20, 256, 256), (5.0, 1.0, 1.0), memory=2))
    assert spacing == "spacing 5 x 1 x 1 mm: the median of 4 cases"
    assert patch.startswith("patch 14 x 192 x 160 of the median case of 20 x 256 x 256 pixels: the largest of about")
    assert levels == (
        "6 levels: axes are halved where pixels are short and many (z 1, y 5, x 5 times); kernels are 1 wide along z "
        "until pixels are nearly as long as wide"
    )
    assert batch == "batch 2: the least, so that the patch may be large"
    assert normalization == (
        "normalization: clip to -50 and 150, the 0.5 and 99.5 percentiles of the foreground, then subtract its mean 80 "
        "and divide by its standard deviation 20"
    )


def test_different_normalizations_are_named_by_channel():
    plan = _plan((64, 64, 64), (1.0, 1.0, 1.0), names=("CT", "PET"))
    text = reasons_of(plan)[-1]
    assert "CT: clip to" in text
    assert text.endswith("; PET: z-score of each image")


def test_a_small_patch_is_said():
    text = reasons_of(_plan((400, 400, 400), (1.0, 1.0, 1.0)))[1]
    assert "; it sees 3% of it, where nnU-Net adds a network of larger pixels" in text


def test_a_recipe_of_images_is_one_that_unetzoo_train_takes():
    plan = _plan((300, 200), (1.0, 1.0), names=("a", "b"))
    text = recipe_text(plan, "cells", MaskOptions(["sky", "cell"], ignore=[7]), "bfloat16")
    recipe = unetzoo.Recipe.from_dict(tomllib.loads(text))
    assert (recipe.data.source, recipe.data.classes, recipe.data.ignore) == ("cells", ["sky", "cell"], [7])
    assert recipe.data.channels == ("a", "b")
    assert (recipe.training.batch, recipe.training.precision) == (plan.batch, "bfloat16")
    assert plan.patch == (320, 224)
    assert recipe.training.crop == 256  # 320 * 224 = 268^2, in steps of 32 or 64 that the levels need
    assert text.startswith("# Planned by `unetzoo plan`")


@pytest.mark.parametrize(("dims", "crop"), [(2, 24), (3, (6, 24, 24))])
def test_a_network_is_trained_by_the_recipe_of_a_plan(tmp_path, dims, crop):
    stacks.write_cases(tmp_path / "cases", count=3, shape=(6, 24, 24))
    plan = plan_for(unetzoo.fingerprint(tmp_path / "cases", volumes=True), memory=0.1, spatial_dims=dims)
    (tmp_path / "plan.toml").write_text(recipe_text(plan, str(tmp_path / "cases"), MaskOptions()))
    recipe = unetzoo.Recipe.load(tmp_path / "plan.toml", {"training.steps": 1, "training.batch": 2})
    assert recipe.training.crop == crop
    assert recipe.data.spacing == plan.spacing
    network = unetzoo.fit_recipe(recipe, tmp_path / "run").model
    assert network.config.info.normalization == ("z-score",)
    assert network.encoder.features.channels == plan.widths
    assert network.config.info.pixel_size == plan.spacing
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, *plan.patch)).shape == (1, 2, *plan.patch)


@pytest.mark.parametrize("unit", ["mm", ""])
def test_a_recipe_has_the_spacing_unless_the_files_state_no_unit(unit):
    channels = (Intensities(name="CT", mean=80, std=20, low=-50, high=150),)
    spacings = ((3.0, 0.7, 0.7), (3.0, 0.8, 0.8), (3.5, 0.9, 0.9))
    various = Fingerprint(shapes=((40, 64, 64),) * 3, spacings=spacings, channels=channels, classes=2, unit=unit)
    text = recipe_text(plan_for(various), "livers", MaskOptions())
    recipe = unetzoo.Recipe.from_dict(tomllib.loads(text))
    assert recipe.data.spacing == ((3.0, 0.8, 0.8) if unit else ())
    lack = "does not resample files that state no unit of length: bring images and masks to a spacing of 3 x 0.8 x 0.8"
    assert (lack in text) == (not unit)


def test_a_recipe_says_what_a_training_does_not_do():
    channels = (Intensities(name="CT", mean=80, std=20, low=-50, high=150),)
    spacings = ((0.5, 0.5), (0.5, 0.5), (0.6, 0.5))
    various = Fingerprint(shapes=((300, 200),) * 3, spacings=spacings, channels=channels, classes=2, unit="mm")
    text = recipe_text(plan_for(various), "cells", MaskOptions())
    assert "does not resample" not in text
    assert "does not do all of it" not in recipe_text(_plan((40, 64, 64), (1, 1, 1)), "cells", MaskOptions())


@pytest.mark.parametrize(
    ("names", "share", "normalization"),
    [
        (["CT"], 1.0, [_CLIP]),
        (["T1", "T2"], 1.0, ["z-score"]),
        (["T1", "ct", "noNorm"], 0.5, ["z-score of nonzero", _CLIP, "none"]),
        (["rescale_to_0_1", "rgb_to_0_1"], 1.0, ["to 0..1", {"low": 0, "high": 255, "mean": 0, "std": 255}]),
    ],
)
def test_a_recipe_has_the_normalization_of_each_channel_or_one_for_all(names, share, normalization):
    channels = tuple(Intensities(name=name, mean=80, std=20, low=-50, high=150) for name in names)
    shapes = {"shapes": ((64, 64),) * 3, "spacings": ((1.0, 1.0),) * 3}
    plan = plan_for(Fingerprint(channels=channels, classes=2, share_after_crop=share, **shapes))
    tables = tomllib.loads(recipe_text(plan, "cells", MaskOptions()))
    assert tables["data"]["normalization"] == normalization
    fixed = unetzoo.ClipNormalization(**_CLIP)
    assert (fixed in unetzoo.Recipe.from_dict(tables).data.normalization) is (_CLIP in normalization)


def test_a_foreground_of_a_single_value_is_not_divided_by_0():
    channels = (Intensities(name="CT", mean=80, std=0, low=80, high=80),)
    plan = plan_for(Fingerprint(shapes=((64, 64),), spacings=((1.0, 1.0),), channels=channels, classes=2))
    assert plan.normalization[0].value == "z-score"


def test_the_arithmetic_needs_no_torch():
    program = "import sys, unetzoo.planning.planner as p; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("encoder", ["plain", "resenc"])
def test_a_plan_of_volumes_has_crops_by_axis(encoder):
    plan = _plan((8, 64, 48), (4.0, 1.0, 1.0), encoder=encoder)
    network = unetzoo.create("unet", **plan.network).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, *plan.patch)).shape == (1, 2, *plan.patch)
