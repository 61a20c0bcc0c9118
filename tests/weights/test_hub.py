"""The real client of the Hub against a Hub in a process of its own (tests/hub_server.py)."""

import json
import os
import subprocess
import sys
import urllib.request
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import unetzoo
from unetzoo.cli import app

# of the client's own calls of its HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

ALICE, BOB = "hf_alice", "hf_bob"
_number = count()


def _model(value=0.0):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8, 8)})
    with torch.no_grad():
        model.heads[0].bias.fill_(value)
    return model.eval()


def _bias(model):
    return model.heads[0].bias.item()


@pytest.fixture
def name(hub_address):
    """A repository that is not there yet."""
    return f"alice/cells-{next(_number)}"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def break_next(hub_address):
    """Let the next requests of a kind fail."""

    def ask(kind, times=1):
        data = json.dumps({"kind": kind, "times": times}).encode()
        request = urllib.request.Request(f"{hub_address}/_fault", data, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()

    yield ask
    for kind in ("info", "upload", "commit", "drop", "unavailable", "race"):
        ask(kind, 0)


def test_a_run_is_pushed_as_its_best_network(name, cache, tmp_path):
    unetzoo.save(_model(0.5), tmp_path / "run" / "best")
    unetzoo.push(tmp_path / "run", name, token=ALICE)
    assert _bias(unetzoo.pull(name, cache_dir=cache, token=ALICE)) == 0.5


def test_a_pulled_network_is_the_one_that_was_pushed(name, cache):
    model = _model(3)
    address = unetzoo.push(model, name, token=ALICE)
    actual = unetzoo.pull(name, cache_dir=cache)
    commit = address.rpartition("/")[2]
    assert actual.config.info.source == f"{name}@{commit}"
    for (key, expected), tensor in zip(model.state_dict().items(), actual.state_dict().values(), strict=True):
        assert torch.equal(tensor, expected), key


def test_a_pulled_network_of_objects_numbers_them_as_the_one_that_was_pushed(name, cache):
    torch.manual_seed(0)
    encoder_options, chosen = {"widths": (4, 8, 8)}, {"min_size": 3}
    model = unetzoo.create(
        "unet", encoder="plain", encoder_options=encoder_options, objects="components", objects_options=chosen
    ).eval()
    image = np.random.default_rng(0).random((48, 40, 3), np.float32)
    with torch.no_grad():  # a half of the pixels are in the foreground
        model.heads[0].bias -= model(torch.tensor(image).permute(2, 0, 1)[None]).mean(dim=(0, 2, 3))
    unetzoo.push(model, name, token=ALICE)
    actual = unetzoo.pull(name, cache_dir=cache)
    assert (actual.config.objects, actual.config.objects_options) == ("components", chosen)
    expected = unetzoo.predict_objects(model, image)
    assert expected.max() > 1
    assert np.array_equal(unetzoo.predict_objects(actual, image), expected)


def test_the_methods_of_the_network_do_the_same(name, cache, tmp_path):
    model = _model(4)
    model.push_to_hub(name, token=ALICE)
    assert _bias(unetzoo.Segmenter.from_pretrained(name, cache_dir=cache)) == 4
    model.save_pretrained(tmp_path / "folder")
    assert _bias(unetzoo.Segmenter.from_pretrained(tmp_path / "folder")) == 4


def test_a_second_pull_works_without_the_hub(name, cache, break_next):
    unetzoo.push(_model(1), name, token=ALICE)
    unetzoo.pull(name, cache_dir=cache)
    break_next("info", 100)
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 1
    assert _bias(unetzoo.pull(name, cache_dir=cache, local_files_only=True)) == 1


def test_branches_tags_and_commits_are_revisions(name, cache):
    from huggingface_hub import HfApi

    first = unetzoo.push(_model(1), name, token=ALICE).rpartition("/")[2]
    HfApi(token=ALICE).create_tag(name, tag="v1")
    unetzoo.push(_model(2), name, token=ALICE)
    unetzoo.push(_model(3), name, token=ALICE, revision="trial")
    revisions = {None: 2, "main": 2, "v1": 1, first: 1, "trial": 3}
    assert {
        revision: _bias(unetzoo.pull(name, revision=revision, cache_dir=cache)) for revision in revisions
    } == revisions


def test_a_proposed_change_leaves_the_main_branch_alone(name, cache):
    unetzoo.push(_model(1), name, token=ALICE)
    assert unetzoo.push(_model(2), name, token=ALICE, create_pr=True).endswith("/discussions/1")
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 1
    assert _bias(unetzoo.pull(name, revision="refs/pr/1", cache_dir=cache)) == 2


def test_a_private_network_is_its_owners_alone(name, cache):
    unetzoo.push(_model(1), name, token=ALICE, private=True)
    assert _bias(unetzoo.pull(name, token=ALICE, cache_dir=cache)) == 1
    for token in (BOB, "hf_wrong", False):
        with pytest.raises(unetzoo.HubError, match=f"cannot pull '{name}'"):
            unetzoo.pull(name, token=token, cache_dir=cache / "other")


@pytest.mark.parametrize(
    ("token", "owner", "message"),
    [
        (False, "alice", "cannot push to 'alice/new'"),
        ("hf_wrong", "alice", "Invalid credentials"),
        (BOB, "alice", "bob cannot make repositories of alice"),
        (ALICE, "alice/too", "cannot push to 'alice/too/new'"),
    ],
    ids=["no token", "a wrong token", "another's token", "no name"],
)
def test_what_the_hub_refuses_is_one_error(hub_address, token, owner, message):
    with pytest.raises(unetzoo.HubError, match=message) as error:
        unetzoo.push(_model(), f"{owner}/new", token=token)
    assert "\n" not in str(error.value)


def test_a_network_or_revision_that_is_not_there_is_one_error(name, cache):
    with pytest.raises(unetzoo.HubError, match=f"cannot pull '{name}'"):
        unetzoo.pull(name, cache_dir=cache)
    unetzoo.push(_model(), name, token=ALICE)
    with pytest.raises(unetzoo.HubError, match=f"cannot pull '{name}' at 'v9'"):
        unetzoo.pull(name, revision="v9", cache_dir=cache)


def test_a_card_that_was_edited_on_the_hub_is_kept(name, cache):
    from huggingface_hub import HfApi, hf_hub_download

    def card():
        return Path(hf_hub_download(name, "README.md", cache_dir=cache)).read_text()

    unetzoo.push(_model(1), name, token=ALICE)
    generated = card()
    unetzoo.push(unetzoo.create("unetpp", encoder="plain"), name, token=ALICE)
    assert card() != generated
    HfApi(token=ALICE).upload_file(path_or_fileobj=b"mine", path_in_repo="README.md", repo_id=name)
    unetzoo.push(_model(2), name, token=ALICE)
    assert card() == "mine"
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 2


@pytest.mark.parametrize("kind", ["upload", "commit"])
def test_a_push_that_fails_leaves_the_remote_as_it_was(name, cache, break_next, kind):
    break_next(kind)
    with pytest.raises(unetzoo.HubError, match=f"cannot push to '{name}'"):
        unetzoo.push(_model(11.5 if kind == "upload" else 12.5), name, token=ALICE)
    with pytest.raises(unetzoo.HubError):
        unetzoo.pull(name, token=ALICE, cache_dir=cache)
    unetzoo.push(_model(1), name, token=ALICE)
    break_next(kind)
    with pytest.raises(unetzoo.HubError):
        unetzoo.push(_model(13.5 if kind == "upload" else 14.5), name, token=ALICE)
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 1


def test_a_push_that_fails_leaves_no_new_branch(name, cache, break_next):
    from huggingface_hub import HfApi

    unetzoo.push(_model(1), name, token=ALICE)
    break_next("commit")
    with pytest.raises(unetzoo.HubError):
        unetzoo.push(_model(15.5), name, token=ALICE, revision="trial")
    assert [branch.name for branch in HfApi().list_repo_refs(name).branches] == ["main"]


def test_a_push_at_the_same_time_as_anothers_is_one_error(name, cache, break_next):
    unetzoo.push(_model(1), name, token=ALICE)
    break_next("race")
    with pytest.raises(unetzoo.HubError, match="A commit has happened since"):
        unetzoo.push(_model(16.5), name, token=ALICE)
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 1


def test_a_pushed_folder_keeps_its_card_and_its_picture(name, cache, tmp_path):
    from huggingface_hub import hf_hub_download

    Image.new("RGB", (20, 10), "green").save(tmp_path / "mask.jpg")
    folder = unetzoo.save(_model(7), tmp_path / "cells", picture=tmp_path / "mask.jpg")
    unetzoo.push(folder, name, token=ALICE)
    card = Path(hf_hub_download(name, "README.md", cache_dir=cache)).read_text()
    assert "![a prediction](prediction.png)" in card
    assert f'unetzoo.pull("{name}")' in card
    with Image.open(hf_hub_download(name, "prediction.png", cache_dir=cache)) as picture:
        assert picture.size == (20, 10)
    (folder / "README.md").write_text("mine")
    unetzoo.push(folder, name, token=ALICE)
    assert Path(hf_hub_download(name, "README.md", cache_dir=cache)).read_text() == "mine"
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 7


def test_saving_can_push_too(name, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", ALICE)
    assert _model(8).save_pretrained(tmp_path / "cells") is None
    address = _model(8).save_pretrained(tmp_path / "cells", repo_id=name, push_to_hub=True)
    assert f"/{name}/commit/" in address
    assert _bias(unetzoo.Segmenter.from_pretrained(name, cache_dir=cache, force_download=True)) == 8


@pytest.mark.parametrize(("kind", "times"), [("drop", 1), ("drop", 2), ("unavailable", 2)])
def test_a_download_that_breaks_off_goes_on(name, cache, break_next, kind, times):
    unetzoo.push(_model(20 + times + (kind == "drop") / 2), name, token=ALICE)
    break_next(kind, times)
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 20 + times + (kind == "drop") / 2


def test_a_download_that_fails_leaves_no_half_file(name, cache, break_next):
    unetzoo.push(_model(30), name, token=ALICE)
    break_next("drop", 1000)
    with pytest.raises(unetzoo.HubError, match=f"cannot pull '{name}'"):
        unetzoo.pull(name, cache_dir=cache)
    assert not list(cache.rglob("model.safetensors"))
    break_next("drop", 0)
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 30


def test_a_slow_hub_is_waited_for(name, cache, break_next):
    unetzoo.push(_model(6), name, token=ALICE)
    break_next("slow", 2)
    assert _bias(unetzoo.pull(name, cache_dir=cache)) == 6


def test_a_hub_that_is_gone_is_one_error(tmp_path):
    gone = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "unetzoo", "pull", "alice/cells"]
    done = subprocess.run(command, env=gone, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot pull 'alice/cells': ")
    assert len(done.stderr.splitlines()) == 1


def test_networks_are_found_by_name(name, hub_address):
    unetzoo.push(_model(), name, token=ALICE)
    assert [item.name for item in unetzoo.search(name)] == [name]
    assert unetzoo.search("no such name") == []


def test_the_commands_push_pull_and_search(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", ALICE)
    folder = unetzoo.save(_model(5), tmp_path / "here")
    runner = CliRunner()
    pushed = runner.invoke(app, ["push", str(folder), name])
    assert pushed.exit_code == 0, pushed.output
    assert f"/{name}/commit/" in pushed.output
    pulled = runner.invoke(app, ["pull", name, "--out", str(tmp_path / "there")])
    assert pulled.output.startswith(f"{name}@")
    parameters = sum(parameter.numel() for parameter in _model().parameters())
    assert f": unet with plain, 3 channels to 1 classes, {parameters:,} parameters" in pulled.output
    assert _bias(unetzoo.load(tmp_path / "there")) == 5
    assert name in runner.invoke(app, ["search", name]).output
    assert name in [each["name"] for each in json.loads(runner.invoke(app, ["search", name, "--json"]).stdout)]
    facts = json.loads(runner.invoke(app, ["pull", name, "--json"]).stdout)
    assert facts["source"].startswith(f"{name}@")
    assert (facts["decoder"], facts["parameters"], facts["folder"]) == ("unet", parameters, None)
    missing = runner.invoke(app, ["pull", "alice/nothing-here"])
    assert missing.exit_code == 2
    assert missing.stderr.startswith("error: cannot pull 'alice/nothing-here'")
