"""The complete plugin in each hook's docstring is installed and used."""

import inspect
import re
import textwrap
from dataclasses import replace

import pytest
from throwaway import Site, plugin

from unetzoo.registry import hookspecs
from unetzoo.registry.markers import PROJECT

_USES = {
    "unetzoo_encoders": "list(unetzoo.create('unet', encoder='tiny')(torch.zeros(1, 3, 8, 6)).shape)",
    "unetzoo_decoders": "list(unetzoo.create('lookup', encoder='plain')(torch.zeros(1, 3, 16, 32)).shape)",
    "unetzoo_losses": "unetzoo.create_loss('2*brier')(torch.zeros(1, 1, 4, 4), torch.ones(1, 4, 4)).item()",
    "unetzoo_objects": "unetzoo.create_objects('blobs').decode(torch.tensor([[[0.9, 0.1, 0.8]]]).numpy()).tolist()",
    "unetzoo_datasets": "[int(sample.mask.sum()) for sample in unetzoo.create_dataset('discs', split='test')]",
    "unetzoo_formats": "(path := __import__('pathlib').Path(__import__('tempfile').mkdtemp(), 'a.gray'))"
    ".write_bytes(bytes([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 1])) and "
    "[__import__('unetzoo.data.formats.read').data.formats.read.read_image(path)[..., 0].tolist(), "
    "__import__('unetzoo.testing').testing.check_format('gray')]",
    "unetzoo_engines": "(lambda model, x: bool(unetzoo.optimize(model, engine='plain-torch')(x).equal(model(x))))"
    "(unetzoo.create('unet', encoder='plain').eval().requires_grad_(False), torch.ones(1, 3, 20, 32))",
    "unetzoo_recipes": "[unetzoo.Recipe.load('thin').training.balance, unetzoo.Recipe.load('thin').network.encoder]",
    "unetzoo_commands": "__import__('typer.testing').testing.CliRunner().invoke("
    "__import__('unetzoo.cli').cli.app, ['count-parts', 'losses', '--pattern', 'd*']).stdout",
}
_EXPECTED = {
    "unetzoo_encoders": [1, 1, 8, 6],
    "unetzoo_decoders": [1, 1, 16, 32],
    "unetzoo_losses": 2 * 0.5**2,
    "unetzoo_objects": [[1, 0, 2]],
    "unetzoo_datasets": [69, 305],  # pixels within 5 and 10 of the middle
    "unetzoo_formats": [[[1, 2], [3, 260]], None],  # the format keeps the contract
    "unetzoo_engines": True,
    "unetzoo_recipes": [0.5, "plain"],
    "unetzoo_commands": "1\n",
}


def _hooks():
    return [name for name, value in vars(hookspecs).items() if hasattr(value, f"{PROJECT}_spec")]


def test_every_hook_has_a_use_here():
    assert sorted(_hooks()) == sorted(_USES)


def _example(hook):
    """A distribution of the plugin in a hook's docstring, whose module has a name of its own, and its other file."""
    documentation = inspect.getdoc(getattr(hookspecs, hook))
    (source,) = re.findall(r"^```python\n(.*?)^```", documentation, re.MULTILINE | re.DOTALL)
    files = dict(re.findall(r"`(\w+\.toml)`.*?\n```toml\n(.*?)^```", documentation, re.MULTILINE | re.DOTALL))
    return replace(plugin(hook, textwrap.dedent(source).replace("unetzoo_cells:", f"{hook}:")), files=files)


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """What one process answers in which all of them are installed, by hook."""
    site = Site(tmp_path_factory.mktemp("examples") / "site").install(*map(_example, _USES))
    uses = ", ".join(f"{hook!r}: {use}" for hook, use in _USES.items())
    return site.ask(f"(torch := __import__('torch')) and {{{uses}}}", UNETZOO_PLUGINS=",".join(_USES))


@pytest.mark.parametrize("hook", _USES)
def test_the_plugin_in_a_hooks_docstring_works_as_it_stands(hook, answer):
    assert answer.value[hook] == _EXPECTED[hook]


def test_none_of_them_causes_a_warning(answer):
    assert answer.warnings == []
