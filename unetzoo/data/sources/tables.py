"""Pairs of images and masks that a CSV or JSONL file lists, one a line.

The columns are `image`, `mask`, and optionally `split` (train, val or test) and `group` (such as the patient: rows of
one group stay in one split). Paths are relative to the file's own folder.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.source import SPLITS, Entry
from unetzoo.errors import DataError

TABLES = (".csv", ".tsv", ".jsonl")
_MAX_LINES = 5  # in an error


def pairs_in_table(path: Path) -> FileSource:
    """The pairs that a file lists.

    Raises:
        DataError: it cannot be read, lacks a column, has a line that does not fit, or lists nothing.
    """
    rows = _rows(path, ("image", "mask"))
    entries = [Entry(row["image"], row["split"], row["group"]) for row in rows]
    return FileSource(entries, [EntryFiles(path.parent / row["image"], path.parent / row["mask"]) for row in rows])


def images_in_table(path: Path) -> list[Path]:
    """The images that a file lists, with masks or without.

    Raises:
        DataError: as `pairs_in_table`.
    """
    return [path.parent / row["image"] for row in _rows(path, ("image",))]


def _rows(path: Path, required: Sequence[str]) -> list[dict[str, str]]:
    """The values of each line by column; those that are `required` are not empty."""
    try:
        rows = _json_rows(path) if path.suffix.lower() == ".jsonl" else _csv_rows(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise DataError(f"{path} lists no {'pair of an image and a mask' if 'mask' in required else 'image'}")
    problems = [problem for line, row in rows for problem in _problems(line, row, required)]
    if problems:
        raise DataError(f"{path}, {'; '.join(problems[:_MAX_LINES])}{'; ...' * (len(problems) > _MAX_LINES)}")
    return [_values(row) for _, row in rows]


def _csv_rows(path: Path) -> Sequence[tuple[int, Mapping[str, object]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", skipinitialspace=True)
        return [(reader.line_num, row) for row in reader]


def _json_rows(path: Path) -> Sequence[tuple[int, Mapping[str, object]]]:
    rows = []
    for line, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {line} is not valid JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {line} must be an object with 'image' and 'mask', got {text.strip()[:60]}")
        rows.append((line, row))
    return rows


def _problems(line: int, row: Mapping[str, object], required: Sequence[str]) -> Iterator[str]:
    values = _values(row)
    for name in required:
        if not values[name]:
            yield f"line {line} has no {name!r}; its columns are {', '.join(map(str, row))}"
    if values["split"] not in ("", *SPLITS):
        yield f"line {line}: split must be one of {', '.join(SPLITS)}, got {values['split']!r}"


def _values(row: Mapping[str, object]) -> dict[str, str]:
    return {
        name: ("" if row.get(name) is None else str(row[name])).strip() for name in ("image", "mask", "split", "group")
    }
