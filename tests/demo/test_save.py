from pathlib import Path

import pytest
from PIL import Image

from unetzoo.demo.save import check_target, save_picture
from unetzoo.errors import OptionError, WriteError

_PICTURE = Image.new("RGB", (3, 2), (10, 20, 30))


@pytest.mark.parametrize(
    ("name", "format_"), [("a.png", "PNG"), ("a.PNG", "PNG"), ("a.jpg", "JPEG"), ("a.jpeg", "JPEG")]
)
def test_the_suffix_says_the_format(tmp_path, name, format_):
    save_picture(_PICTURE, tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert (image.format, image.size) == (format_, (3, 2))


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("older", encoding="utf-8")
    save_picture(_PICTURE, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_cannot_be_encoded_leaves_the_older_file(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_text("older", encoding="utf-8")
    with pytest.raises(WriteError, match=r"cannot write .*a\.jpg"):
        save_picture(_PICTURE.convert("RGBA"), path)  # JPEG has no transparency
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == "older"


@pytest.mark.parametrize("name", ["demo", "demo.tiff", ".png"])
def test_a_suffix_of_no_known_format_is_refused(tmp_path, name):
    with pytest.raises(OptionError, match=r"written as \.png, \.jpg, \.jpeg; got '"):
        check_target(tmp_path / name)


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(WriteError, match=r"there is no folder .*missing"):
        check_target(tmp_path / "missing" / "demo.png")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "demo.png").mkdir()
    with pytest.raises(WriteError, match="is a folder"):
        check_target(tmp_path / "demo.png")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to, even root")
def test_a_folder_that_cannot_be_written_to_is_refused():
    with pytest.raises(WriteError, match=r"cannot write /proc/self/demo\.png"):
        check_target(Path("/proc/self/demo.png"))


def test_the_check_leaves_nothing_behind(tmp_path):
    check_target(tmp_path / "demo.png")
    assert not list(tmp_path.iterdir())
