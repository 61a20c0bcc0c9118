import pytest
from throwaway import Distribution, Site, decoders, plugin

from unetzoo import CommandSpec, PluginError
from unetzoo.registry.builtin_commands import COMMANDS
from unetzoo.registry.offers import checked_items

_HOOK = "import pluggy, unetzoo\nfrom unetzoo import hookimpl\n\n"

# What a plugin may do wrong: its source, and what the list of plugins says about it.
CULPRITS = {
    "missing-import": ("import no_such_module", "importing 'missing_import' raised ModuleNotFoundError"),
    "syntax-error": ("def broken(:", "importing 'syntax_error' raised SyntaxError"),
    "system-exit": ("raise SystemExit(3)", "importing 'system_exit' raised SystemExit: 3"),
    "any-exception": ("raise RuntimeError('no GPU')", "importing 'any_exception' raised RuntimeError: no GPU"),
    "looks-up-on-import": (
        "import unetzoo; unetzoo.list_decoders()",
        "importing 'looks_up_on_import' raised PluginError: a plugin must not look names up while it is imported",
    ),
    "misspelt-hook": (_HOOK + "@hookimpl\ndef unetzoo_decoder(): yield", "unknown hook 'unetzoo_decoder'"),
    "unexpected-argument": (_HOOK + "@hookimpl\ndef unetzoo_decoders(host): yield", "Argument(s) {'host'}"),
    "undecorated-hook": ("def unetzoo_decoders(): yield", "it implements no hook"),
    "other-hosts-marker": (
        _HOOK + "@pluggy.HookimplMarker('pytest')\ndef unetzoo_decoders(): yield",
        "it implements no hook",
    ),
    "wrapper": (
        _HOOK + "@hookimpl(wrapper=True)\ndef unetzoo_decoders():\n    found = yield\n    return found",
        "unetzoo_decoders raised PluginError: it must yield its own specs, not wrap other plugins",
    ),
    "old-wrapper": (
        _HOOK + "@hookimpl(hookwrapper=True)\ndef unetzoo_decoders(): yield",
        "unetzoo_decoders raised PluginError: it must yield its own specs, not wrap other plugins",
    ),
    "raises-midway": (
        decoders("toy_half_way") + "    raise ValueError('later')",
        "unetzoo_decoders raised ValueError: later",
    ),
    "exits-midway": (decoders("toy_half_way") + "    raise SystemExit(4)", "unetzoo_decoders raised SystemExit: 4"),
    "wrong-type": (
        _HOOK + "@hookimpl\ndef unetzoo_decoders(): yield 'unet'",
        "expected a DecoderSpec from the hook, got 'unet'",
    ),
    "wrong-kind": (
        _HOOK + "@hookimpl\ndef unetzoo_decoders(): yield unetzoo.LossSpec(name='l1', build=abs)",
        "expected a DecoderSpec from the hook, got",
    ),
    "gives-none": (
        _HOOK + "@hookimpl\ndef unetzoo_encoders(): pass",
        "expected an iterable from the hook, each item an EncoderSpec or an EncoderFamily, got None",
    ),
    "gives-one": (
        _HOOK + "@hookimpl\ndef unetzoo_losses(): return unetzoo.LossSpec(name='l1', build=abs)",
        "expected an iterable from the hook, each item a LossSpec, got LossSpec(name='l1'",
    ),
    "duplicate": (decoders("toy_double", "toy_double"), "one distribution provides decoder toy_double twice"),
    "name-with-space": (decoders("two words"), "invalid name 'two words'"),
    "name-with-colon": (decoders("timm:resnet18"), "invalid name 'timm:resnet18'"),
    "build-is-text": (
        _HOOK + "@hookimpl\ndef unetzoo_decoders(): yield unetzoo.DecoderSpec(name='texty', build='pkg:Decoder')",
        "build of 'texty' must be a class, a function or lazy(...), but is 'pkg:Decoder'",
    ),
    "names-is-list": (
        _HOOK
        + "@hookimpl\ndef unetzoo_encoders(): yield unetzoo.EncoderFamily(prefix='listy', names=['a'], spec=print)",
        "names and spec of encoders listy:* must be functions",
    ),
    "looks-up-in-hook": (
        _HOOK + "@hookimpl\ndef unetzoo_encoders(): yield from unetzoo.list_encoders()",
        "unetzoo_encoders raised PluginError: a plugin must not look names up",
    ),
}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """All culprits and one good plugin in one place; what is said there about each."""
    folder = tmp_path_factory.mktemp("crowd") / "site"
    wheels = [plugin(name, source) for name, (source, _) in CULPRITS.items()]
    site = Site(folder).install(*wheels, plugin("good-one", decoders("toy_good")))
    names = "[unetzoo.list_decoders('toy_*'), unetzoo.list_losses('dice'), unetzoo.list_encoders('plain')]"
    return site.ask(f"[{names}, {names}, plugins()]")


@pytest.mark.parametrize("name", CULPRITS)
def test_a_plugin_that_does_something_wrong_is_shown_as_broken_and_says_why(crowd, name):
    (info,) = (info for info in crowd.value[2] if info["name"] == f"{name} 1.0")
    assert info["status"] == "broken"
    (problem,) = info["problems"]
    assert CULPRITS[name][1] in problem
    assert "\n" not in problem


