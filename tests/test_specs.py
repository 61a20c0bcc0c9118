import dataclasses
import sys

import pytest

import unetzoo
from unetzoo import FeatureInfo, PluginError, ShapeError, lazy


def test_a_pyramid_has_as_many_levels_as_channels():
    assert len(FeatureInfo([8, 16], [2, 4])) == 2
    assert FeatureInfo([8, 16], [2, 4]) == FeatureInfo((8, 16), (2, 4))


@pytest.mark.parametrize(
    ("channels", "reductions", "message"),
    [
        ((), (), "needs one reduction for each level's channels"),
        ((8, 16), (2,), "needs one reduction for each level's channels"),
        ((8, 0), (2, 4), "must be whole numbers >= 1"),
        ((8, 16), (2, 4.0), "must be whole numbers >= 1"),
        ((8, 16), (8, 4), r"must grow by whole factors from level to level, got \(8, 4\)"),
        ((8, 16), (4, 2), "must grow by whole factors"),
        ((8, 16), (2, 5), "must grow by whole factors"),
    ],
)
def test_what_is_no_pyramid_is_refused(channels, reductions, message):
    with pytest.raises(ShapeError, match=message):
        FeatureInfo(channels, reductions)


@pytest.mark.parametrize("spec_class", [unetzoo.EncoderSpec, unetzoo.DecoderSpec, unetzoo.LossSpec])
def test_specs_are_frozen_and_keyword_only(spec_class):
    spec = spec_class(name="part", build=print)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"
    with pytest.raises(TypeError):
        spec_class("part", print)


def test_lazy_imports_when_it_is_resolved(tmp_path, monkeypatch):
    (tmp_path / "toy_lazy.py").write_text("def build(first, second): return first, second\n")
    monkeypatch.syspath_prepend(tmp_path)
    target = lazy("toy_lazy:build", 1)
    assert "toy_lazy" not in sys.modules
    assert target.resolve()(second=2) == (1, 2)


@pytest.mark.parametrize("target", ["toy", "toy:", ":build", "a b:c", "toy:build.inner", "toy:1"])
def test_a_target_of_another_form_is_refused_at_once(target):
    with pytest.raises(PluginError, match=r"lazy\(\) takes 'package.module:Name', got"):
        lazy(target)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module:build", "cannot load 'no_such_module:build': ModuleNotFoundError"),
        ("json:no_such_name", "cannot load 'json:no_such_name': AttributeError"),
        ("json:__name__", "'json:__name__' must be a class or a function, but is 'json'"),
    ],
)
def test_a_target_that_cannot_be_resolved_says_why(target, message):
    with pytest.raises(PluginError, match=message):
        lazy(target).resolve()
