"""What a plugin may yield as an engine."""

import pytest

from unetzoo import EngineSpec, PluginError, describe, lazy, list_engines
from unetzoo.registry.offers import checked_items


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtypes": ("int4",)}, "dtypes of 'fast' must be some of float32, bfloat16, float16, int8; got"),
        ({"dtypes": ()}, "dtypes of 'fast' must be some of"),
        ({"convert": 3}, "convert of 'fast' must be a class, a function or lazy"),
        ({"start": "x"}, "start of 'fast' must be a class, a function or lazy"),
        ({"check": 3}, "check of 'fast' must be a class, a function or lazy"),
        ({"name": "a b"}, "invalid name 'a b'"),
    ],
)
def test_an_engine_that_cannot_work_is_refused_when_it_is_yielded(options, message):
    spec = EngineSpec(**{"name": "fast", "convert": lazy("a:convert"), "start": lazy("a:start"), **options})
    with pytest.raises(PluginError, match=message):
        checked_items("engine", [spec])


def test_the_engines_are_listed_and_described_without_the_packages_that_they_need():
    assert {"torch", "openvino", "onnxruntime"} <= set(list_engines())
    described = describe("engine", "openvino")
    assert (described.options, described.dtypes) == ((), ("float32", "bfloat16", "int8"))
    assert described.provider.startswith("unetzoo ")
