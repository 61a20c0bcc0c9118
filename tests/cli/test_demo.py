import re
import socket
import time

import pytest
from PIL import Image

_QUICK = ("--encoder", "mobilenetv3_small_050", "--steps", "1")


def _mean_iou(table, method):
    """The number in the first column of a method's row."""
    (row,) = (line for line in table.splitlines() if line.startswith(method + " "))
    return float(re.findall(r"\d\.\d{3}", row)[0])


@pytest.fixture
def offline(monkeypatch):
    """Lets no connection out of this process."""

    def refuse(*_):
        raise AssertionError("something connects to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_both_networks_learn_the_nuclei_in_less_than_three_minutes(invoke, offline, tmp_path):
    start = time.perf_counter()
    result = invoke("demo", "--out", str(tmp_path / "demo.png"))
    assert time.perf_counter() - start < 180
    assert result.exit_code == 0
    otsu, unet, unetpp = (_mean_iou(result.stdout, method) for method in ("Otsu's threshold", "unet", "unetpp"))
    assert min(unet, unetpp) >= 0.88
    assert otsu < min(unet, unetpp)
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.width > 8 * 2 * 160
        assert picture.height > 2 * 512


def test_the_table_says_what_was_measured(invoke, tmp_path):
    out = tmp_path / "nuclei.jpg"
    shown = invoke("demo", *_QUICK, "--seed", "7", "--out", str(out)).stdout
    assert shown.startswith("nuclei in the part held out: encoder mobilenetv3_small_050, steps 1, seed 7\n")
    assert re.search(r"method +mean IoU +nuclei Dice +seconds per image +parameters", shown)
    assert "512 x 160 pixels held out, median of 7 runs" in shown
    assert shown.endswith(f"picture in {out}\n")
    assert out.exists()


def test_progress_stays_out_of_standard_output(run, tmp_path):
    done = run("demo", *_QUICK, "--out", str(tmp_path / "demo.png"), FORCE_COLOR="1")
    assert done.returncode == 0
    assert "loss" not in done.stdout
    assert "1/1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--steps", "0"), "steps must be a whole number >= 1, got 0"),
        (("--steps", "many"), "Invalid value for '--steps'"),
        (("--seed", "-1"), "seed must be a whole number from 0 to 2**63 - 1, got -1"),
        (("--encoder", "resnet43"), "no encoder named 'resnet43'; did you mean 'resnet34'"),
        (("--out", "demo.gif"), "the picture is written as .png, .jpg, .jpeg; got 'demo.gif'"),
        (("--out", "no/such/demo.png"), "cannot write no/such/demo.png: there is no folder no/such"),
    ],
)
def test_a_mistake_is_one_line_before_any_training(invoke, monkeypatch, tmp_path, arguments, says):
    monkeypatch.chdir(tmp_path)
    result = invoke("demo", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
