from pathlib import Path

from benchmarks.page.readme import page, with_encoders, with_excerpt

HERE = Path(__file__).parents[2] / "benchmarks"


def test_the_page_is_the_one_that_the_raw_samples_make():
    assert (HERE / "README.md").read_text() == page(HERE / "results")


def test_the_page_of_a_folder_without_results_links_to_no_section(tmp_path):
    text = page(tmp_path)
    assert "Images to label next: those that `suggest` names" in text
    assert "](#" not in text


def test_the_projects_readme_quotes_what_the_raw_samples_make():
    readme = (HERE.parent / "README.md").read_text()
    assert readme == with_excerpt(readme, HERE / "results")


def test_the_guide_to_models_quotes_what_the_raw_samples_make():
    guide = (HERE.parent / "docs" / "choose.md").read_text()
    assert guide == with_encoders(guide, HERE / "results")
