import pytest

import unetzoo
from unetzoo.serving.kinds import choose_kind
from unetzoo.serving.refusals import RefusalError


def _config(**options):
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, **options).config


CLASSES = _config(classes=2)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "png"),
        ("*/*", "png"),
        ("image/tiff", "tif"),
        ("IMAGE/TIFF", "tif"),
        ("text/html, image/*", "png"),
        ("application/json", "json"),
        ("image/png;q=0.4, application/json;q=0.9", "json"),
        ("image/png;q=0, image/tiff;q=0.1", "tif"),
        ("application/json; charset=utf-8, image/png", "json"),
    ],
)
def test_the_most_welcome_type_that_the_network_gives_is_chosen(accept, kind):
    assert choose_kind(None, accept, CLASSES) == kind


def test_the_query_goes_before_the_header():
    assert choose_kind("tif", "application/json", CLASSES) == "tif"


@pytest.mark.parametrize("accept", ["text/html", "image/png;q=0", "text/csv", "image/png;q=x"])
def test_a_type_that_is_not_given_is_refused_with_those_that_are(accept):
    with pytest.raises(RefusalError, match="image/png, image/tiff, application/json") as refusal:
        choose_kind(None, accept, CLASSES)
    assert refusal.value.status == 406


def test_outlines_are_of_objects_and_planes_of_overlapping_classes_are_no_png():
    with pytest.raises(RefusalError, match=r"png, tif, json, preview for this network, got 'geojson'"):
        choose_kind("geojson", "", CLASSES)
    assert choose_kind("geojson", "", _config(classes=1, objects="components")) == "geojson"
    overlapping = _config(classes=3, labels="overlapping")
    assert choose_kind(None, "", overlapping) == "tif"
    with pytest.raises(RefusalError, match="tif, json, preview"):
        choose_kind("png", "", overlapping)
