"""Folders that releases wrote load in all later ones, with the logits that they had (see tests/make_frozen.py)."""

import numpy as np
import pytest
import torch
from make_frozen import INFO, PLACE, image_for

import unetzoo

_FOLDERS = sorted(path.parent for path in PLACE.rglob("config.json"))
_TOLERANCES = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # of the largest logit: machines round differently


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda folder: str(folder.relative_to(PLACE)))
def test_a_folder_of_any_release_has_the_logits_that_it_had(folder):
    model = unetzoo.load(folder)
    dtype = next(model.parameters()).dtype
    expected = torch.from_numpy(np.load(folder / "logits.npy"))
    with torch.no_grad():
        logits = model(image_for(model).to(dtype)).float()
    assert logits.shape == expected.shape
    assert (logits - expected).abs().max() < _TOLERANCES[dtype] * expected.abs().max()


@pytest.mark.parametrize("release", sorted(PLACE.iterdir()), ids=lambda folder: folder.name)
def test_what_was_known_of_a_network_is_still_known(release):
    assert unetzoo.load(release / "unet").config.info == INFO


@pytest.mark.parametrize("release", sorted(PLACE.iterdir()), ids=lambda folder: folder.name)
def test_the_best_network_of_a_run_still_knows_what_its_masks_meant(release):
    info = unetzoo.load(release / "run").config.info
    coding = {key: info.mask_coding[key] for key in ("kind", "codes", "instances")}
    assert coding == {"kind": "ids", "codes": [0, 255], "instances": False}
    assert list(info.class_names) == ["background", "foreground"]


def test_this_release_has_its_folders():
    assert (PLACE / unetzoo.__version__).is_dir()
