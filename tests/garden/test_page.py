"""The page of recipes in a real browser: as the command writes it, with a plugin whose texts are markup."""

import json

import pytest
from throwaway import Distribution, Site

from unetzoo.registry.builtin import unetzoo_recipes
from unetzoo.training.receipt import read_receipt

_MARKUP = "</script><img src=x onerror=alert(1)><b>odd</b> 'single' \"double\""
_PLUGIN = f"""
from pathlib import Path
import unetzoo

UNETZOO_HOOKS = 6


@unetzoo.hookimpl
def unetzoo_recipes():
    domains = {{"zoo-bare": "", "zoo-large": {_MARKUP!r}, "zoo-small": "ponds", "zoo-solid": "ponds"}}
    for name, domain in domains.items():
        path = Path(__file__).with_name(f"{{name}}.toml")
        yield unetzoo.RecipeSpec(name=name, path=path, summary={_MARKUP!r}, domain=domain)
"""
_RECEIPT = """
[receipt]
command = {text}
data = {text}
license = {license}
score = {text}
seeds = [0, 1]
values = [0.5, 0.7]
mean = 0.6
interval = 1.2706
cpu_seconds = 1.0
prediction_seconds = {seconds}
parameters = {parameters}
machine = {text}
commit = "abc"
date = "2026-11-27"
versions = {{torch = {text}}}
"""


def _receipt(text, license_, parameters, seconds):
    texts = {"text": json.dumps(text), "license": json.dumps(license_)}
    return _RECEIPT.format(**texts, parameters=parameters, seconds=seconds)


_FILES = {
    "zoo-bare": "format = 1\n",
    "zoo-large": '[network]\nencoder = "resnet18"\npretrained = true' + _receipt(_MARKUP, _MARKUP, 20_000_000, 1e3),
    "zoo-small": '[network]\nencoder = "plain"\nobjects = "distance"' + _receipt("small", "CC0-1.0", 50_000, 0.25),
    "zoo-solid": '[network]\nencoder = "plain"\nspatial_dims = 3' + _receipt("solid", "", 60_000, 2.5),
}
_COMMAND = "from unetzoo.cli import main; main()"
OWN = sorted(spec.name for spec in unetzoo_recipes())
ALL = [*OWN, *_FILES]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("garden")
    files = {f"{name}.toml": text for name, text in _FILES.items()}
    zoo = Distribution("zoo-plugin", {"zoo_plugin": _PLUGIN}, {"zoo_plugin": "zoo_plugin"}, files=files)
    path = folder / "recipes.html"
    said = Site(folder / "site").install(zoo).run(_COMMAND, "recipes", "--html", str(path))
    assert said == f"{path}\n"
    return path


@pytest.fixture
def open_page(page, browser):
    """Opens the page, which asks for nothing else, has no error of JavaScript, and opens no dialog."""
    tabs, said = [], []

    def open_page(**options):
        tab = browser.new_page(**options)
        tabs.append(tab)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.on("request", lambda asked: None if asked.url in (page.as_uri(), "data:,") else said.append(asked.url))
        tab.goto(page.as_uri())
        return tab

    yield open_page
    for tab in tabs:
        tab.close()
    assert said == []


def _names(tab):
    return [text.split()[0] for text in tab.locator("article:visible h2").all_inner_texts()]


def _zoo(names):
    return [name.removeprefix("zoo-") for name in names if name.startswith("zoo-")]


def test_each_recipe_is_a_card_with_the_numbers_of_its_receipt(open_page):
    tab = open_page()
    assert _names(tab) == ALL
    for name in OWN:
        receipt, card = read_receipt(name), tab.locator("article").nth(ALL.index(name))
        text = card.inner_text()
        assert f"{receipt.mean:.3f} \N{PLUS-MINUS SIGN} {receipt.interval:.3f} {receipt.score}" in text
        assert f"{receipt.cpu_seconds:.0f} CPU s" in text
        assert card.locator("pre").inner_text() == f"unetzoo train data/ --recipe {name} --out run"
        card.locator("summary").click()
        assert receipt.command in card.inner_text()
    bare, _, small, solid = (tab.locator("article").nth(ALL.index(name)).inner_text() for name in _FILES)
    assert "Nothing was measured." in bare
    assert "zoo-plugin 1.0" in bare
    for line in ("objects in images (2D)", "0.05 million", "0.25 CPU s a megapixel", "license CC0-1.0"):
        assert line in small
    for line in ("classes in volumes (3D)", "2.50 CPU s a megavoxel", "license not stated", "random at the start"):
        assert line in solid


