import json
import subprocess
import sys

import numpy as np
import pytest
from drawn_objects import ellipses
from PIL import Image
from throwaway import Site
from typer.testing import CliRunner

from unetzoo.cli import app


def _new(folder, *arguments):
    return CliRunner().invoke(app, ["new-plugin", *arguments, "--folder", str(folder)])


def _install(distribution, folder):
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(distribution)]
    subprocess.run(command, check=True)


_KINDS = ["--encoder", "--decoder", "--loss", "--object", "--format"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a new plugin of all kinds, and of `site`, where it is installed."""
    folder = tmp_path_factory.mktemp("new")
    assert _new(folder, "unetzoo-my-cells", *_KINDS).exit_code == 0
    _install(folder / "unetzoo-my-cells", folder / "site")
    return folder


def test_a_new_plugin_installs_registers_and_passes_its_own_tests(installed):
    _check(installed, _KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", _KINDS)
def test_a_new_plugin_of_one_kind_installs_registers_and_passes_its_own_test(kind, tmp_path):
    assert _new(tmp_path, "unetzoo-my-cells", kind).exit_code == 0
    _install(tmp_path / "unetzoo-my-cells", tmp_path / "site")
    _check(tmp_path, [kind])


def _check(folder, kinds):
    site = Site(folder / "site")
    info = site.ask("unetzoo.list_plugins()[1]", UNETZOO_PLUGINS="unetzoo-my-cells").value
    assert (info["distribution"], info["version"], info["status"]) == ("unetzoo-my-cells", "0.1.0", "active")
    assert list(info["parts"]) == [f"{kind.removeprefix('--')} my_cells" for kind in kinds]
    run = "import sys, pytest; sys.exit(pytest.main([sys.argv[1], '-q', '-p', 'no:cacheprovider']))"
    output = site.run(run, str(folder / "unetzoo-my-cells"), UNETZOO_PLUGINS="unetzoo-my-cells")
    assert f"{len(kinds)} passed" in output


def test_a_new_coding_of_objects_trains_a_network(installed, tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for index in range(3):
        ids = ellipses(4, 48, seed=index).astype(np.uint8)
        Image.fromarray(ids).save(tmp_path / "data" / "masks" / f"{index}.png")
        Image.fromarray(np.where(ids > 0, 200, 40).astype(np.uint8)).save(tmp_path / "data" / "images" / f"{index}.png")
    train = "import sys; sys.argv[0] = 'unetzoo'; from unetzoo.cli import app; app()"
    small = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "2", "--epochs", "1", "--batch", "1"]
    data, run = str(tmp_path / "data"), tmp_path / "run"
    arguments = ["train", data, "--objects", "my_cells", "--out", str(run), *small]
    output = Site(installed / "site").run(train, *arguments, UNETZOO_PLUGINS="unetzoo-my-cells")
    assert "objects by my_cells" in output
    config = json.loads((run / "best" / "config.json").read_text())
    assert (config["objects"], config["classes"]) == ("my_cells", 2)


def test_a_new_format_is_predicted_from_and_into(installed, tmp_path):
    header = json.dumps({"shape": [40, 30, 3], "dtype": "<u2", "axes": [["y", 0.5, "um"], ["x", 0.25, "um"]]})
    (tmp_path / "in.my_cells").write_bytes(header.encode() + b"\n" + bytes(40 * 30 * 3 * 2))
    predict = (
        "import sys, numpy, unetzoo; from unetzoo.data.formats import open_raster\n"
        "model = unetzoo.create('unet', encoder='plain', encoder_options={'widths': (4, 8)}).eval()\n"
        "(done,) = unetzoo.predict_files(model, sys.argv[1], sys.argv[2])\n"
        "with open_raster(sys.argv[2]) as raster: print(done.state, raster.shape, *raster.grid.axes)"
    )
    paths = str(tmp_path / "in.my_cells"), str(tmp_path / "out.my_cells")
    output = Site(installed / "site").run(predict, *paths, UNETZOO_PLUGINS="unetzoo-my-cells")
    axes = "Axis(name='y', step=0.5, unit='um') Axis(name='x', step=0.25, unit='um')"
    assert output.strip() == f"predicted (40, 30, 1) {axes}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unetzoo-cells"], "choose what the plugin provides: --encoder, --decoder, --loss, --object, --format"),
        (["Unetzoo_Cells", "--loss"], "use lower-case letters, digits and single dashes"),
        (["../cells", "--loss"], "use lower-case letters, digits and single dashes"),
        (["taken", "--loss"], "exists already"),
    ],
)
def test_a_name_or_folder_that_does_not_do_is_one_error(arguments, message, tmp_path):
    (tmp_path / "taken").mkdir()
    done = _new(tmp_path, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path):
    done = _new(tmp_path / "nowhere", "unetzoo-cells", "--loss")
    assert (done.exit_code, "cannot write" in done.stderr) == (2, True)
