import os

import pytest

import unetzoo
from unetzoo.data.sources.listing import list_files, list_images


def _write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def _names(folder, endings=(".png",)):
    return [path.relative_to(folder).as_posix() for path in list_files(folder, endings).images]


def test_images_in_folders_below_are_listed_in_order(tmp_path):
    _write(tmp_path, "b.png", "a/c.PNG", "a/d/e.png", "a/notes.txt")
    assert _names(tmp_path) == ["a/c.PNG", "a/d/e.png", "b.png"]


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints/a-checkpoint.png",
        "@eaDir/a.png",
        "__MACOSX/a.png",
        "._a.png",
        "x/.cache/a.png",
        "Thumbs/a.png",
    ],
)
def test_what_people_do_not_see_is_left_out(tmp_path, name):
    _write(tmp_path, "a.png", name)
    assert _names(tmp_path) == ["a.png"]


def test_a_hidden_folder_that_was_asked_for_is_read(tmp_path):
    _write(tmp_path / ".data", "a.png")
    assert _names(tmp_path / ".data") == ["a.png"]


def test_linked_folders_are_followed_and_each_folder_is_read_once(tmp_path):
    _write(tmp_path / "elsewhere", "a.png")
    _write(tmp_path / "images", "b.png", "real/c.png")
    (tmp_path / "images" / "patient").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "again").symlink_to(tmp_path / "images" / "real")
    (tmp_path / "images" / "loop").symlink_to(tmp_path / "images")
    assert _names(tmp_path / "images") == ["b.png", "patient/a.png", "real/c.png"]
    assert sorted(list_images(tmp_path / "images").left_out) == [
        "again is left out: it is the same folder as real",
        "loop is left out: it is the same folder as .",
    ]


def test_linked_images_are_listed_and_links_to_nothing_are_said(tmp_path):
    _write(tmp_path / "elsewhere", "a.png")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "images" / "b.png").symlink_to(tmp_path / "missing.png")
    listing = list_images(tmp_path / "images")
    assert [path.name for path in listing.images] == ["a.png"]
    assert listing.left_out == ("b.png is left out: it is a link to nothing",)


def test_folders_whose_ending_is_that_of_images_are_images(tmp_path):
    _write(tmp_path, "a.zarr/c/0/x.png", "b.png")
    images = list_images(tmp_path).images
    assert [path.relative_to(tmp_path).as_posix() for path in images] == ["a.zarr", "b.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_one_clear_error(tmp_path):
    (tmp_path / "a").mkdir(mode=0o000)
    with pytest.raises(unetzoo.DataError, match=r"the folder .*a cannot be read: Permission denied"):
        list_images(tmp_path)
