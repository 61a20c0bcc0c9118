"""What a data set is: images with their masks, by number."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from unetzoo.checks import check_choice
from unetzoo.nn.coding import Labels


class Sample(NamedTuple):
    """An image and its mask.

    Attributes:
        image: (h, w, c), of a volume (d, h, w, c); any dtype, values as they were measured.
        mask: (h, w), of a volume (d, h, w): class ids 0 to classes - 1 of an integer dtype; 255 if the class is not
            known. Of a data set whose classes may overlap (classes, h, w): 1 where a class is, 0 where it is not, 255
            if that is not known.
        name: for people, such as the image's file name.
    """

    image: NDArray[Any]
    mask: NDArray[Any]
    name: str


class Dataset(ABC):
    """The samples of one split, by their number: `len(dataset)`, `dataset[0]`.

    Args:
        class_names: one for each class id.
        labels: `"overlapping"`: a pixel may have several classes, or none.

    Attributes:
        split: the name of the split, if it is known.
        split_note: what this split means for scores.
    """

    split = ""
    split_note = ""

    labels: Labels = "exclusive"

    def __init__(self, class_names: Sequence[str], *, labels: Labels = "exclusive") -> None:
        self.class_names = tuple(class_names)
        check_choice("labels", labels, Labels)
        self.labels = labels

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """The sample of that number, from 0, the same each time it is asked for; raises IndexError beyond the last."""

    def instances(self, index: int) -> NDArray[Any] | None:  # noqa: ARG002 - for data sets that number them
        """The numbers (h, w) of a sample's objects, 0 for the background; None if objects are not numbered."""
        return None
