"""The channels of an image by their names, in the order in which a network takes them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from unetzoo.errors import ShapeError


class Order(NamedTuple):
    """How the channels of an image become those of a network.

    Attributes:
        numbers: of the channels to take; empty: all as they are.
        doubt: why they are probably others than those of the training; empty: nothing is doubtful.
    """

    numbers: tuple[int, ...] = ()
    doubt: str = ""

    def of(self, image: Any) -> Any:  # noqa: ANN401 - whatever can be sliced
        """The image (h, w, c) with the channels in that order."""
        return Reordered(image, self.numbers) if self.numbers else image


class Reordered:
    """An image (h, w, c) with some channels of another one, which is read by windows.

    Args:
        image: has `shape`, `dtype`, and parts `image[rows, columns]`.
        numbers: of its channels.
    """

    def __init__(self, image: Any, numbers: Sequence[int]) -> None:  # noqa: ANN401 - as above
        self._image, self._numbers = image, list(numbers)
        self.shape = (*image.shape[:2], len(numbers))
        self.dtype = image.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """The part (rows, columns, c)."""
        part: NDArray[Any] = self._image[window][..., self._numbers]
        return part


def channel_order(bands: Sequence[str], names: Sequence[str]) -> Order:
    """The channels that a network was trained on, among the bands of an image; capitals do not matter.

    Args:
        bands: names of the image's channels; empty: not stated.
        names: of the network's channels; empty: not stated.

    Raises:
        ShapeError: the image has some of them, but lacks others.
    """
    has, needs = ([name.casefold() for name in each] for each in (bands, names))
    if not has or not needs or has == needs:
        return Order()
    said = f"the bands are {', '.join(bands)}, and the network was trained on {', '.join(names)}"
    if len({*has}) < len(has):
        return Order(
            doubt=f"{said}: a name is there twice, or a band has none, so they are taken in the order of the file"
        )
    missing = [name for name, need in zip(names, needs, strict=True) if need not in has]
    if not missing:
        return Order(tuple(map(has.index, needs)))
    if len(missing) < len(names):
        raise ShapeError(f"{said}: {', '.join(missing)} is missing; add it, or correct the names in the file")
    return Order(doubt=f"{said}: none has the name of another, so they are taken in the order of the file")
