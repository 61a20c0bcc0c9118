"""The page in a real browser."""

import shutil

import pytest
import torch
from squares import Squares

import unetzoo
from unetzoo import WriteError, evaluate
from unetzoo.evaluation.page import chosen_cases, write_page

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()
    data = Squares(12, 0)
    result = evaluate(model, data, instances="square")
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, result, model, data, title="net <on> data")
    return path, result, model, data


def test_it_needs_nothing_from_elsewhere(made):
    text = made[0].read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert "net &lt;on&gt; data" in text
    assert text.count("data:image/png;base64,") == 9


def test_each_case_is_shown_once_worst_first(made):
    captions = [caption for caption, _ in chosen_cases(made[1])]
    assert [caption.split(":")[0] for caption in captions] == ["worst"] * 3 + ["median"] * 3 + ["best"] * 3
    assert made[1].ranked[0].name in captions[0]


def test_a_page_that_cannot_be_written_is_one_error(made, tmp_path):
    with pytest.raises(WriteError, match=r"cannot write .*page\.html"):
        write_page(tmp_path / "missing" / "page.html", *made[1:], title="")


@pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_sorts_the_images_and_fits_a_narrow_screen(made):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 800})
        errors = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(made[0].as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        header = page.get_by_role("button", name="mean IoU")
        header.click()
        rising = page.locator("#images tbody td:nth-child(2)").all_inner_texts()
        header.press("Enter")  # by the keyboard
        falling = page.locator("#images tbody td:nth-child(2)").all_inner_texts()
        browser.close()
    assert errors == []
    assert rising == sorted(rising, key=float)
    assert falling == rising[::-1]
