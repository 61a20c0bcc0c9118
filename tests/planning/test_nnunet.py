import json
from pathlib import Path

import pytest
from make_plans import FILE, PLANNERS, nnunet_plan
from plan_cases import CASES, PIXELS, random_cases

from unetzoo.planning.fingerprint import Fingerprint, Intensities
from unetzoo.planning.planner import plan_for

_EXPECTED = json.loads(FILE.read_text(encoding="utf-8"))
_SCHEMES = {"ZScoreNormalization": "z-score", "CTNormalization": "clip"}


def _fingerprint(cases):
    first = 1 if cases.spacings[0][0] == PIXELS else 0
    return Fingerprint(
        shapes=tuple(shape[first:] for shape in cases.shapes),
        spacings=tuple(spacing[first:] for spacing in cases.spacings),
        channels=tuple(Intensities(name=name) for name in cases.channels),
        classes=cases.classes,
    )


def _ours(cases, network, memory, theirs, configuration):
    """Our plan for the same cases as nnunetv2 writes it: its axes are in another order, and numbers are texts."""
    dims = int(configuration[0])
    plan = plan_for(_fingerprint(cases), encoder=network, memory=memory, spatial_dims=dims)
    order = theirs["axes"][3 - dims :]
    places = [sorted(order).index(axis) for axis in order]

    def turned(sides):
        return [sides[place] for place in places]

    def text(levels):
        return " ".join("".join(map(str, turned(sides))) for sides in levels)

    return {
        "axes": theirs["axes"],
        "spacing": [round(step, 6) for step in turned(plan.spacing)],
        "patch": turned(plan.patch),
        "batch": plan.batch,
        "strides": text(plan.strides),
        "kernels": text(plan.kernels),
        "widths": [*plan.widths],
        "normalization": [each.scheme for each in plan.normalization],
        "in_mask": [each.within_mask for each in plan.normalization],
    }


def _words(theirs):
    return theirs | {"normalization": [_SCHEMES[name] for name in theirs["normalization"]]}


@pytest.mark.parametrize("number", range(len(_EXPECTED["plans"])))
def test_a_plan_is_that_of_nnunet(number):
    expected = dict(_EXPECTED["plans"][number])
    names = [expected.pop(key) for key in ("cases", "network", "memory", "configuration")]
    cases, network, memory, configuration = names
    assert _ours(CASES[cases], network, memory, expected, configuration) == _words(expected), names


def test_the_plans_of_nnunet_are_of_all_kinds_of_data():
    assert {plan["cases"] for plan in _EXPECTED["plans"]} == {*CASES}
    assert {(plan["network"], plan["memory"]) for plan in _EXPECTED["plans"]} == {*PLANNERS}
    assert len({plan["strides"] for plan in _EXPECTED["plans"]}) > 10


@pytest.mark.parametrize("planner", [("plain", 8), ("resenc", 24)])
@pytest.mark.parametrize("seed", range(12))
def test_a_plan_of_random_cases_is_that_of_the_installed_nnunet(tmp_path, monkeypatch, seed, planner):
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path))
    pytest.importorskip("nnunetv2")
    cases = random_cases(seed)
    for configuration, theirs in nnunet_plan(cases, *planner, Path(tmp_path)).items():
        assert _ours(cases, *planner, theirs, configuration) == _words(theirs)
