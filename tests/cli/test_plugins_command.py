import json
import re
import subprocess
import sys
from itertools import takewhile

from unetzoo.registry.builtin import unetzoo_losses

_RIVAL = """
import unetzoo

@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="unet", build=lambda features: None)
"""


def _row(text, plugin):
    """The row of a plugin in one line; a cell goes on in lines that begin with a space."""
    lines = text.splitlines()
    (first,) = (number for number, line in enumerate(lines) if line.startswith(f"{plugin} "))
    rest = takewhile(lambda line: line.startswith(" "), lines[first + 1 :])
    return " ".join(" ".join([lines[first], *rest]).split())


def test_the_built_in_plugin_is_active_with_its_parts(invoke):
    row = _row(invoke("plugins").stdout, "unetzoo")
    assert " active " in row
    assert " decoder unet, unetpp, " in row
    assert " encoders timm:* " in row


def test_the_table_is_at_most_100_columns_wide_in_a_pipe(run):
    lines = run("plugins", UNETZOO_PLUGINS="").stdout.splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 100


def test_columns_without_content_are_left_out(run):
    header = run("plugins", UNETZOO_PLUGINS="").stdout.splitlines()[0]
    assert header.split() == ["plugin", "status", "parts"]


def test_json_has_everything_for_machines(run, install):
    done = run("plugins", "--json", **install("rival", _RIVAL))
    (info,) = (info for info in json.loads(done.stdout) if info["distribution"] == "rival")
    assert info.pop("seconds") > 0
    assert info == {
        "name": "rival 1.0",
        "distribution": "rival",
        "version": "1.0",
        "status": "active",
        "parts": ["decoder unet"],
        "conflicts": ["decoder unet"],
        "problems": [],
        "remarks": [],
    }


_SLOW = f"""
import time
clock = time.perf_counter
time.perf_counter = lambda: clock() + 100  # the seconds that this import takes, without waiting for them
{_RIVAL}"""


def test_a_plugin_that_hangs_for_long_is_named_with_its_time(run, install):
    environment = install("slow", _SLOW)
    done = run("plugins", "--timings", **environment)
    numbers = re.findall(r" ([0-9][0-9,.]*)$", done.stdout, re.MULTILINE)
    assert any(100_000 <= float(number.replace(",", "")) < 110_000 for number in numbers)
    (info,) = (info for info in json.loads(run("plugins", "--json", **environment).stdout) if "slow" in info["name"])
    assert info["remarks"] == [f"importing 'slow' took {info['seconds']:.1f} s"]
    assert "warning: plugin 'slow 1.0': importing 'slow' took 10" in run("list", "losses", **environment).stderr


def test_what_a_plugin_prints_is_kept_from_the_output_and_named(run, install):
    environment = install("chatty", f"print('hello')\n{_RIVAL}")
    losses = run("list", "losses", UNETZOO_PLUGINS="chatty", **environment).stdout.splitlines()
    assert losses == sorted(spec.name for spec in unetzoo_losses())
    assert "importing 'chatty' printed 'hello'" in _row(run("plugins", **environment).stdout, "chatty 1.0")


def test_the_trace_tells_each_step_before_it_is_done(run, install):
    environment = install("rival", _RIVAL)
    lines = run("list", "losses", UNETZOO_TRACE="1", **environment).stderr.splitlines()
    assert lines.index("unetzoo: rival 1.0: importing 'rival' ...") < lines.index(
        "unetzoo: rival 1.0: unetzoo_decoders ..."
    )
    assert run("list", "losses", **environment).stderr == ""


def test_checking_a_plugin_says_which_rules_it_breaks(run, install):
    environment = install("rival", _RIVAL)
    done = run("plugins", "check", "rival", **environment)
    assert done.returncode == 1
    assert "the builder returned NoneType" in done.stdout
    results = json.loads(run("plugins", "check", "rival", "--json", **environment).stdout)
    assert {
        "part": "plugin rival 1.0",
        "rule": "It is active, without problems, and no other plugin provides a part of the same name",
    }.items() <= (results[0].items())
    assert results[0]["problem"] == "other plugins also provide decoder unet"


def test_checking_a_plugin_that_is_not_there_is_one_error(run):
    done = run("plugins", "check", "unetzo")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no plugin of a distribution 'unetzo'; did you mean 'unetzoo'")
    assert len(done.stderr.splitlines()) == 1


def test_a_broken_plugin_has_its_problem_in_the_table_and_no_warning(run, install):
    done = run("plugins", **install("broken_plugin", "import no_such_module"))
    row = _row(done.stdout, "broken-plugin 1.0")
    assert " broken " in row
    assert row.endswith("ModuleNotFoundError: No module named 'no_such_module' (broken_plugin.py, line 1)")
    assert done.stderr == ""


def test_names_that_two_plugins_offer_are_shown_with_both(run, install):
    environment = install("rival", _RIVAL)
    done = run("plugins", **environment)
    assert "conflicts" in done.stdout.splitlines()[0]
    assert _row(done.stdout, "rival 1.0").split() == ["rival", "1.0", "active", "decoder", "unet", "decoder", "unet"]
    infos = json.loads(run("plugins", "--json", **environment).stdout)
    (own,) = (info for info in infos if info["distribution"] == "unetzoo")
    assert "decoder unet" in own["conflicts"]


def test_a_blocked_plugin_is_shown_as_blocked(run, install):
    done = run("plugins", **install("rival", _RIVAL), UNETZOO_BLOCK="rival")
    assert _row(done.stdout, "rival 1.0").split() == ["rival", "1.0", "blocked"]


def test_an_unknown_name_is_refused_without_torch():
    code = (
        "import sys\n"
        "from unetzoo.cli import main\n"
        "sys.argv = ['unetzoo', 'plugins', 'check', 'unetzo']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"
    assert "no plugin of a distribution 'unetzo'" in done.stderr
