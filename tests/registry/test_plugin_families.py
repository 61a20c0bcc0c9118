from throwaway import plugin

_FAMILY = """
import unetzoo

{names}

def spec(name):
    if name == "nameless":
        raise KeyError(name)
    if name == "odd":
        return unetzoo.LossSpec(name="odd", build=abs)
    return unetzoo.EncoderSpec(name=name, build=lambda *, in_channels, pretrained: None)

@unetzoo.hookimpl
def unetzoo_encoders():
    yield unetzoo.EncoderFamily(prefix={prefix!r}, names=names, spec=spec)
"""


def _family(name, prefix, names):
    return plugin(name, _FAMILY.format(prefix=prefix, names=names))


def test_a_family_whose_names_fail_is_empty_and_disturbs_nobody(site):
    site.install(_family("bad", "bad", "def names(): raise ConnectionError('offline')"))
    answer = site.ask("[unetzoo.list_encoders('plain'), unetzoo.list_encoders('bad:*'), plugins()[1]]")
    assert answer.value[:2] == [["plain"], []]
    problem = "the names of encoders bad:* raised ConnectionError: offline"
    assert (answer.value[2]["status"], answer.value[2]["problems"]) == ("broken", [problem])
    assert answer.warnings == [("PluginWarning", f"plugin 'bad 1.0' is disabled in part: {problem}")]


def test_a_family_whose_names_are_no_names_is_empty(site):
    site.install(_family("bad", "bad", "def names(): return ['fine', 7]"))
    answer = site.ask("[unetzoo.list_encoders('bad:*'), plugins()[1].problems]")
    assert answer.value[0] == []
    assert "invalid name 7" in answer.value[1][0]


def test_a_family_that_lists_all_encoders_in_its_names_is_empty_and_blamed_itself(site):
    site.install(_family("bad", "bad", "def names(): return unetzoo.list_encoders()"))
    answer = site.ask("[unetzoo.list_encoders('plain'), {p.name: p.status for p in plugins()}]")
    assert answer.value == [["plain"], {"unetzoo": "active", "bad 1.0": "broken"}]
    ((_, message),) = answer.warnings
    assert "a plugin must not look names up" in message


def test_a_family_that_cannot_describe_a_name_fails_for_that_name_alone(site):
    site.install(_family("zoo", "zoo", "def names(): return ['fine', 'nameless', 'odd']"))
    describe = "unetzoo.describe('encoder', {!r})".format
    assert site.ask(describe("zoo:fine")).value["provider"] == "zoo 1.0"
    assert site.ask(describe("nameless")).value == {
        "error": "PluginError",
        "message": "plugin 'zoo 1.0' lists encoder 'nameless' but cannot describe it: KeyError: 'nameless'",
    }
    odd = site.ask(describe("odd")).value
    assert odd["error"] == "PluginError"
    assert odd["message"].startswith("plugin 'zoo 1.0' describes encoder 'odd' by LossSpec(")


def test_two_families_with_one_prefix_are_told_apart_by_distribution(site):
    names = "def names(): return ['common']"
    site.install(_family("left", "zoo", names), _family("right", "zoo", names))
    clash = site.ask("unetzoo.describe('encoder', 'zoo:common')").value
    assert clash["error"] == "ConflictError"
    assert "ask for 'left:common' or 'right:common'" in clash["message"]
    assert site.ask("unetzoo.describe('encoder', 'right:common').provider").value == "right 1.0"
