"""The page in a real browser."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch
from squares import Squares

import unetzoo
from unetzoo import WriteError, evaluate
from unetzoo.evaluation.measure import Case, Evaluation, calibration_rows
from unetzoo.evaluation.object_scores import ObjectScores
from unetzoo.evaluation.page import chosen_cases, write_page
from unetzoo.evaluation.reliability import diagrams


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()
    data = Squares(12, 0)
    result = evaluate(model, data, instances="square")
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, result, model, data, title="net <on> data")
    return path, result, model, data


def test_it_needs_nothing_from_elsewhere(page):
    text = page[0].read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert "net &lt;on&gt; data" in text
    pictures = sum(len(group.cases) for group in chosen_cases(page[1]))
    assert text.count("data:image/png;base64,") == pictures >= 9


def test_each_case_is_shown_once_worst_first(page):
    groups = chosen_cases(page[1])
    headings = [group.heading for group in groups]
    order = ["Worst by mean IoU", "Worst by objects (square)", "Median", "Best"]
    assert headings == [heading for heading in order if heading in headings]
    assert groups[0].cases[0] == page[1].ranked[0]
    indices = [case.index for group in groups for case in group.cases]
    assert len(indices) == len(set(indices))


def test_the_worst_by_objects_are_shown_where_pixels_hide_them():
    cases = [Case(number, f"{number}.png", (), number / 10, {}, 1 - number / 10) for number in range(10)]
    groups = chosen_cases(Evaluation(("a", "b"), (), {}, tuple(cases), object_classes={"b": ObjectScores({}, {})}))
    assert [case.name for case in groups[1].cases] == ["9.png", "8.png", "7.png"]
    assert groups[1].heading == "Worst by objects (b)"


def test_it_says_what_the_numbers_are_of(page, tmp_path):
    _, result, model, data = page
    annotated = replace(result, split="val", split_note="chosen by these images")
    write_page(tmp_path / "b.html", annotated, model, data, title="", facts={"command": "unetzoo <x>", "date": "today"})
    text = (tmp_path / "b.html").read_text()
    for part in ("split val", "chosen by these images", "unetzoo &lt;x&gt;", "today", "<h2>Objects</h2>"):
        assert part in text


def test_reliability_diagrams_show_each_bin_in_colors_that_follow_dark_mode(page):
    text = page[0].read_text()
    first, *_ = shown = diagrams(page[1])
    assert first.name == "most probable class"
    assert text.count("<svg") == len(shown) == 3
    counts = [count for _, row in calibration_rows(page[1]) for count in row.pixels]
    assert text.count("<circle") == sum(count > 0 for count in counts)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)
        assert "#" not in svg  # colors are those of the page
    overall = page[1].calibration.overall
    bins = [number for number, count in enumerate(overall.pixels) if count]
    assert [dot.x for dot in first.dots] == pytest.approx([200 * overall.confidence[number] for number in bins])
    assert [dot.y for dot in first.dots] == pytest.approx([200 - 200 * overall.frequency[number] for number in bins])
    assert sum(bar.height for bar in first.bars) == pytest.approx(40)


def test_a_page_that_cannot_be_written_is_one_error(page, tmp_path):
    with pytest.raises(WriteError, match=r"cannot write .*page\.html"):
        write_page(tmp_path / "missing" / "page.html", *page[1:], title="")


def test_a_browser_sorts_the_images_and_fits_a_narrow_screen(page, browser):
    tab = browser.new_page(viewport={"width": 360, "height": 800})
    errors = []
    tab.on("pageerror", lambda error: errors.append(error))
    tab.goto(page[0].as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    header = tab.get_by_role("button", name="mean IoU")
    header.click()
    rising = tab.locator("#images tbody td:nth-child(2)").all_inner_texts()
    header.press("Enter")  # by the keyboard
    falling = tab.locator("#images tbody td:nth-child(2)").all_inner_texts()
    tab.locator("button.zoom").first.click()
    large = tab.locator("dialog img")
    shown = (
        large.is_visible(),
        large.get_attribute("src") == tab.locator("button.zoom img").first.get_attribute("src"),
    )
    large.click()
    is_closed = not large.is_visible()
    tab.close()
    assert (shown, is_closed) == ((True, True), True)
    assert errors == []
    assert rising == sorted(rising, key=float)
    assert falling == rising[::-1]
