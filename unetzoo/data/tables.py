"""Pairs of images and masks that a CSV or JSONL file lists, one a line.

The columns are `image`, `mask`, and if wanted `split` (train, val or test) and `group` (such as the patient: what is of
one group stays in one split). Paths are relative to the file's own folder.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from unetzoo.data.sources import SPLITS, Entry, FileSource, Pair
from unetzoo.errors import DataError

TABLES = (".csv", ".tsv", ".jsonl")


def pairs_in_table(path: Path) -> FileSource:
    """The pairs that a file lists.

    Raises:
        DataError: it cannot be read, lacks a column, has a line that does not fit, or lists nothing.
    """
    try:
        rows = _json_rows(path) if path.suffix.lower() == ".jsonl" else _csv_rows(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise DataError(f"{path} lists no pair of an image and a mask")
    entries, pairs = [], []
    for line, row in rows:
        entry, pair = _read_row(path, line, row)
        entries.append(entry)
        pairs.append(pair)
    return FileSource(entries, pairs)


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
        except ValueError as error:
            raise DataError(f"{path}, line {line} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {line} must be an object with 'image' and 'mask', got {text.strip()[:60]}")
        rows.append((line, row))
    return rows


def _read_row(path: Path, line: int, row: Mapping[str, object]) -> tuple[Entry, Pair]:
    values = {
        name: ("" if row.get(name) is None else str(row[name])).strip() for name in ("image", "mask", "split", "group")
    }
    for name in ("image", "mask"):
        if not values[name]:
            found = ", ".join(str(column) for column in row)
            raise DataError(f"{path}, line {line} has no {name!r}; its columns are {found}")
    if values["split"] not in ("", *SPLITS):
        raise DataError(f"{path}, line {line}: split must be one of {', '.join(SPLITS)}, got {values['split']!r}")
    pair = Pair(path.parent / values["image"], path.parent / values["mask"])
    return Entry(values["image"], values["split"], values["group"]), pair
