"""Files of strangers: one error that names the file; no file outside of the folder, no request, bounded memory."""

import resource
import zipfile

import guard
import pytest

import unetzoo
from unetzoo.data.annotations.documents import read_json, read_xml
from unetzoo.data.find import open_source

_LAUGHS = """<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><annotations><image name="&c;"/></annotations>"""
_OUTSIDE = (
    """<!DOCTYPE annotations [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotations><image name="&a;"/></annotations>"""
)


@pytest.mark.parametrize("text", [_LAUGHS, _OUTSIDE, _LAUGHS.encode("utf-16")])
def test_xml_that_declares_entities_is_refused(text, write_image, tmp_path):
    write_image("a.png")
    path = tmp_path / "annotations.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with guard.confined(tmp_path), pytest.raises(unetzoo.DataError, match=r"annotations.xml: it declares the document"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotations><image></annotations>", "not valid XML: mismatched tag"),
        ("", "not valid XML: no element found"),
        ("<?xml version='1.0' encoding='nonsense'?><a/>", "not valid XML"),
    ],
)
def test_damaged_xml_is_one_error(text, message, tmp_path):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(unetzoo.DataError, match=message):
        read_xml(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "not valid JSON: RecursionError"),
        (b"{", "not valid JSON: JSONDecodeError"),
        (b"\xff\xfe\x00", "it is not UTF-8"),
        (b"[" + b"9" * 5000 + b"]", "not valid JSON: ValueError"),
    ],
)
def test_damaged_json_is_one_error(content, message, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(unetzoo.DataError, match=message):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("read", [read_json, read_xml])
def test_a_file_that_is_larger_than_the_memory_is_refused_before_it_is_read(read, tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(2**42)  # no disk holds it: the file has a single hole
    with pytest.raises(unetzoo.DataError, match="large needs about 50,331,648 MiB of memory"):
        read(path)


def test_annotations_that_announce_a_huge_image_take_no_memory(write_image, write_json, opened):
    size = {"height": 2_000_000, "width": 2_000_000}
    runs = {"size": [2_000_000, 2_000_000], "counts": [4 * 10**12]}
    document = {
        "images": [{"id": 0, "file_name": write_image("a.png").name} | size],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 1, "segmentation": runs}],
        "categories": [{"id": 1, "name": "cell"}],
    }
    write_json("coco.json", document)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(unetzoo.DataError, match=r"its annotations in coco.json are of 2000000 x 2000000"):
        opened().raw_mask(0)
    document["images"][0] |= {"height": None, "width": None}
    write_json("coco.json", document)
    with pytest.raises(unetzoo.DataError, match=r"run lengths are of \[2000000, 2000000\] pixels"):
        opened().raw_mask(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def test_names_of_images_never_lead_out_of_the_folder(write_image, write_json, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside.png"
    write_image("a.png").rename(outside)
    write_image("inside/b.png")
    names = [str(outside), f"../../{outside.name}", "b.png"]
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    write_json("inside/coco.json", {"images": images, "annotations": [], "categories": []})
    with guard.confined(tmp_path / "inside"):
        source = open_source(tmp_path / "inside")
        source.pair(0)
    assert [entry.name for entry in source.entries] == ["b.png"]
    assert len(source.problems) == 2


def test_a_zip_of_very_many_rois_is_refused_before_it_is_unpacked(write_image, tmp_path):
    write_image("a.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(70):
            archive.writestr(f"{number}.roi", b"Iout")
    content = (tmp_path / "a.zip").read_bytes()
    at = content.index(b"PK\1\2")  # its directory
    (tmp_path / "a.zip").write_bytes(content[:at] + _with_sizes(content[at:], 2**24))
    with pytest.raises(unetzoo.DataError, match="its content has 1,174,405,120 bytes, far more than ROIs have"):
        open_source(tmp_path).raw_mask(0)


def _with_sizes(directory, size):
    """The directory of a zip in which all files announce a size."""
    parts = directory.split(b"PK\1\2")
    return b"PK\1\2".join(part[:20] + size.to_bytes(4, "little") + part[24:] if part else part for part in parts)


def test_a_zip_with_a_huge_roi_is_refused_before_it_is_unpacked(write_image, tmp_path):
    write_image("a.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.roi", b"\0" * 2**25)
    with pytest.raises(unetzoo.DataError, match=r"bomb.roi has 33,554,432 bytes, far more than ROIs have"):
        open_source(tmp_path).raw_mask(0)
