import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    return str(unetzoo.save(network.eval(), tmp_path / "run" / "best").parent)  # as a training leaves it


@pytest.fixture
def images(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(random.integers(0, 256, (40, 50), dtype=np.uint8)).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_a_folder_becomes_masks_and_again_keeps_them(invoke, model, images, tmp_path):
    out = tmp_path / "deep" / "out"
    result = invoke("predict", model, str(images), str(out))
    assert (result.exit_code, result.stdout) == (0, f"2 predicted: {out}\n")
    with Image.open(out / "a.png") as mask:
        assert mask.size == (50, 40)
        assert set(np.unique(mask)) <= {0, 1}
    again = invoke("predict", model, str(images), str(out))
    assert again.stdout == f"2 kept, there already (--overwrite replaces them): {out}\n"


def test_uncertainty_is_written_beside_each_mask(invoke, model, images, tmp_path):
    out = tmp_path / "out"
    flags = ("--uncertainty", "disagreement", "--mirrors", "8", "--json", "-")
    result = invoke("predict", model, str(images), str(out), *flags)
    assert result.exit_code == 0, result.output
    names = [Path(each["uncertainty"]).name for each in json.loads(result.stdout)["results"]]
    assert names == ["a.uncertainty.tif", "b.uncertainty.tif"]
    assert all((out / name).exists() for name in names)
    result = invoke("predict", model, str(images), str(out), "--uncertainty", "disagreement")
    assert result.exit_code == 2
    assert "one prediction cannot disagree with itself" in result.stderr
    assert "--mirrors 2, 4 or 8" in result.stderr


def test_probabilities_add_up_to_one(invoke, model, images, tmp_path):
    result = invoke(
        "predict", model, str(images / "a.png"), str(tmp_path / "a.npy"), "--probabilities", "--mirrors", "4"
    )
    assert result.exit_code == 0, result.output
    assert np.load(tmp_path / "a.npy").sum(0) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("gone.png", None, "there is no folder or file"),
        ("zero.png", b"", "zero.png is empty: it has 0 bytes"),
        ("torn.png", b"\x89PNG\r\n\x1a\nxxxx", "torn.png cannot be read"),
        ("note.txt", b"hello", "note.txt has none of the endings"),
        ("rgb.npy", np.zeros((8, 8, 3), np.uint8), "rgb.npy: this network takes images (h, w) or (h, w, 1)"),
        ("inf.npy", np.full((8, 8), np.inf, np.float32), "inf.npy: 64 of its 64 values are infinite"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_a_bad_image_is_one_line_with_its_name(invoke, model, tmp_path, name, make, message):
    path = tmp_path / name
    if isinstance(make, np.ndarray):
        np.save(path, make)
    elif make is not None:
        path.write_bytes(make)
    result = invoke("predict", model, str(path), str(tmp_path / "out.tif"))
    assert result.exit_code == (4 if make is not None else 2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*out.tif*"))


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("out.bmp", [], "out.bmp has none of the endings that can be written"),
        ("out", ["--format", "bmp"], "format must be one of png, "),
        ("out.png", ["--probabilities"], "the format png holds class ids alone; for probabilities choose "),
        ("out.png", ["--precision", "int8"], "precision"),
        ("out.png", ["--device", "cuda:99"], "the device 'cuda:99' cannot be used"),
        (
            "out.png",
            ["--device", "gpu"],
            "there is no kind of device 'gpu'; choose cpu, cuda, cuda:1 (the second GPU) or",
        ),
        ("out.png", ["--tile", "64"], "tile must be at least 128"),
        (
            "out.png",
            ["--json", "out.txt"],
            "unexpected extra argument(s) (out.txt): the file of --json must end in .json",
        ),
        ("run/out.png", [], "/run is the folder of a network; name another one for the results"),
    ],
)
def test_what_does_not_fit_is_one_line(invoke, model, images, tmp_path, target, arguments, message):
    result = invoke("predict", model, str(images / "a.png"), str(tmp_path / target), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_folder_is_one_line(invoke, model, tmp_path):
    (tmp_path / "empty").mkdir()
    result = invoke("predict", model, str(tmp_path / "empty"), str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "there are no images in the folder" in result.stderr
    assert not (tmp_path / "out").exists()


def _broken(images, names):
    for name in names:
        (images / name).write_bytes(b"")


@pytest.mark.parametrize(("broken", "code"), [(["b.png"], 3), (["a.png", "b.png"], 4)])
def test_the_exit_code_tells_whether_some_or_all_failed(invoke, model, images, tmp_path, broken, code):
    _broken(images, broken)
    result = invoke("predict", model, str(images), str(tmp_path / "out"), "--json")
    assert result.exit_code == code
    described = json.loads(result.stdout)
    assert described["counts"].get("failed") == len(broken)
    states = {name.rpartition("/")[2]: state for name, state in _states(described)}
    assert states == {name: "failed" if name in broken else "predicted" for name in ("a.png", "b.png")}


def _states(described):
    return [(result["image"], result["state"]) for result in described["results"]]


def test_json_has_what_predict_files_returns(invoke, model, images, tmp_path):
    result = invoke("predict", model, str(images), str(tmp_path / "out"), "--json", str(tmp_path / "r.json"))
    assert (result.exit_code, result.stdout) == (0, f"2 predicted: {tmp_path / 'out'}\n")
    assert json.loads((tmp_path / "r.json").read_text()) == {
        "counts": {"predicted": 2},
        "results": [
            {
                "image": str(images / name),
                "file": str(tmp_path / "out" / name),
                "state": "predicted",
                "reason": "",
                "warnings": [],
                "uncertainty": None,
            }
            for name in ("a.png", "b.png")
        ],
    }


def test_a_named_data_set_and_a_table_are_predicted(invoke, model, images, tmp_path):
    (tmp_path / "list.csv").write_text("image\nin/b.png\n")
    listed = invoke("predict", model, str(tmp_path / "list.csv"), str(tmp_path / "listed"))
    assert listed.stdout == f"1 predicted: {tmp_path / 'listed' / 'b.png'}\n"
    named = invoke("predict", model, "nuclei", str(tmp_path / "named"), "--json")
    assert {"test 0", "train 0"} <= {image for image, _ in _states(json.loads(named.stdout))}
    assert {path.stem for path in (tmp_path / "named").glob("*.png")} >= {"test 0", "train 0"}


@pytest.mark.parametrize("name", ["config.json", "gone.safetensors"])
def test_a_file_of_a_network_is_refused_with_its_folder(invoke, model, images, tmp_path, name):
    result = invoke("predict", f"{model}/best/{name}", str(images), str(tmp_path / "out"))
    assert result.exit_code == 2
    assert f"MODEL is the folder of a network, such as {model}/best, not a file" in result.stderr
    relative = invoke("predict", f"run/{name}", str(images), str(tmp_path / "out"))
    assert "MODEL is the folder of a network, such as run, not a file; got run/" in relative.stderr


def test_masks_of_another_network_are_predicted_again_and_a_hand_made_one_is_left_alone(
    invoke, model, images, tmp_path
):
    out = tmp_path / "out"
    invoke("predict", model, str(images), str(out))
    Image.fromarray(np.full((40, 50), 7, np.uint8)).save(out / "b.png")
    torch.manual_seed(1)
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1)
    unetzoo.save(network.eval(), tmp_path / "other")
    result = invoke("predict", str(tmp_path / "other"), str(images), str(out))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"1 predicted again, 1 left alone (--overwrite replaces them): {out}",
        "predicted again, another network: a.png",
    ]
    assert result.stderr == "warning: left alone, not a result of unetzoo, or changed since: b.png\n"
    assert np.unique(np.asarray(Image.open(out / "b.png"))).tolist() == [7]
    invoke("predict", str(tmp_path / "other"), str(images), str(out), "--overwrite")
    assert np.asarray(Image.open(out / "b.png")).max() <= 1


def test_images_unlike_those_of_the_training_are_warned_of_the_first_ones_by_name(invoke, model, tmp_path):
    info = unetzoo.ModelInfo(value_range=(0, 255), image_dtypes=("uint8",))
    folder = unetzoo.save(unetzoo.load(model), tmp_path / "bytes", info=info)
    (tmp_path / "deep").mkdir()
    for name in "abcde":
        values = np.random.default_rng(0).integers(0, 4096, (20, 20)).astype(np.uint16)
        np.save(tmp_path / "deep" / f"{name}.npy", values)
    result = invoke("predict", str(folder), str(tmp_path / "deep"), str(tmp_path / "out"))
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert len(lines) == 4
    assert "deep/a.npy: its values, uint16 from " in lines[0]
    assert lines[3] == "warning: not shown: 2 more warnings about images"


def test_networks_of_with_predict_together(invoke, tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (40, 48), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "image.png")
    networks = []
    for name in ("one", "two", "three"):
        networks.append(unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1))
        unetzoo.save(networks[-1].eval(), tmp_path / name)
    paths = [str(tmp_path / name) for name in ("one", "image.png", "mask.npy", "two", "three")]
    result = invoke("predict", *paths[:3], "--with", paths[3], "--with", paths[4], "--probabilities")
    assert result.exit_code == 0, result.output
    mean = np.mean([unetzoo.predict(network, image) for network in networks], 0)
    np.testing.assert_allclose(np.load(tmp_path / "mask.npy"), mean, atol=1e-5)
    unetzoo.save(unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}).eval(), tmp_path / "rgb")
    other = invoke("predict", *paths[:3], "--with", str(tmp_path / "rgb"))
    assert other.exit_code == 2
    assert "need the same number of channels: the first has 1, number 2 has 3" in other.stderr
    file = invoke("predict", *paths[:3], "--with", paths[1])
    assert "--with is the folder of a network" in file.stderr
