"""The documentation site: its code runs, it names everything, it builds without a warning, a browser shows it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from written import blocks, commands, make_cells, run_commands, run_python

import unetzoo
from unetzoo.registry.builtin import unetzoo_decoders, unetzoo_recipes

pytestmark = pytest.mark.long

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
OF_PLUGINS = ("microscopy.md", "radiology.md", "remote_sensing.md")  # whose code the tests of a plugin run


def _text(page):
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page not in OF_PLUGINS and (blocks(_text(page), "python") or commands(_text(page)))],
)
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of the Hub's client's own calls
@pytest.mark.filterwarnings("ignore:layers of:unetzoo.errors.WeightsWarning")  # of a timm newer than the proved one
def test_the_code_of_each_page_runs(page, tmp_path, monkeypatch, hub_address):
    make_cells(tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_user")
    monkeypatch.chdir(tmp_path)
    lines = commands(_text(page))
    for line, (status, _, errors) in zip(lines, run_commands(lines, tmp_path) if lines else [], strict=True):
        assert (line, status, errors) == (line, 0, "")
    run_python(_text(page), page)


def test_the_api_has_every_public_name_and_beside_those_only_what_codings_of_objects_and_formats_need():
    entries = re.findall(r"^::: (unetzoo\.[\w.]+)\.(\w+)$", _text("api.md"), re.MULTILINE)
    assert sorted(name for _, name in entries if name in unetzoo.__all__) == unetzoo.__all__
    assert {module.split(".")[1] for module, name in entries if name not in unetzoo.__all__} == {"objects", "data"}


def test_the_gallery_has_every_decoder_with_its_drawing():
    page = _text("decoders.md")
    for spec in unetzoo_decoders():
        assert f"\n## {spec.name}\n" in page
        assert f"**When to choose it:** {spec.when}\n" in page
        assert (DOCS / "decoders" / f"{spec.name}.svg").exists()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    program = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    done = subprocess.run(program, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_builds_without_a_warning_and_the_docstrings_are_in_it(site):
    api = (site / "api" / "index.html").read_text(encoding="utf-8")
    assert "The arguments of" in api  # of ModelConfig's docstring


def test_the_page_of_recipes_is_in_it(site):
    page = (site / "recipes.html").read_text(encoding="utf-8")
    assert [f"<h2>{spec.name} " in page for spec in unetzoo_recipes()] == [True] * 5


@pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="needs Debian's chromium")
def test_a_browser_shows_each_page_without_a_mistake(site):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for name in PAGES:
            place = site if name == "index.md" else site / Path(name).stem
            page.goto((place / "index.html").as_uri())
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.locator("h1").first.is_visible()
            assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        browser.close()
    assert wrong == []
