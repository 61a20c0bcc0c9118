import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo
from unetzoo.errors import WriteError
from unetzoo.inspection.dissect import dissect
from unetzoo.inspection.drawing import _figure, save_drawing, short

_IMAGE = (3, 64, 96)
_TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture(scope="module")
def anatomies():
    def built(decoder, **options):
        with torch.device("meta"):
            return dissect(unetzoo.create(decoder, encoder="plain", decoder_options=options), _IMAGE[1:])

    return {"unet": built("unet"), "unetpp": built("unetpp"), "supervised": built("unetpp", deep_supervision=True)}


@pytest.fixture
def draw(anatomies, tmp_path):
    def draw(name, file):
        save_drawing(anatomies[name], tmp_path / file, title=f"the title of {name}", image=_IMAGE)
        return tmp_path / file

    return draw


def _texts(path):
    return [element.text for element in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_svg_names_title_rows_and_the_channels_of_every_part(draw, anatomies):
    texts = _texts(draw("unetpp", "net.svg"))
    assert "the title of unetpp" in texts
    assert {"full size", "1/2", "1/4", "1/8", "1/16", f"32 {_TIMES} 48", f"4 {_TIMES} 6"} <= set(texts)
    expected = sorted(str(part.channels) for part in anatomies["unetpp"].parts)
    assert sorted(text for text in texts if text in {"1", "32", "64", "128", "256", "512"}) == expected


def test_svg_has_an_arrow_for_each_connection(draw, anatomies):
    arrows = {}
    for name in ("unet", "unetpp"):
        tree = ET.parse(draw(name, f"{name}.svg"))
        groups = [group.get("id", "") for group in tree.iter("{http://www.w3.org/2000/svg}g")]
        arrows[name] = sum(group.startswith("patch_") for group in groups)
    connections = {name: sum(len(part.sources) for part in anatomies[name].parts) for name in arrows}
    boxes = {name: len(anatomies[name].parts) for name in arrows}
    assert connections == {"unet": 4 + 4 * 2 + 1, "unetpp": 4 + 4 * 2 + 3 * 3 + 2 * 4 + 5 + 1}
    assert arrows["unetpp"] - arrows["unet"] == sum(
        counted["unetpp"] - counted["unet"] for counted in (connections, boxes)
    )


def test_every_supervised_head_is_drawn(draw):
    assert _texts(draw("supervised", "net.svg")).count("1") == 4


def test_the_same_network_gives_the_same_svg(draw):
    assert draw("unet", "first.svg").read_bytes() == draw("unet", "second.svg").read_bytes()


def test_png_shows_more_for_the_larger_graph_and_leaves_the_border_white(draw):
    ink = {}
    for name in ("unet", "unetpp"):
        with Image.open(draw(name, f"{name}.png")) as image:
            pixels = np.asarray(image.convert("RGB"))
        assert min(pixels.shape[:2]) > 800
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (border == 255).all()
        ink[name] = (pixels < 250).any(axis=2).mean()
    assert 0.05 < ink["unet"] < ink["unetpp"] < 0.5


@pytest.mark.parametrize("decoder", ["deeplabv3", "segformer", "unet"])
def test_nothing_that_is_written_is_cut_off_however_few_columns_there_are(decoder):
    with torch.device("meta"):
        anatomy = dissect(unetzoo.create(decoder, encoder="resnet18"), (512, 512))
    figure = _figure(anatomy, f"{decoder} over resnet18", (3, 512, 512))
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.width, text.get_text()


def test_a_path_that_cannot_be_written_is_an_error(anatomies, tmp_path):
    (tmp_path / "net.svg").mkdir()
    with pytest.raises(WriteError, match=r"cannot write .*net\.svg"):
        save_drawing(anatomies["unet"], tmp_path / "net.svg", title="", image=_IMAGE)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (17, "17"),
        (999, "999"),
        (1000, "1.00 k"),
        (9_995, "10.0 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (7_759_521, "7.76 M"),
        (26_078_481, "26.1 M"),
        (16_026_400_000, "16.0 G"),
        (2_000_000_000_000_000, "2000 T"),
    ],
)
def test_short_numbers_have_three_digits_and_a_unit(number, text):
    assert short(number) == text
