import json
import tomllib

import numpy as np
import pytest
import stacks

import unetzoo


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return str(stacks.write_cases(tmp_path_factory.mktemp("cases"), count=3, shape=(6, 40, 36)))


def test_a_recipe_with_reasons_and_a_json(invoke, cases, tmp_path):
    recipe, facts = tmp_path / "plan.toml", tmp_path / "plan.json"
    flags = ("--spatial-dims", "3", "--memory", "0.5", "--channels", "CT", "--out", str(recipe), "--json", str(facts))
    done = invoke("plan", cases, *flags)
    assert done.exit_code == 0, done.output
    expected = unetzoo.plan(cases, spatial_dims=3, memory=0.5, channels=["CT"])
    tables = tomllib.loads(recipe.read_text())
    assert tables["training"] == {"batch": expected.batch, "crop": [*expected.patch]}
    assert tables["network"]["encoder_options"] == expected.network["encoder_options"]
    (clip,) = tables["data"].pop("normalization")
    foreground = [image[mask == 1] for image, mask in map(stacks.volume, range(3))]
    assert clip["mean"] == pytest.approx(np.mean([values.mean() for values in foreground]))
    for name, percent in (("low", 0.5), ("high", 99.5)):
        assert clip[name] == pytest.approx(np.percentile(np.concatenate(foreground), percent), abs=2)
    assert tables["data"] == {"source": cases, "channels": ["CT"], "spacing": [*expected.spacing]}
    described = json.loads(facts.read_text())
    assert (described["patch"], described["unit"]) == ([*expected.patch], "um")
    assert described["normalization"][0]["intensities"]["name"] == "CT"
    assert "memory 0.5 GB: --memory\nspacing 4 x 0.75 x 0.5 um: the median of 3 cases\n" in done.stdout
    assert f"recipe {recipe}: unetzoo train --recipe {recipe} --out run" in done.stdout


def test_without_a_file_the_recipe_is_printed(invoke, cases):
    done = invoke("plan", cases, "--spatial-dims", "3", "--memory", "1")
    assert done.exit_code == 0, done.output
    text = done.stdout[done.stdout.index("# Planned by") :]
    assert tomllib.loads(text)["network"]["spatial_dims"] == 3


def test_what_does_not_fit_is_one_line(invoke, cases, tmp_path):
    for flags, message in (
        (("--memory", "0"), "--memory must be a number of GB > 0, got 0.0"),
        (("--encoder", "resnet34"), "--encoder must be one of plain, resenc; got 'resnet34'"),
        (("--spatial-dims", "4"), "--spatial-dims must be 2 or 3, got 4"),
        (("--spacing", "a"), "--spacing must be numbers, such as 3,0.8,0.8; got 'a'"),
        (("--out", str(tmp_path / "plan.yaml")), "--out must be a .toml file, got "),
        (("--out", str(tmp_path / "missing" / "plan.toml")), "cannot write"),
        (("--spatial-dims", "3", "--channels", "T1,T2"), "channels names T1, T2, but the images have 1 channel"),
    ):
        done = invoke("plan", cases, *flags)
        assert done.exit_code in (1, 2)
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert [*tmp_path.iterdir()] == []
