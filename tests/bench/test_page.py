"""The page in a real browser."""

import json

import pytest
from leaderboard_results import result

from unetzoo import DataError
from unetzoo.bench.page import write_report


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    levels = [
        {"level": level, "mean IoU": 0.5 + level / 10, "latency": level / 100, "parameters": level} for level in (1, 2)
    ]
    results = [
        result("unet", iou=0.81, latency=0.02),
        result("unet", iou=0.83, latency=0.02, seed=1),
        result("unetpp", iou=0.85, latency=0.05, pruned=levels),
        result("<b>odd</script>", encoder="resnet34", iou=0.4, latency=0.03),
        result("broken", error="no such decoder"),
    ]
    for number, content in enumerate(results):
        (folder / f"{number}.json").write_text(json.dumps(content))
    (folder / "torn.json").write_text("{")
    write_report(folder, folder / "index.html", title="Which one")
    return folder / "index.html"


def test_a_page_a_csv_and_a_markdown_are_written(page):
    assert page.with_suffix(".csv").read_text().count("\n") == 5
    assert page.with_suffix(".md").read_text().count("\n") == 6
    assert "5 runs, 1 of which failed" in page.read_text(encoding="utf-8")


def test_an_empty_folder_is_one_error(tmp_path):
    with pytest.raises(DataError, match="there are no results"):
        write_report(tmp_path, tmp_path / "index.html")


@pytest.fixture(scope="module")
def tab(page, browser):
    """The page, which takes seconds to load, and what went wrong and was asked for meanwhile."""
    tab = browser.new_page()
    tab.set_default_timeout(120_000)  # milliseconds, of a busy machine
    tab.problems, tab.requests = [], []
    tab.on("pageerror", lambda error: tab.problems.append(error))
    tab.on("request", lambda request: tab.requests.append(request.url))
    tab.goto(page.as_uri())
    yield tab
    tab.close()


@pytest.fixture
def opened(tab):
    """The page with all rows, on a wide screen."""
    tab.set_viewport_size({"width": 1000, "height": 900})
    tab.locator("#filter").fill("")
    return tab


def _column(tab, number):
    return tab.locator(f"#runs tbody tr:visible td:nth-child({number})").all_inner_texts()


def test_it_opens_without_a_network_and_without_errors(opened):
    opened.wait_for_selector(".scatterlayer .point")
    assert opened.problems == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert opened.locator(".chart").count() == 3


def test_the_table_sorts_by_mouse_and_by_keyboard(opened):
    header = opened.get_by_role("button", name="mean IoU")
    header.click()
    assert _column(opened, 7) == ["0.4000", "0.8200", "0.8500", ""]
    header.press("Enter")
    assert _column(opened, 7) == ["0.8500", "0.8200", "0.4000", ""]


def test_the_filter_keeps_rows_with_all_words(opened):
    opened.locator("#filter").fill("nuclei unet")
    assert _column(opened, 2) == ["unetpp", "unet"]
    assert opened.locator("#shown").inner_text() == "2 of 4"


def test_a_point_tells_what_it_is(opened):
    opened.wait_for_selector(".scatterlayer .point")
    opened.locator("#chart1 .scatterlayer .point").first.hover(force=True)
    opened.wait_for_selector("#chart1 .hovertext")
    assert "mean IoU" in opened.locator("#chart1 .hoverlayer").text_content()


def test_a_narrow_screen_has_no_sideways_scrolling(opened):
    opened.set_viewport_size({"width": 380, "height": 800})
    opened.wait_for_function("document.documentElement.scrollWidth <= 380")  # once the charts have their new width


def test_names_are_text_not_markup(opened):
    assert "<b>odd</script>" in _column(opened, 2)
