import pytest
from throwaway import Site, decoders, plugin

import unetzoo

_RESNET18 = """
@unetzoo.hookimpl
def unetzoo_encoders():
    yield unetzoo.EncoderSpec(name="resnet18", build=lambda *, in_channels, pretrained: None, summary="not timm's")
"""


@pytest.fixture(scope="module")
def rivals(tmp_path_factory):
    """Two distributions that offer a decoder of one name; the first also offers one of timm's names."""
    return Site(tmp_path_factory.mktemp("rivals") / "site").install(
        plugin("first-zoo", decoders("toy_shared", "toy_first_only") + _RESNET18),
        plugin("second-zoo", decoders("toy_shared"), version="2.1"),
    )


def test_a_name_that_two_plugins_offer_is_an_error_that_names_both_and_the_ways_out(rivals):
    answer = rivals.ask("unetzoo.describe('decoder', 'toy_shared')")
    assert answer.value == {
        "error": "ConflictError",
        "message": "decoder 'toy_shared' is provided by first-zoo 1.0 and second-zoo 2.1; "
        "ask for 'first-zoo:toy_shared' or 'second-zoo:toy_shared', or block one with UNETZOO_BLOCK",
    }


def test_a_conflict_is_silent_until_its_name_is_asked_for(rivals):
    expression = "[unetzoo.list_decoders('toy_*'), unetzoo.describe('decoder', 'toy_first_only').provider]"
    answer = rivals.ask(expression)
    assert answer.value == [["toy_first_only", "toy_shared"], "first-zoo 1.0"]
    assert answer.warnings == []


def test_each_side_of_a_conflict_has_a_name_of_its_own(rivals):
    expression = "[unetzoo.describe('decoder', f'{d}:toy_shared').provider for d in ('first-zoo', 'second-zoo')]"
    assert rivals.ask(expression).value == ["first-zoo 1.0", "second-zoo 2.1"]


def test_blocking_one_side_resolves_a_conflict(rivals):
    assert rivals.ask("unetzoo.describe('decoder', 'toy_shared').provider", UNETZOO_BLOCK="first-zoo").value == (
        "second-zoo 2.1"
    )


def test_the_list_of_plugins_shows_conflicts_with_both_sides_and_does_not_load_torch(rivals):
    code = "[{info.name: info.conflicts for info in plugins()}, 'torch' in sys.modules]"
    assert rivals.ask(code, UNETZOO_BLOCK="unetzoo-lite").value == [
        {
            "unetzoo": ["encoder resnet18"],
            "first-zoo 1.0": ["encoder resnet18", "decoder toy_shared"],
            "second-zoo 2.1": ["decoder toy_shared"],
        },
        False,
    ]


def test_a_plugin_may_offer_a_name_of_timm_and_both_can_be_had(rivals):
    providers = "[unetzoo.describe('encoder', name).provider for name in ('first-zoo:resnet18', 'timm:resnet18')]"
    assert rivals.ask(providers).value == ["first-zoo 1.0", f"unetzoo {unetzoo.__version__}"]
    clash = rivals.ask("unetzoo.describe('encoder', 'resnet18')").value
    assert clash["error"] == "ConflictError"
    assert "ask for 'timm:resnet18' or 'first-zoo:resnet18'" in clash["message"]


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory):
    """Two good plugins and one that cannot be imported."""
    return Site(tmp_path_factory.mktemp("neighbours") / "site").install(
        plugin("My_Plugin", decoders("toy_mine")),
        plugin("other", decoders("toy_theirs")),
        plugin("wreck", "import no_such_module"),
    )


_STATES = "[unetzoo.list_decoders('toy_*'), {info.name: info.status for info in plugins()}]"


@pytest.mark.parametrize("spelling", ["my-plugin", "My_Plugin", "MY.plugin", " my__plugin ,", "absent,my-plugin"])
def test_unetzoo_block_switches_a_plugin_off_however_it_is_spelt(neighbours, spelling):
    names, states = neighbours.ask(_STATES, UNETZOO_BLOCK=spelling).value
    assert names == ["toy_theirs"]
    assert states["my-plugin 1.0"] == "blocked"
    assert states["other 1.0"] == "active"


def test_a_blocked_plugin_is_not_even_imported(neighbours):
    answer = neighbours.ask(_STATES, UNETZOO_BLOCK="wreck")
    assert answer.value[1]["wreck 1.0"] == "blocked"
    assert answer.warnings == []


def test_unetzoo_plugins_allows_only_those_it_names(neighbours):
    names, states = neighbours.ask(_STATES, UNETZOO_PLUGINS="Other").value
    assert names == ["toy_theirs"]
    assert states == {"unetzoo": "active", "other 1.0": "active", "my-plugin 1.0": "blocked", "wreck 1.0": "blocked"}


def test_an_empty_unetzoo_plugins_allows_none_but_the_built_in(neighbours):
    names, states = neighbours.ask(_STATES, UNETZOO_PLUGINS="").value
    assert names == []
    assert [name for name, state in states.items() if state == "active"] == ["unetzoo"]


def test_unetzoo_block_outweighs_unetzoo_plugins(neighbours):
    names, _ = neighbours.ask(_STATES, UNETZOO_PLUGINS="my-plugin,other", UNETZOO_BLOCK="other").value
    assert names == ["toy_mine"]


def test_the_built_in_plugin_cannot_be_blocked(neighbours):
    names, states = neighbours.ask(_STATES, UNETZOO_BLOCK="unetzoo", UNETZOO_PLUGINS="other").value
    assert names == ["toy_theirs"]
    assert states["unetzoo"] == "active"
