import dataclasses

import numpy as np
import pytest
from drawn_objects import ellipses
from throwaway import plugin

import unetzoo
from unetzoo.objects.distance import Distance


def test_the_codings_are_listed_by_name():
    assert unetzoo.list_objects() == ["boundary", "components", "distance", "flows", "weighted"]
    assert unetzoo.list_objects("*o*s") == ["components", "flows"]


@pytest.mark.parametrize("name", unetzoo.list_objects())
def test_name_and_options_rebuild_a_coding(name):
    coding = unetzoo.create_objects(name, options={"threshold": 0.4})
    options = dataclasses.asdict(coding)
    assert options["threshold"] == 0.4
    assert {option.name for option in unetzoo.describe("object", name).options} == set(options)
    assert unetzoo.create_objects(name, options=options) == coding


def test_numbers_of_numpy_are_options():
    assert unetzoo.create_objects("distance", options={"smoothing": np.float32(1.5)}) == Distance(smoothing=1.5)


def test_an_option_of_another_coding_is_refused():
    with pytest.raises(unetzoo.OptionError, match="object coding 'components' has no option 'sigma'"):
        unetzoo.create_objects("components", options={"sigma": 3})


def test_a_name_that_does_not_exist_is_refused_with_a_proposal():
    with pytest.raises(unetzoo.UnknownNameError, match="no object coding named 'distances'; did you mean 'distance'"):
        unetzoo.create_objects("distances")


def test_a_plugin_must_give_a_coding(site):
    spec = "unetzoo.ObjectCodingSpec(name='odd', build=lambda: {}, summary='a mapping')"
    source = f"import unetzoo\nUNETZOO_HOOKS = 3\n@unetzoo.hookimpl\ndef unetzoo_objects():\n    yield {spec}\n"
    site.install(plugin("unetzoo-odd", source))
    answer = site.ask("unetzoo.create_objects('odd')", UNETZOO_PLUGINS="unetzoo-odd")
    assert answer.value["error"] == "PluginError"
    assert "must return an ObjectCoding, but returned {}" in answer.value["message"]


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("unetzoo._utils.extras.find_spec", lambda name: None if name == "skimage" else name)
    with pytest.raises(unetzoo.MissingExtraError, match=r"coding objects needs skimage: pip install '.\[objects\]'"):
        unetzoo.create_objects("components")


def test_a_coding_by_name_codes_objects():
    ids = ellipses(3, seed=5)
    coding = unetzoo.create_objects("boundary")
    assert coding.decode(coding.encode(ids)).max() == len(np.unique(ids)) - 1
