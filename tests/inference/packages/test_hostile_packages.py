"""Packages of bioimage.io that are made to do harm, or that are not for images, are refused in one line."""

import io
import zipfile
from hashlib import sha256

import numpy as np
import pytest
import torch
from bioimage_packages import axes, convolution, convolved, described, packed
from guard import confined

import unetzoo
from unetzoo.testing.rules import without_network

pytest.importorskip("bioimageio.spec")
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # bioimageio.spec leaves files open
    pytest.mark.filterwarnings("ignore:.*torch.jit.*"),
]


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "net.onnx").write_bytes(convolution())
    return tmp_path / "net"


@pytest.fixture
def description(folder, image):
    return described(folder, image, convolved(image).astype(np.float32))


def _written(description, folder):
    """The folder of a package, without the checks of bioimageio.spec."""
    import yaml

    (folder / "rdf.yaml").write_text(yaml.safe_dump(description))
    return folder


def _refused(path, message, tmp_path):
    with without_network(), confined(tmp_path), pytest.raises(unetzoo.WeightsError, match=message) as raised:
        unetzoo.load_package(path)
    assert "\n" not in str(raised.value)


class _Opens(torch.nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file(self.path, True, 8).sum()


class _Writes(torch.nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.path)
        return x


class _Convolves(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 2, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def _scripted(module, folder):
    torch.jit.script(module).save(folder / "net.pt")


@pytest.mark.parametrize(("kind", "word"), [(_Opens, "from_file"), (_Writes, "save")])
def test_torchscript_that_opens_files_is_not_loaded(kind, word, folder, image, tmp_path):
    target = tmp_path / "made"
    _scripted(kind(str(target)), folder)
    description = described(folder, image, convolved(image).astype(np.float32), weights="torchscript")
    _refused(_written(description, folder), f"names {word}, which is no part of a network: it is not loaded", tmp_path)
    assert not target.exists()


def _with_program(folder, change):
    """Change the programs in an archive of TorchScript."""
    with zipfile.ZipFile(folder / "net.pt") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(folder / "net.pt", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, change(content) if name.endswith(".py") else content)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'    z = getattr(x, "\\x66rom_file")\n', "names from_file"),
        (b"    t = ops\n", "operators of 'an unnamed library'"),
        (b"    ops.c10d.send([x], 0, 0)\n", "operators of 'c10d'"),
        (b"    z = __torch__.torch.classes.dist_c10d.Store()\n", "names classes"),
    ],
)
def test_disguised_operators_are_seen(line, message, folder, image, tmp_path):
    _scripted(_Convolves(), folder)
    _with_program(folder, lambda text: text.replace(b"Tensor:\n", b"Tensor:\n" + line))
    description = described(folder, image, convolved(image).astype(np.float32), weights="torchscript")
    _refused(_written(description, folder), message, tmp_path)


def test_torchscript_of_a_network_gives_what_the_network_gives(folder, image, tmp_path):
    network = _Convolves().eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(image[None, None].astype(np.float32)))[0].numpy()
    _scripted(network, folder)
    path = packed(described(folder, image, expected, weights="torchscript"), folder, tmp_path / "package.zip")
    with without_network(), confined(tmp_path):
        package = unetzoo.load_package(path)
    np.testing.assert_allclose(package.predict(image), expected, rtol=1e-5, atol=1e-3)


def test_a_state_dict_whose_architecture_is_code_is_refused_and_the_code_not_run(description, folder, tmp_path):
    source = f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Net: ...\n"
    (folder / "net.py").write_text(source)
    (folder / "net.pt").write_bytes(b"")
    digest = sha256(source.encode()).hexdigest()
    architecture = {"source": "net.py", "sha256": digest, "callable": "Net", "kwargs": {}}
    description["weights"] = {
        "pytorch_state_dict": {"source": "net.pt", "pytorch_version": "2.8", "architecture": architecture}
    }
    message = "pytorch_state_dict alone, whose architecture is code.*ask its authors for ONNX"
    _refused(_written(description, folder), message, tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("source", ["../secret.onnx", "/etc/hostname", "https://example.org/net.onnx"])
def test_weights_outside_of_the_package_are_not_read(source, description, folder, tmp_path):
    (tmp_path / "secret.onnx").write_bytes(convolution())
    description["weights"]["onnx"]["source"] = source
    _refused(_written(description, folder), "outside of it: it is not read|refuses the description", tmp_path)


def test_a_link_out_of_a_folder_is_not_followed(description, folder, tmp_path):
    (folder / "net.onnx").rename(tmp_path / "secret.onnx")
    (folder / "net.onnx").symlink_to(tmp_path / "secret.onnx")
    _refused(_written(description, folder), "a link to a file outside", tmp_path)


def test_onnx_weights_in_other_files_are_not_read(description, folder, tmp_path):
    import onnx

    model = onnx.load_model_from_string(convolution())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    _refused(_written(description, folder), "has weights in other files, which are not read", tmp_path)


def test_a_model_that_continues_another_is_not_looked_up(description, folder, tmp_path):
    description["inputs"][0]["output_of"] = "affable-shark"
    _refused(_written(description, folder), "the output of another model", tmp_path)


def test_weights_that_were_exchanged_are_refused(description, folder, tmp_path):
    description["weights"]["onnx"]["sha256"] = "0" * 64
    _refused(_written(description, folder), "net.onnx in .* is not the file that its description has", tmp_path)


def test_aliases_that_grow_exponentially_end_in_an_error(description, folder, tmp_path):
    _written(description, folder)
    levels = ["z0: &z0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"z{n}: &z{n} [{', '.join([f'*z{n - 1}'] * 10)}]" for n in range(1, 12)]
    with (folder / "rdf.yaml").open("a") as file:
        file.write("\n".join(levels))
    _refused(folder, "more than 100,000 values", tmp_path)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"id": "stardist_postprocessing"}, "needs the package stardist"),
        ({"id": "cellpose_flow_dynamics"}, "needs the package cellpose"),
    ],
)
def test_steps_of_other_packages_are_refused_by_name(step, message, description, folder, tmp_path):
    arguments = {
        "stardist_postprocessing": {"prob_threshold": 0.5, "nms_threshold": 0.4, "n_rays": 32, "grid": [1, 1], "b": 2},
        "cellpose_flow_dynamics": {"cellprob_threshold": 0.0, "flow_threshold": 0.4, "do_3D": False},
    }
    description["outputs"][0]["postprocessing"] = [step | {"kwargs": arguments[step["id"]]}]
    _refused(_written(description, folder), message, tmp_path)


def test_volumes_are_refused(description, folder, tmp_path):
    volume = [*axes()[:2], {"type": "space", "id": "z", "size": {"min": 8, "step": 4}}, *axes()[2:]]
    description["inputs"][0]["axes"] = volume
    _refused(
        _written(description, folder), "has the axes batch, channel, z, y, x; images with y and x are run", tmp_path
    )


def test_what_is_not_a_package_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    _refused(tmp_path / "a.zip", "not a package of bioimage.io: it has no rdf.yaml", tmp_path)
    (tmp_path / "b.zip").write_bytes(b"PK")
    _refused(tmp_path / "b.zip", "cannot be read as a .zip file", tmp_path)
    _refused(tmp_path / "c.zip", "there is no package", tmp_path)


def test_an_array_with_pickled_objects_is_not_loaded(description, folder, tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    (folder / "image.npy").write_bytes(buffer.getvalue())
    _refused(_written(description, folder), "image.npy in .* is not an array", tmp_path)
