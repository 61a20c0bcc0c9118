"""Open a source: a folder, a CSV or JSONL file of pairs, a Hugging Face data set, or a data set of a plugin."""

from pathlib import Path

from unetzoo.assembly import create_dataset, list_datasets
from unetzoo.data.sources.folders import pairs_in_folder
from unetzoo.data.sources.hub import is_saved_dataset, open_hub_dataset
from unetzoo.data.sources.samples import SampleSource
from unetzoo.data.sources.source import SPLITS, Source
from unetzoo.data.sources.tables import TABLES, pairs_in_table
from unetzoo.errors import DataError, UnknownNameError


def open_source(source: str | Path) -> Source:
    """The images and masks of a folder, a file that lists them, a Hugging Face data set, or a named data set.

    Args:
        source: a folder (see `unetzoo.data.sources.folders`), a `.csv`, `.tsv` or `.jsonl` file (see
            `unetzoo.data.sources.tables`), a folder of `datasets.Dataset.save_to_disk`, `"hf:user/name"` or
            `"hf:user/name:config"`, or a name of `unetzoo.list_datasets`.

    Raises:
        DataError: it does not exist, or has no pair of an image and a mask.
    """
    path, text = Path(source), str(source)
    if text.startswith("hf:") or is_saved_dataset(path):
        return open_hub_dataset(text)
    if path.is_dir():
        return pairs_in_folder(path)
    if path.is_file() and path.suffix.lower() in TABLES:
        return pairs_in_table(path)
    if path.exists():
        raise DataError(
            f"{path} is not a data set: give a folder, or a file {', '.join(TABLES)} that lists images and masks"
        )
    try:
        return SampleSource({split: create_dataset(text, split=split) for split in SPLITS})
    except UnknownNameError as error:
        names = ", ".join(list_datasets())
        raise DataError(
            f"there is no folder or file {text!r}, and no data set of that name (there are {names})"
        ) from error