def test_texts_of_plugins_are_text_not_markup(open_page):
    tab = open_page()
    card = tab.locator("article").nth(ALL.index("zoo-large"))
    card.locator("summary").click()
    assert card.inner_text().count(_MARKUP) == 8  # domain, summary, score, license; data, command, machine, versions
    assert tab.locator("article img, article b:has-text('odd')").count() == 0
    tab.get_by_role("checkbox", name=_MARKUP, exact=True).first.check()  # of domains
    assert _names(tab) == ["zoo-large"]


def _shown_after(tab, *names):
    for name in names:
        tab.get_by_role("checkbox", name=name, exact=True).check()
    shown = _names(tab)
    tab.get_by_role("button", name="Show all").click()
    assert _names(tab) == ALL
    return shown


def test_filters_keep_what_has_one_of_the_ticked_values_of_each(open_page):
    tab = open_page()
    assert _shown_after(tab, "microscopy", "ponds") == ["cells", "zoo-small", "zoo-solid"]
    assert _zoo(_shown_after(tab, "objects")) == ["small"]
    assert _shown_after(tab, "ponds", "volumes (3D)") == ["zoo-solid"]
    assert _shown_after(tab, "volumes (3D)", "objects") == []
    assert _shown_after(tab, "other") == ["zoo-bare"]


def test_each_license_of_a_recipe_must_be_accepted_of_data_and_weights_alike(open_page):
    tab = open_page()
    assert _zoo(_shown_after(tab, "cc0-1.0")) == ["bare", "small"]  # the first has nothing to accept
    assert _zoo(_shown_after(tab, "not stated")) == ["bare", "solid"]
    assert _zoo(_shown_after(tab, "apache-2.0")) == ["bare"]
    accepted = tab.get_by_role("group", name="Accepted licenses").get_by_role("checkbox", name=_MARKUP, exact=True)
    accepted.check()  # that of the data of zoo-large, whose weights have another one
    assert _zoo(_names(tab)) == ["bare"]
    assert _zoo(_shown_after(tab, "apache-2.0")) == ["bare", "large"]


def test_limits_leave_out_what_is_larger_slower_or_not_measured(open_page):
    tab = open_page()
    tab.get_by_label("million parameters").fill("0.06")
    assert _zoo(_names(tab)) == ["small", "solid"]
    tab.get_by_label("CPU s a megapixel").fill("0.25")
    assert _zoo(_names(tab)) == ["small"]
    tab.get_by_label("million parameters").fill("")
    tab.get_by_label("CPU s a megapixel").fill("1000")
    assert _zoo(_names(tab)) == ["large", "small", "solid"]
    tab.get_by_label("CPU s a megapixel").fill("0")
    assert (_names(tab), tab.get_by_role("status").inner_text()) == ([], f"0 of {len(ALL)} recipes")
    assert tab.get_by_text("No recipe fits").is_visible()


def test_it_works_by_the_keyboard(open_page):
    tab = open_page()
    tab.bring_to_front()
    tab.keyboard.press("Tab")  # the panel
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    assert _names(tab) == ["zoo-large"]  # of the first domain
    tab.get_by_label("million parameters").focus()
    tab.keyboard.type("0")
    tab.keyboard.press("Enter")  # which sends nothing away
    assert _names(tab) == []
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert _names(tab) == ALL


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_it_fits_a_phone_in_both_color_schemes(open_page, scheme):
    tab = open_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert not tab.locator("form").is_visible()  # until one asks for it
    for summary in tab.locator("summary").all():
        summary.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, paper[4:-1].split(","))) < 60) == (scheme == "dark")


def test_without_javascript_all_recipes_are_there_and_no_filters(open_page):
    tab = open_page(java_script_enabled=False)
    assert _names(tab) == ALL
    assert not tab.locator("#panel").is_visible()
    tab.locator("article summary").last.click()
    assert tab.locator("article details").last.get_by_text("solid", exact=True).first.is_visible()
