"""Texts of strangers, and each place where unetzoo shows them."""

import csv
import io
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
from leaderboard_results import result
from markdown_it import MarkdownIt

import unetzoo
from unetzoo._utils.texts import cell, code, label, markdown, printable
from unetzoo.bench.charts import scatter
from unetzoo.bench.summary import summarize
from unetzoo.bench.tables import as_csv, as_markdown
from unetzoo.cli.output import new_table, reporting, say, show
from unetzoo.evaluation.sheet import Shown, draw_sheet
from unetzoo.weights.card import card_of

_CLIPBOARD = "\x1b]52;c;cHduZWQ=\x1b\\"
_MARKUP = (
    "cell |\n\n# Notice\n\n![x](http://evil.example/x.png) <script>alert(1)</script> [weights](http://evil.example) `a`"
)
_HOSTILE = f"{_CLIPBOARD}{_MARKUP}"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("plain, ümlaut, 細胞", "plain, ümlaut, 細胞"),
        (_CLIPBOARD, "\\x1b]52;c;cHduZWQ=\\x1b\\"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
    ],
)
def test_control_characters_are_written_out(text, printed):
    assert printable(text) == printed


@pytest.mark.parametrize("text", [_MARKUP, "*a* _b_ ~~c~~", "<b>d</b>", "a|b", "&lt;", "1. \\* x", "www.evil.example"])
def test_markdown_shows_a_text_as_it_is(text):
    parser = MarkdownIt().enable(["table", "strikethrough"])
    (paragraph,) = (token for token in parser.parse(f"x {markdown(text)}") if token.type == "inline")
    assert {child.type for child in paragraph.children} <= {"text", "text_special"}
    assert "".join(child.content for child in paragraph.children) == f"x {' '.join(text.split())}"


def test_bare_addresses_are_no_links_for_readers_that_make_some():
    assert "://" not in markdown("http://evil.example")
    assert "www." not in markdown("www.evil.example")


def test_code_cannot_be_ended_by_its_text():
    (paragraph,) = (token for token in MarkdownIt().parse(code("a`<b>`\n|")) if token.type == "inline")
    assert [child.type for child in paragraph.children] == ["code_inline"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-cmd", "@sum", " =1"])
def test_a_cell_of_a_spreadsheet_is_no_formula(text):
    assert cell(text).startswith("'")
    assert cell("unet") == "unet"


def test_a_label_has_no_html():
    assert label("<a href='x'>y</a>") == "&lt;a href=&#x27;x&#x27;&gt;y&lt;/a&gt;"


def _renderables():
    table = new_table("class")
    table.add_row(_HOSTILE)
    return _HOSTILE, table


def test_a_pipe_and_a_log_get_no_controls(capsys, tmp_path):
    with reporting(quiet=False, log=tmp_path / "log.txt"):
        show(*_renderables())
        say("error:", "red", _HOSTILE)
    written = capsys.readouterr()
    for text in (written.out, written.err, (tmp_path / "log.txt").read_text(encoding="utf-8")):
        assert "\\x1b]52" in text
        assert "\x1b]52" not in text


def test_a_terminal_gets_no_controls():
    program = f"from unetzoo.cli.output import *; table = new_table('a'); table.add_row({_HOSTILE!r}); show('x', table)"
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            written += os.read(ours, 65536)
        except OSError:  # the terminal is closed
            break
    assert process.wait() == 0
    assert b"\\x1b]52" in written
    assert b"\x1b]52" not in written


def test_a_model_card_has_no_markup_of_others():
    info = unetzoo.ModelInfo(class_names=["background", _HOSTILE], metrics={_HOSTILE: 0.5}, license=_HOSTILE)
    model = unetzoo.create("unet", encoder="plain", classes=2, encoder_options={"widths": [2, 3]})
    config = unetzoo.ModelConfig(**{**vars(model.config), "info": info, "providers": {"encoder": _HOSTILE}})
    text = card_of(model, config)
    _, front, body = text.split("---\n", 2)
    assert "\x1b" not in text
    tokens = MarkdownIt().enable("table").parse(body)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1"]
    kinds = {child.type for token in tokens if token.children for child in token.children}
    assert not kinds & {"link_open", "image", "html_inline"}
    assert "html_block" not in {token.type for token in tokens}
    from yaml import safe_load

    assert sorted(safe_load(front)) == ["library_name", "license", "model-index", "pipeline_tag", "tags"]


def test_a_leaderboard_has_no_markup_or_formulas_of_others():
    rows = summarize([result("=cmd()", encoder=_HOSTILE), result("unet", error=_HOSTILE)])
    for line in csv.reader(io.StringIO(as_csv(rows))):
        assert not any(cell.startswith(("=", "+", "@")) for cell in line)
    tokens = MarkdownIt().enable("table").parse(as_markdown(rows))
    assert sum(token.type == "tr_open" for token in tokens) == 3
    kinds = {child.type for token in tokens if token.children for child in token.children}
    assert not kinds & {"link_open", "image", "html_inline"}
    assert "<script>" not in scatter(rows, "latency").to_json()


def test_a_picture_is_drawn_whatever_names_it_has():
    pixels = np.zeros((16, 16), np.uint8)
    sheet = draw_sheet([Shown(pixels[..., None], pixels, pixels, _HOSTILE)], ["a", _HOSTILE], height=32)
    assert sheet.size[0] > 32