@pytest.mark.parametrize("name", CULPRITS)
def test_each_broken_plugin_is_warned_about_once(crowd, name):
    about = [category for category, message in crowd.warnings if message.startswith(f"plugin '{name} 1.0' is disabled")]
    assert about == ["PluginWarning"]


def test_nothing_else_is_warned_about(crowd):
    assert len(crowd.warnings) == len(CULPRITS)


def test_broken_plugins_do_not_disturb_the_others(crowd):
    assert crowd.value[0] == crowd.value[1]
    assert crowd.value[0] == [["toy_good"], ["dice"], ["plain"]]
    states = {info["name"]: info["status"] for info in crowd.value[2]}
    assert states["good-one 1.0"] == states["unetzoo"] == "active"


def test_a_hook_that_fails_leaves_the_other_hooks_of_its_plugin_working(site):
    source = _HOOK + (
        "@hookimpl\ndef unetzoo_losses(): raise ValueError('oops')\n\n"
        "@hookimpl\ndef unetzoo_decoders(): yield unetzoo.DecoderSpec(name='toy_kept', build=print)\n"
    )
    answer = site.install(plugin("half", source)).ask("plugins()[1]")
    assert (answer.value["status"], answer.value["parts"]) == ("broken", ["decoder toy_kept"])
    assert answer.warnings == [
        (
            "PluginWarning",
            "plugin 'half 1.0' is disabled in part: unetzoo_losses raised ValueError: oops (half.py, line 5)",
        )
    ]


def test_an_entry_point_that_is_none_is_left_out(site):
    site.install(Distribution("nothing", {"nothing": "absent = None"}, {"nothing": "nothing:absent"}))
    assert site.ask("plugins()[1].problems").value == ["its entry point 'nothing:absent' is None"]


def test_two_distributions_with_one_entry_point_name_are_both_loaded(site):
    site.install(
        Distribution("first", {"one": decoders("toy_alpha")}, {"same": "one"}),
        Distribution("second", {"two": decoders("toy_beta")}, {"same": "two"}),
    )
    answer = site.ask("[unetzoo.list_decoders('toy_*'), [info.name for info in plugins()]]")
    assert answer.value == [["toy_alpha", "toy_beta"], ["unetzoo", "first 1.0", "second 1.0"]]
    assert answer.warnings == []


def test_parts_belong_to_the_right_one_of_two_plugins_in_one_distribution(site):
    modules = {"one": decoders("toy_alpha"), "two": decoders("toy_beta")}
    site.install(Distribution("pair", modules, {"a": "one", "b": "two"}))
    answer = site.ask("[(info.name, info.parts) for info in plugins()[1:]]")
    assert answer.value == [["pair 1.0 (a)", ["decoder toy_alpha"]], ["pair 1.0 (b)", ["decoder toy_beta"]]]


def test_a_name_that_two_plugins_of_one_distribution_offer_is_the_first_ones(site):
    modules = {"one": decoders("toy_alpha"), "two": decoders("toy_alpha", "toy_beta")}
    site.install(Distribution("pair", modules, {"a": "one", "b": "two"}))
    answer = site.ask("[unetzoo.list_decoders('toy_*'), plugins()[2]]")
    assert answer.value[0] == ["toy_alpha"]
    assert answer.value[1]["problems"] == [
        "unetzoo_decoders raised PluginError: "
        "one distribution provides decoder toy_alpha twice, first by plugin 'pair 1.0 (a)'"
    ]


def test_two_entry_points_that_are_one_module_are_one_plugin(site):
    site.install(Distribution("pair", {"one": decoders("toy_alpha")}, {"a": "one", "b": "one"}))
    answer = site.ask("[unetzoo.list_decoders('toy_*'), plugins()[2]]")
    assert answer.value[0] == ["toy_alpha"]
    assert answer.value[1]["problems"] == ["its entry point is the same object as that of plugin 'pair 1.0 (a)'"]


def test_a_class_instance_can_be_a_plugin(site):
    source = _HOOK + (
        "class Plugin:\n    @hookimpl\n    def unetzoo_decoders(self):\n"
        "        yield unetzoo.DecoderSpec(name=self.name, build=print)\n"
        "plugin = Plugin(); plugin.name = 'toy_from_instance'"
    )
    site.install(Distribution("instance", {"instance": source}, {"instance": "instance:plugin"}))
    assert site.ask("unetzoo.list_decoders('toy_*')").value == ["toy_from_instance"]


def test_a_distribution_without_metadata_goes_by_its_entry_points_name(site):
    site.install(Distribution("damaged", {"one": decoders("toy_alpha")}, {"point": "one"}))
    (site.folder / "damaged-1.0.dist-info" / "METADATA").unlink()
    answer = site.ask("[unetzoo.list_decoders('toy_*'), plugins()[1].name]")
    assert answer.value == [["toy_alpha"], "point"]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_plugin_can_take_the_name_of_a_command_of_unetzoo(name):
    with pytest.raises(PluginError, match=rf"^command {name} is unetzoo's own$"):
        checked_items("command", [CommandSpec(name=name, build=print)])
