import json
import re
import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from skimage.filters import threshold_otsu
from sklearn.metrics import f1_score, jaccard_score

import unetzoo
from unetzoo._utils.colors import FALSE_NEGATIVE, FALSE_POSITIVE
from unetzoo.cli import demo_methods
from unetzoo.cli.demo_methods import Result, otsu_threshold
from unetzoo.cli.demo_picture import draw
from unetzoo.evaluation.instances import match

pytestmark = pytest.mark.long

_QUICK = ("--encoder", "mobilenetv3_small_050", "--steps", "1")


def _numbers(table, method):
    """Mean IoU and Dice in the row of a method."""
    (row,) = (line for line in table.splitlines() if line.startswith(method + " "))
    return [float(number) for number in re.findall(r"\d\.\d{3}", row)[:2]]


@pytest.fixture
def offline(monkeypatch):
    """Fails on any connection out of this process."""

    def refuse(*_):
        raise AssertionError("something connects to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.slow  # `.ci/run` checks the same two numbers of the command in README.md
@pytest.mark.usefixtures("offline")
def test_both_networks_learn_the_nuclei_offline(invoke, tmp_path):
    result = invoke("demo", "--out", str(tmp_path / "demo.png"))
    assert result.exit_code == 0, result.output
    otsu, unet, unetpp = (_numbers(result.stdout, method)[0] for method in ("Otsu's threshold", "U-Net", "U-Net++"))
    assert min(unet, unetpp) >= 0.88
    assert otsu < min(unet, unetpp)


@pytest.fixture
def timed_once(monkeypatch):
    monkeypatch.setattr(demo_methods, "TIMED_RUNS", 1)


@pytest.mark.usefixtures("offline", "timed_once")
def test_the_same_seed_gives_the_same_numbers_and_the_baseline_is_that_of_other_libraries(
    invoke, monkeypatch, tmp_path
):
    out, again = (str(tmp_path / name) for name in ("nuclei.jpg", "again.jpg"))
    file = tmp_path / "numbers.json"
    first = invoke("demo", *_QUICK, "--seed", "7", "--out", out, "--json", str(file)).stdout
    monkeypatch.setattr(demo_methods, "METHODS", demo_methods.METHODS[:1])  # one is enough to compare
    second = invoke("demo", *_QUICK, "--seed", "7", "--out", again).stdout
    assert "112 columns of the image that no network saw; encoder mobilenetv3_small_050, 1 step, seed 7" in first
    assert re.search(r"method +mean IoU +nuclei Dice +counted +AP +seconds per image +parameters", first)
    assert first.endswith(f"picture in {out}\n")
    assert _numbers(first, "U-Net") == _numbers(second, "U-Net")
    for row in json.loads(file.read_text(encoding="utf-8"))["methods"]:
        assert [round(row["mean_iou"], 3), round(row["dice"], 3)] == _numbers(first, row["method"])
    train, test = (unetzoo.create_dataset("nuclei", split=split)[0] for split in ("train", "test"))
    mask = (test.image[..., 0] > threshold_otsu(train.image)).astype(int).ravel()
    truth = test.mask.ravel()
    scores = jaccard_score(truth, mask, average="macro"), f1_score(truth, mask)
    assert _numbers(first, "Otsu's threshold") == pytest.approx(scores, abs=5e-4)
    with Image.open(out) as picture:
        assert picture.width > 8 * 2 * 112
        assert picture.height > 2 * 512


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--steps", "0"), "--steps must be a whole number from 1"),
        (("--steps", "many"), "Invalid value for '--steps'"),
        (("--seed", "-1"), "--seed must be a whole number from 0"),
        (("--encoder", "resnet43"), "no encoder named 'resnet43'; did you mean 'resnet34'"),
        (("--out", "demo.gif"), "the picture is written as .png, .jpg, .jpeg; got 'demo.gif'"),
        (("--out", "no/such/demo.png"), "cannot write no/such/demo.png: there is no folder no/such"),
    ],
)
def test_a_mistake_is_one_line_before_any_training(invoke, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = invoke("demo", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@settings(deadline=None)
@given(hnp.arrays(np.uint8, st.integers(2, 40)))
def test_the_threshold_has_the_highest_variance_between_the_classes(image):
    best = max(_variance_between(image, candidate) for candidate in range(256))
    assert _variance_between(image, otsu_threshold(image)) >= best * (1 - 1e-9)


def _variance_between(image, threshold):
    dark, bright = image[image <= threshold], image[image > threshold]
    if not dark.size or not bright.size:
        return 0.0
    return dark.size * bright.size / image.size**2 * (dark.mean() - bright.mean()) ** 2


def test_of_equally_good_thresholds_it_is_the_darkest():
    assert otsu_threshold(np.array([10, 10, 20, 20], dtype=np.uint8)) == 10


def test_an_image_of_one_brightness_is_background():
    assert otsu_threshold(np.full((3, 3), 7, dtype=np.uint8)) == 7


def _picture(height=30, width=100, *, added=0, missed=0, precision=0.5):
    """The picture of two methods that add so many pixels to a nucleus, and miss so many of it."""
    truth = np.zeros((height, width), dtype=int)
    truth[:10] = 1
    mask = truth.copy()
    mask[20, :added] = 1
    mask[5, :missed] = 0
    image = np.random.default_rng(0).integers(0, 256, (height, width, 1), dtype=np.uint8)
    results = [Result("U-Net", mask, match(truth, truth, 1), 0.5, 0.5, precision, 0.1, 10)] * 2
    return np.asarray(draw("A title", unetzoo.Sample(image, truth, "columns"), results))


@pytest.mark.parametrize(("kind", "color"), [("added", FALSE_POSITIVE), ("missed", FALSE_NEGATIVE)])
def test_every_wrong_pixel_is_drawn_in_its_color_once_for_each_method(kind, color):
    pixels, in_legend = ((_picture(**options) == color).all(axis=-1).sum() for options in ({kind: 7}, {}))
    assert in_legend > 0
    assert pixels - in_legend == 2 * 7 * 2**2  # a pixel of the image is a square of 2 x 2


def test_the_picture_has_room_for_two_panels_of_the_truth_and_of_each_method():
    small, tall, wide = (_picture(*size).shape for size in ((30, 100), (40, 100), (30, 110)))
    assert tall == (small[0] + 10 * 2, small[1], 3)
    assert wide == (small[0], small[1] + 6 * 10 * 2, 3)


def test_the_scores_are_in_the_picture():
    rows = (_picture(precision=0.5) != _picture(precision=0.9)).any(axis=(1, 2)).nonzero()[0]
    assert 0 < len(rows) < 30  # one line of text
