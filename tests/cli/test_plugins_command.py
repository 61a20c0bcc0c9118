_RIVAL = """
import unetzoo

@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="unet", build=lambda features: None)
"""


def _row(text, plugin):
    (row,) = (line for line in text.splitlines() if line.startswith(plugin))
    return row


def test_the_built_in_plugin_is_active_with_its_parts(invoke):
    row = _row(invoke("plugins").stdout, "unetzoo")
    assert " active " in row
    assert "decoder unet, decoder unetpp" in row
    assert "encoders timm:*" in row


def test_columns_without_content_are_left_out(invoke):
    header = invoke("plugins").stdout.splitlines()[0]
    assert header.split() == ["plugin", "status", "parts"]


def test_a_broken_plugin_has_its_problem_in_the_table_and_no_warning(run, install):
    done = run("plugins", **install("broken_plugin", "import no_such_module"))
    row = _row(done.stdout, "broken-plugin 1.0")
    assert " broken " in row
    assert row.endswith("ModuleNotFoundError: No module named 'no_such_module'")
    assert done.stderr == ""


def test_names_that_two_plugins_offer_are_shown_with_both(run, install):
    done = run("plugins", **install("rival", _RIVAL))
    assert "conflicts" in done.stdout.splitlines()[0]
    assert _row(done.stdout, "rival 1.0").split() == ["rival", "1.0", "active", "decoder", "unet", "decoder", "unet"]
    assert _row(done.stdout, "unetzoo").endswith(" decoder unet")


def test_a_blocked_plugin_is_shown_as_blocked(run, install):
    done = run("plugins", **install("rival", _RIVAL), UNETZOO_BLOCK="rival")
    assert _row(done.stdout, "rival 1.0").split() == ["rival", "1.0", "blocked"]
