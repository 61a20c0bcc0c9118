"""A bundle of MONAI: its own verifier takes it, and its configuration predicts what `predict` does."""

import json
import logging

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo
from unetzoo.testing.rules import without_network

pytest.importorskip("monai")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]
INFO = unetzoo.ModelInfo(
    class_names=("background", "cell"),
    channel_names=("red", "green", "blue"),
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.3, 0.25),
    value_range=(0, 255),
    image_dtypes=("uint8",),
    license="cc-by-4.0",
)
NET = {"encoder": "plain", "encoder_options": {"widths": (4, 8)}}


def _saved(folder, info=INFO, **options):
    torch.manual_seed(0)
    return unetzoo.load(unetzoo.save(unetzoo.create("unet", **NET | options), folder / "net", info=info))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return _saved(tmp_path_factory.mktemp("net"), classes=2)


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    with without_network():
        return unetzoo.export(model, tmp_path_factory.mktemp("bundles") / "cells", target="monai")


def test_monais_verifier_takes_it_and_refuses_another_number_of_classes(bundle):
    from monai.bundle import verify_net_in_out

    files = {"meta_file": str(bundle / "configs/metadata.json"), "config_file": str(bundle / "configs/inference.json")}
    logging.getLogger("monai").setLevel(logging.ERROR)
    verify_net_in_out("network_def", **files, device="cpu", n=3)
    with pytest.raises(ValueError, match="output channel number"):
        verify_net_in_out(
            "network_def",
            **files,
            device="cpu",
            network_def={"_target_": "unetzoo.create", "decoder": "unet", "encoder": "plain", "classes": 5},
        )


@pytest.mark.parametrize("size", [(512, 512), (40, 52)])
def test_its_configuration_run_by_monai_predicts_what_predict_does(size, model, bundle, tmp_path):
    from monai.bundle import run

    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    with without_network():
        run(
            run_id="run",
            init_id="initialize",
            config_file=str(bundle / "configs/inference.json"),
            bundle_root=str(bundle),
            image_dir=str(tmp_path / "images"),
            output_dir=str(tmp_path / "out"),
            device="$torch.device('cpu')",
            logging_file=False,
        )
    result = np.load(tmp_path / "out" / "a.png.npy")
    np.testing.assert_allclose(result, unetzoo.predict(model, pixels), atol=1e-5)


def test_its_metadata_name_what_the_schema_requires(bundle):
    metadata = json.loads((bundle / "configs/metadata.json").read_text())
    required = {  # of MONAI's meta_schema
        "schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version", "task", "description",
        "authors", "copyright", "network_data_format", "required_packages_version",
    }  # fmt: skip
    assert required <= metadata.keys()
    formats = metadata["network_data_format"]
    assert formats["inputs"]["image"]["channel_def"] == {"0": "red", "1": "green", "2": "blue"}
    assert formats["outputs"]["pred"]["channel_def"] == {"0": "background", "1": "cell"}
    assert formats["outputs"]["pred"]["num_channels"] == 2
    assert "cc-by-4.0" in (bundle / "docs/README.md").read_text()


@pytest.mark.parametrize(
    ("options", "info", "message"),
    [
        ({"objects": "distance"}, INFO, "gives classes: export a network of objects for onnx or bioimageio"),
        ({"spatial_dims": 3}, INFO, "an export for monai"),
        ({}, unetzoo.ModelInfo(), "a bundle of MONAI needs to know the values of the training images"),
    ],
)
def test_what_a_bundle_cannot_say_is_refused_and_nothing_stays(options, info, message, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(unetzoo.UnetzooError, match=message):
        unetzoo.export(_saved(tmp_path, info, **options), tmp_path / "out" / "a", target="monai")
    assert list((tmp_path / "out").iterdir()) == []
