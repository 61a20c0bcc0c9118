"""The image of nuclei that ships with the package, as a data set."""

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.datasets.picture import load_nuclei

_COLUMNS = {"train": slice(0, 272), "val": slice(304, 368), "test": slice(400, 512)}  # gaps wider than a nucleus


class NucleiDataset(Dataset):
    """One image (512, columns, 1) of brightness 0 to 255 a split, cut from the same picture with gaps of 32 columns.

    Args:
        split: `"train"`, 272 columns; `"val"`, 64; `"test"`, 112.
    """

    def __init__(self, *, split: str) -> None:
        super().__init__(class_names=("background", "nucleus"))
        image, labels = load_nuclei()
        columns = _COLUMNS[split]
        mask = (labels[:, columns] > 0).astype("int64")
        self.samples = [Sample(image[:, columns, None], mask, f"columns {columns.start} to {columns.stop - 1}")]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]
