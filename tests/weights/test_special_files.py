"""Pipes, devices and links in a folder are refused, and never waited for."""

import json
import os
import shutil

import pytest
import torch
from limits import within

import unetzoo
from unetzoo.weights.hub import _write_draft

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and devices")
NAMES = ["config.json", "model.safetensors", "model.safetensors.index.json"]
KINDS = ["pipe", "device", "folder", "link elsewhere", "link to a pipe", "link to itself"]


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    return unetzoo.save(_network(), tmp_path / "net")


def _network():
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": [2, 3, 4]})


def _replace(path, kind, outside):
    if path.exists():
        path.replace(outside)
    else:
        outside.write_text('{"weight_map": {}}')
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a pipe":
        os.mkfifo(path.with_name("pipe"))
        path.symlink_to("pipe")
    else:
        path.symlink_to({"device": "/dev/zero", "link elsewhere": outside, "link to itself": path.name}[kind])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_none_is_refused_at_once(folder, name, kind):
    _replace(folder / name, kind, folder.parent / "outside")
    with within(5), pytest.raises((unetzoo.ConfigError, unetzoo.WeightsError), match=name.replace(".", r"\.")):
        unetzoo.load(folder)


@pytest.mark.parametrize("kind", ["pipe", "device", "link elsewhere"])
@pytest.mark.parametrize("name", ["files.json", "config.json", "model.safetensors"])
def test_a_pending_save_of_such_files_is_refused_and_changes_nothing_elsewhere(folder, name, kind):
    pending = folder / ".unetzoo-pending"
    pending.mkdir()
    for each in ("config.json", "model.safetensors"):
        shutil.copy(folder / each, pending / each)
    (pending / "files.json").write_text(json.dumps({"new": ["config.json", "model.safetensors"], "gone": []}))
    _replace(pending / name, kind, folder.parent / "outside")
    with within(5), pytest.raises(unetzoo.UnetzooError, match=r"regular|link"):
        unetzoo.load(folder)
    with within(5), pytest.raises(unetzoo.UnetzooError, match=r"regular|link"):
        unetzoo.save(_network(), folder)


def test_a_pending_save_that_is_a_link_to_a_folder_elsewhere_is_refused(folder, tmp_path):
    elsewhere = unetzoo.save(_network(), tmp_path / "elsewhere")
    (elsewhere / "files.json").write_text('{"new": ["config.json"], "gone": []}')
    (folder / ".unetzoo-pending").symlink_to(elsewhere)
    for use in (unetzoo.load, lambda place: unetzoo.save(_network(), place)):
        with pytest.raises(unetzoo.ConfigError, match="is a link"):
            use(folder)
    assert (elsewhere / "config.json").exists()


@pytest.mark.parametrize("name", ["README.md", "prediction.png"])
@pytest.mark.parametrize("kind", ["pipe", "link elsewhere", "device"])
def test_a_card_or_a_picture_that_leads_elsewhere_is_not_pushed(folder, tmp_path, name, kind):
    (tmp_path / "draft").mkdir()
    (folder / name).write_text("-----BEGIN PRIVATE KEY-----")
    _replace(folder / name, kind, folder.parent / "outside")
    with within(5), pytest.raises(unetzoo.WeightsError, match=name.replace(".", r"\.")):
        _write_draft(folder, tmp_path / "draft", "alice/cells", None)
    assert not any("PRIVATE" in path.read_text(errors="replace") for path in (tmp_path / "draft").iterdir())


def test_a_network_is_saved_into_a_folder_with_a_pipe_in_the_place_of_its_card(folder):
    (folder / "README.md").unlink()
    os.mkfifo(folder / "README.md")
    with within(5):
        unetzoo.save(_network(), folder)
    assert unetzoo.load(folder)


def test_the_links_of_a_cache_of_the_hub_are_followed(folder, tmp_path):
    home = tmp_path / "models--alice--cells"
    snapshot = home / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (home / "blobs").mkdir()
    for number, name in enumerate(["config.json", "model.safetensors"]):
        shutil.copy(folder / name, home / "blobs" / str(number))
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    assert unetzoo.load(snapshot)
