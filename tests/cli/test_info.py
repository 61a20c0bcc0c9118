import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

_SEED = ("--encoder-option", "norm=none", "--decoder-option", "norm=none", "--decoder-option", "upsample=transpose")


def _row(text, label):
    """The numbers of a row, without their units and thousands separators."""
    (row,) = (line for line in text.splitlines() if line.startswith(label))
    return row.removeprefix(label).replace(" M", "").replace(",", "").split()


def test_the_seed_network_has_its_parameters_and_multiply_adds_in_each_row(invoke):
    result = invoke("info", "unet", "--encoder", "plain", "--in-channels", "1", "--image-size", "64x96", *_SEED)
    assert result.exit_code == 0
    pixels = 64 * 96
    level_1 = 9 * (32 * 64 + 64 * 64)
    assert _row(result.stdout, "encoder level 1") == [
        "64", "2", "32", "x", "48", str(level_1 + 2 * 64), f"{level_1 * pixels / 4 / 1e6:.1f}"
    ]  # fmt: skip
    up, first, second = 4 * 512 * 256, 9 * 512 * 256, 9 * 256 * 256
    operations = up * pixels / 256 + (first + second) * pixels / 64
    assert _row(result.stdout, "decoder stages.0") == [
        "256", "8", "8", "x", "12", str(up + first + second + 3 * 256), f"{operations / 1e6:.1f}"
    ]  # fmt: skip
    assert _row(result.stdout, "head 0") == ["1", "1", "64", "x", "96", "33", f"{32 * pixels / 1e6:.1f}"]
    assert _row(result.stdout, "total")[0] == "7759521"


def test_the_title_says_what_was_built(invoke):
    title = invoke("info", "unet", "-e", "plain", "--classes", "4", "--in-channels", "1", "--image-size", "20").stdout
    assert title.startswith("unet with plain: 1 channel in, 4 classes out, image 20 x 20\n")


def test_options_reach_encoder_and_decoder(invoke):
    output = invoke(
        "info", "unet", "-e", "plain", "--encoder-option", "widths=8,24", "--decoder-option", "widths=12,"
    ).stdout
    assert _row(output, "encoder level 1")[0] == "24"
    assert _row(output, "decoder stages.0")[0] == "12"
    assert "level 2" not in output


def test_rows_are_neither_cut_nor_padded_for_a_pipe(invoke):
    lines = invoke("info", "unetpp", "-e", "plain").stdout.splitlines()
    assert not any("…" in line or line.endswith(" ") for line in lines)


def test_draw_writes_a_well_formed_svg(invoke, tmp_path):
    path = tmp_path / "net.svg"
    assert f"drawn in {path}" in invoke("info", "unetpp", "-e", "plain", "--draw", str(path)).stdout
    assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_draw_writes_a_png(invoke, tmp_path):
    path = tmp_path / "net.PNG"
    invoke("info", "unet", "-e", "plain", "--draw", str(path))
    with Image.open(path) as image:
        assert image.format == "PNG"


@pytest.mark.parametrize(("name", "message"), [("net.jpg", ".svg or .png"), ("no/such/folder/net.svg", "no folder")])
def test_a_drawing_that_cannot_be_written_is_an_error_before_any_work(invoke, tmp_path, name, message):
    result = invoke("info", "unet", "-e", "no_such_encoder", "--draw", str(tmp_path / name))
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_drawing_without_matplotlib_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['matplotlib'] = None; from unetzoo.cli import main; main()"
    command = [sys.executable, "-c", code, "info", "unet", "-e", "plain", "--draw", str(tmp_path / "net.svg")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == (
        "error: drawing needs matplotlib: pip install '.[draw]' in a checkout of unetzoo, or pip install "
        "'unetzoo[draw]' for a release\n"
    )
