"""The page in a real browser, served by the real command."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from cells import Cells
from PIL import Image
from predicting import objects_model, varied_model
from served import Server

import unetzoo

_REFUSED = "Failed to load resource"  # what Chromium says of any status of 400 and more
IMAGE = Cells(1, 0)[0].image[..., 0]


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    classes = varied_model()
    info = unetzoo.ModelInfo(class_names=("background", "<b>cell</b>", "edge"), pixel_size=(0.01, 0.01), unit="um")
    classes.config = replace(classes.config, info=info)
    unetzoo.save(objects_model(IMAGE), folder / "objects")
    unetzoo.save(classes, folder / "classes")
    both = [Server(folder / name, folder / f"temporary-{name}") for name in ("objects", "classes")]
    yield both
    for server in both:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
def open_page(browser):
    """Opens a page that asks its own server alone, breaks no rule of its policy, and has no error of JavaScript."""
    said, tabs = [], []

    def open_page(address, **options):
        tab = browser.new_page(**options)
        tabs.append(tab)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("console", lambda message: None if _REFUSED in message.text else said.append(message.text))
        tab.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(allowed) else None)
        allowed = (address, "data:", f"blob:{address}")
        tab.goto(address)
        return tab

    yield open_page
    for tab in tabs:
        tab.close()
    assert said == []


def _file(name, write):
    content = io.BytesIO()
    write(content)
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content.getvalue()}


def _png(name="a.png"):
    return _file(name, lambda file: Image.fromarray(IMAGE).save(file, format="PNG"))


def _choose(tab, *files):
    tab.locator("input[type=file]").set_input_files(list(files))
    tab.locator("article .actions, article .error").nth(len(files) - 1).wait_for()


def test_a_tiff_becomes_an_overlay_a_count_and_files(servers, open_page, tmp_path):
    tab = open_page(servers[0].address)
    _choose(tab, _file("wells.tif", lambda file: tifffile.imwrite(file, IMAGE)))
    assert tab.locator("h1").inner_text() == "objects"
    assert "64 \N{MULTIPLICATION SIGN} 64 pixels" in tab.locator(".status").inner_text()
    sizes = tab.locator(".stack img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert sizes == [64, 64]
    ids = unetzoo.predict_objects(unetzoo.load(servers[0].temporary.parent / "objects"), IMAGE)
    assert tab.locator("td").all_inner_texts() == ["object", str(ids.max())]
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Save mask.png").click()
    assert download.value.suggested_filename == "wells-mask.png"
    download.value.save_as(tmp_path / "mask.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), ids)
    assert tab.get_by_role("link").count() == 3


def test_a_doubt_about_an_image_is_shown_and_stands_in_a_header(servers, open_page):
    resolution = {"resolution": (1e4, 1e4), "resolutionunit": "CENTIMETER"}  # 1 um
    image = _file("far.tif", lambda file: tifffile.imwrite(file, IMAGE, **resolution))
    tab = open_page(servers[1].address)
    _choose(tab, image, _png())
    said = "its pixels are 1 um, those of the training 0.01 um: it is predicted as it is"
    assert tab.locator(".warning").all_inner_texts() == [said]
    status, _, headers = servers[1].post(image["buffer"])
    assert (status, json.loads(headers["unetzoo-warnings"])) == (200, [said])
    assert "unetzoo-warnings" not in servers[1].post(_png()["buffer"])[2]


def test_it_works_by_the_keyboard_and_the_mask_fades(servers, open_page):
    tab = open_page(servers[1].address)
    tab.on("filechooser", lambda chooser: None)  # or the browser is asked for choosers while the key is on its way
    tab.bring_to_front()
    tab.keyboard.press("Tab")
    tab.locator("input[type=file]:focus").wait_for(state="attached")
    with tab.expect_file_chooser() as chooser:
        tab.keyboard.press("Enter")
    chooser.value.set_files([_png()])
    slider = tab.get_by_role("slider", name="Mask")
    slider.focus()
    before = tab.locator(".over").last.evaluate("image => Number(image.style.opacity)")
    slider.press("Home")
    assert (before, tab.locator("img.over").evaluate("image => Number(image.style.opacity)")) == (0.6, 0)


def test_names_of_classes_are_text_and_a_file_that_is_no_image_is_one_sentence(servers, open_page):
    tab = open_page(servers[1].address)
    _choose(tab, _png(), _file("notes.txt", lambda file: file.write(b"hello")), _png("b.png"))
    assert tab.locator("article h2").all_inner_texts() == ["b.png", "notes.txt", "a.png"]
    assert "its content is not png" in tab.locator(".error").inner_text()
    assert "<b>cell</b>" in tab.locator("td").all_inner_texts()
    assert tab.locator("article .actions").count() == 2


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_it_fits_a_phone_in_both_color_schemes(servers, open_page, scheme):
    tab = open_page(servers[0].address, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    _choose(tab, _png("a-name-that-is-long-and-has-no-space-at-which-a-line-could-break-0123456789.png"))
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, paper[4:-1].split(","))) < 60) == (scheme == "dark")
