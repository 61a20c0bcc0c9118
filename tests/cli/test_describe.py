import pytest

import unetzoo


@pytest.fixture(scope="module")
def unetpp():
    return unetzoo.describe("decoder", "unetpp")


def _rows(text):
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_a_decoder_has_a_row_for_each_option_with_its_default(invoke, unetpp):
    rows = _rows(invoke("describe", "decoder", "unetpp").stdout)
    assert len(unetpp.options) > 5
    assert all(rows[option.name][0] == repr(option.default) for option in unetpp.options)


def test_the_choices_of_an_option_are_listed(invoke):
    assert "'nearest' | 'bilinear' | 'transpose'" in invoke("describe", "decoder", "unet").stdout


def test_types_are_shown_without_their_modules(invoke):
    rows = _rows(invoke("describe", "decoder", "unet").stdout)
    assert rows["widths"] == ["None", "Sequence[int]", "|", "None"]


def test_paper_is_a_link_and_provider_is_named(invoke, unetpp):
    rows = _rows(invoke("describe", "decoders", "unetpp").stdout)
    assert rows["paper"] == ["https://arxiv.org/abs/1807.10165"]
    assert rows["provider"] == unetpp.provider.split()


def test_an_encoder_of_timm_shows_licence_and_pretrained_tags(invoke):
    output = invoke("describe", "encoder", "resnet34").stdout
    assert "apache-2.0" in output
    assert "a1_in1k, " in output


def test_facts_that_are_unknown_have_no_row(invoke):
    assert "pretrained" not in _rows(invoke("describe", "encoder", "plain").stdout)


def test_nothing_is_cut_or_padded_for_a_pipe(invoke):
    lines = invoke("describe", "encoder", "resnet34").stdout.splitlines()
    assert not any(line.endswith((" ", "…")) for line in lines)
    tags = unetzoo.describe("encoder", "resnet34").pretrained
    assert any(", ".join(tags) in line for line in lines)


def test_an_option_without_default_is_required_and_markup_is_text(run, install):
    source = """
import unetzoo

def build(features, *, size: int):
    return None

@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="sized", build=build, summary="[bold]not markup[/bold] :smile:")
"""
    done = run("describe", "decoder", "sized", **install("sized_plugin", source))
    rows = _rows(done.stdout)
    assert rows["size"] == ["(required)", "int"]
    assert rows["summary"] == ["[bold]not", "markup[/bold]", ":smile:"]
    assert rows["provider"] == ["sized-plugin", "1.0"]


def test_a_part_without_options_says_so(run, install):
    source = """
import unetzoo

@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="simple", build=lambda features: None)
"""
    assert "It has no options." in run("describe", "decoder", "simple", **install("simple_plugin", source)).stdout


def test_it_says_when_to_choose_a_coding_of_objects(invoke):
    rows = _rows(invoke("describe", "object", "distance").stdout)
    assert " ".join(rows["when"]) == "Start here: objects are roundish and may touch."
