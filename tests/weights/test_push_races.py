"""Several push to one repository at the same time."""

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import unetzoo

# of the client's own calls of its HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
ALICE = "hf_alice"


def _model(value):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)})
    with torch.no_grad():
        model.heads[0].bias.fill_(value)
    return model.eval()


def _push(value, name):
    try:
        unetzoo.push(_model(value), name, token=ALICE)
    except unetzoo.HubError:
        return None
    return value


def _pulled(name, cache):
    return unetzoo.pull(name, cache_dir=cache, force_download=True).heads[0].bias.item()


@pytest.mark.parametrize("number", range(3))
def test_of_two_who_push_to_a_new_repository_the_loser_leaves_what_the_winner_pushed(hub_address, number, tmp_path):
    name = f"alice/contested-{number}"
    with ThreadPoolExecutor(2) as pool:
        pushed = [value for value in pool.map(_push, (1.0, 2.0), (name, name)) if value is not None]
    assert pushed
    assert _pulled(name, tmp_path) in pushed


def test_a_new_repository_to_which_somebody_else_pushed_meanwhile_is_not_deleted(hub_address):
    from huggingface_hub import HfApi

    data = json.dumps({"kind": "race", "times": 1}).encode()
    request = urllib.request.Request(f"{hub_address}/_fault", data, {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()
    with pytest.raises(unetzoo.HubError, match="A commit has happened since"):
        unetzoo.push(_model(1.0), "alice/overtaken", token=ALICE)
    assert HfApi(token=ALICE).repo_exists("alice/overtaken")
