"""Images with their masks: what a data set gives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray


class Sample(NamedTuple):
    """An image and its mask.

    Attributes:
        image: (h, w, c), any dtype, values as they were measured.
        mask: (h, w), class ids 0 to classes - 1 of an integer dtype; 255 where nobody knows.
        name: for people, such as the image's file name.
    """

    image: NDArray[Any]
    mask: NDArray[Any]
    name: str


class Dataset(ABC):
    """The samples of one split, by their number: `len(dataset)`, `dataset[0]`.

    Args:
        class_names: one for each class id.

    Attributes:
        split: the name of the split, where it is known.
        split_note: what that means for a score on it.
    """

    split = ""
    split_note = ""

    def __init__(self, class_names: Sequence[str]) -> None:
        self.class_names = tuple(class_names)

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """The sample of that number, from 0, the same each time it is asked for; raises IndexError beyond the last."""

    def instances(self, index: int) -> NDArray[Any] | None:  # noqa: ARG002 - of those who know them
        """The numbers (h, w) of a sample's objects, 0 where there is none; None where nobody numbered them."""
        return None
