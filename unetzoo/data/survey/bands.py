"""The names of the channels of a data set's images, which are trained in the order of their files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from unetzoo.data.sources.source import Finding
from unetzoo.data.survey.reading import Reading

Names: TypeAlias = tuple[str, ...]

_NAMELESS = (
    ": its bands have no names, those of other images are {}: the network learns no names, and cannot check the order "
    "of bands; name them"
)


def bands_of(readings: Sequence[Reading]) -> list[Names]:
    """The names of the channels in each file that has some, each way once, the most frequent first."""
    counts = Counter(reading.image.grid.bands for reading in readings if reading.image and reading.image.grid.bands)
    return [names for names, _ in counts.most_common()]


def mixed_bands(names: Sequence[str], readings: Sequence[Reading]) -> tuple[list[Finding], list[Finding]]:
    """Errors, images that have a channel of another one at another place; and doubts, those with other names or none.

    Args:
        names: of the entries.
        readings: of images with their names of channels; capitals do not matter.
    """
    errors, doubts = list[Finding](), list[Finding]()
    usual = next(iter(bands_of(readings)), ())
    if all(usual):  # else the network has no names anyway
        doubts += [Finding(names[index], _NAMELESS.format(", ".join(usual))) for index in _nameless(readings)]
    for reading, bands in _named(readings):
        if _folded(bands) == _folded(usual):
            continue
        text = f": its bands are {', '.join(bands)}, those of most images {', '.join(usual)}"
        if _is_moved(_folded(bands), _folded(usual)):
            errors.append(Finding(names[reading.index], f"{text}: write them in one order"))
        else:
            doubts.append(Finding(names[reading.index], f"{text}: they are taken in the order of the file"))
    return errors, doubts


def _named(readings: Sequence[Reading]) -> Iterator[tuple[Reading, Names]]:
    for reading in readings:
        if reading.image and reading.image.grid.bands:
            yield reading, reading.image.grid.bands


def _nameless(readings: Sequence[Reading]) -> list[int]:
    """The entries of images without names, among others with some."""
    images = {reading.index: reading.image.grid.bands for reading in readings if reading.image}
    return [index for index, bands in images.items() if not bands] if any(images.values()) else []


def _folded(bands: Names) -> Names:
    return tuple(band.casefold() for band in bands)


def _is_moved(bands: Names, usual: Names) -> bool:
    """Whether a name that both have once is at another place."""
    shared = [band for band in bands if band and bands.count(band) == usual.count(band) == 1]
    return any(bands.index(band) != usual.index(band) for band in shared)
