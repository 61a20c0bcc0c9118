"""What a client may get of an image."""

from collections.abc import Iterator

from unetzoo.nn.config import ModelConfig
from unetzoo.serving.refusals import RefusalError

MEDIA_TYPES = {
    "png": "image/png",
    "tif": "image/tiff",
    "json": "application/json",
    "geojson": "application/geo+json",
    "csv": "text/csv",
    "preview": "application/vnd.unetzoo.preview+json",
    "volume": "application/octet-stream",
}
"""The kinds of answers: a mask or label image, numbers, outlines and a table of objects, what the page shows.

`volume` is the result of a volume in the format of its source.
"""
OF_OBJECTS = ("geojson", "csv")
OF_VOLUMES = ("volume", "tif", "json", "preview")


def kinds_of(config: ModelConfig, *, is_volume: bool = False) -> tuple[str, ...]:
    """The kinds that a network gives, of volumes if it reads these; the first is the default."""
    if is_volume:
        return (*OF_VOLUMES, "csv") if config.objects else OF_VOLUMES
    if config.objects:
        return tuple(kind for kind in MEDIA_TYPES if kind != "volume")
    plain = tuple(kind for kind in MEDIA_TYPES if kind not in (*OF_OBJECTS, "volume"))
    return plain[1:] if config.labels == "overlapping" else plain  # whose planes a PNG does not hold


def choose_kind(name: str | None, accept: str, config: ModelConfig, *, is_volume: bool = False) -> str:
    """The kind that a request asks for.

    Args:
        name: of the query; None: the header decides.
        accept: the header of that name.
        config: of the network.
        is_volume: whether it reads volumes.

    Raises:
        RefusalError: the network does not give it.
    """
    kinds = kinds_of(config, is_volume=is_volume)
    if name in kinds:
        return name
    if name is not None:
        raise RefusalError(400, f"as must be one of {', '.join(kinds)} for this network, got {name[:99]!r}")
    for pattern in _accepted(accept or "*/*"):
        for kind in kinds:
            if pattern in ("*/*", MEDIA_TYPES[kind], f"{MEDIA_TYPES[kind].partition('/')[0]}/*"):
                return kind
    raise RefusalError(406, f"this network gives {', '.join(MEDIA_TYPES[kind] for kind in kinds)}: accept one of them")


def _accepted(accept: str) -> Iterator[str]:
    """The media types of an Accept header, the most welcome one first (RFC 9110, 12.5.1)."""
    ranges = []
    for item in accept.split(","):
        pattern, *parameters = (part.strip().lower() for part in item.split(";"))
        weights = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
        ranges.append((_weight(weights[0]) if weights else 1.0, pattern))
    yield from (pattern for weight, pattern in sorted(ranges, key=lambda item: -item[0]) if weight > 0)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
