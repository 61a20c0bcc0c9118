"""Predict an image that a client sent, in a private folder, by a thread of a device."""

import errno
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from threading import Event

from unetzoo.data.formats.content import Content, Known
from unetzoo.data.formats.read import open_raster
from unetzoo.data.formats.table import format_of
from unetzoo.errors import DataError, MissingExtraError, OutOfMemoryError, UnetzooError
from unetzoo.inference.files.jobs import Job
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.inference.pixel_size import scale_of
from unetzoo.serving.kinds import MEDIA_TYPES
from unetzoo.serving.preview import preview_of
from unetzoo.serving.refusals import RefusalError
from unetzoo.serving.results import Result, facts_of, outlines_of, table_of
from unetzoo.serving.volumes import facts_of_volume, preview_of_volume, voxels_of

_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAKERS: Mapping[str, Callable[[Result], bytes]] = {
    "png": lambda result: result.job.target.read_bytes(),
    "tif": lambda result: result.job.target.read_bytes(),
    "json": lambda result: json.dumps(facts_of(result), allow_nan=False).encode(),
    "geojson": outlines_of,
    "csv": table_of,
    "preview": lambda result: json.dumps(preview_of(result)).encode(),
}
_MAKERS_OF_VOLUMES: Mapping[str, Callable[[Result], bytes]] = {
    "volume": lambda result: result.job.target.read_bytes(),
    "tif": lambda result: result.job.target.read_bytes(),
    "json": lambda result: json.dumps(facts_of_volume(result), allow_nan=False).encode(),
    "csv": table_of,
    "preview": lambda result: json.dumps(preview_of_volume(result)).encode(),
}


@dataclass(frozen=True)
class Answer:
    """The result of an image.

    Attributes:
        content: bytes.
        media_type: of them.
        doubts: why the image is unlike those of the training.
        pixels: how many the image has.
        name: of the file, with the ending of its format; empty: the media type says the format.
    """

    content: bytes
    media_type: str
    doubts: tuple[str, ...]
    pixels: int
    name: str = ""


class StoppedError(Exception):
    """Nobody waits for the result any more."""


def compute(predictor: FilePredictor, upload: Path, kind: str, most_pixels: int, stop: Event) -> Answer:
    """Predict an image.

    Args:
        predictor: of a network.
        upload: the file of the image, alone in a folder; its content says of which format it is.
        kind: of the answer.
        most_pixels: that the image may have.
        stop: ends the prediction, at the latest after the next row of tiles.

    Raises:
        RefusalError: the image is not read, or does not fit the network.
        StoppedError: `stop` is set.
    """

    def check(*_: object) -> None:
        if stop.is_set():
            raise StoppedError

    check()
    image = _named(upload)
    try:
        pixels = _checked(image, predictor, most_pixels)
        result = _predicted(predictor, image, kind, check)
        content = (_MAKERS_OF_VOLUMES if predictor.options.axes else _MAKERS)[kind](result)
    except UnetzooError as error:
        reason = str(error).replace(str(image), "the image").replace(f"{image.parent}/", "")
        raise RefusalError(_status(error), reason) from error
    name = result.job.target.name if kind == "volume" else ""
    return Answer(content, MEDIA_TYPES[kind], result.doubts, pixels, name)


def _named(upload: Path) -> Path:
    """The file under a name with the ending of its format, which its first bytes say."""
    try:
        with upload.open("rb") as stream:
            spec = format_of(Content(stream, upload.stat().st_size, "the image"))
    except DataError as error:
        raise RefusalError(415, str(error)) from error
    return upload.rename(upload.with_name(f"image{spec.endings[0]}"))


def _checked(image: Path, predictor: FilePredictor, most: int) -> int:
    """The number of pixels of an image, none of which is decoded."""
    config, options = predictor.config, predictor.options
    if options.axes:
        pixels, seen = voxels_of(image, predictor)
    else:
        with open_raster(image, known=Known(channels=config.in_channels)) as raster:
            height, width = raster.shape[-3:-1]
            pixels = prod(raster.shape[:-1])
            seen = prod(scale_of(raster.grid, (height, width), config, options.resample).seen or (0, 0))
    for count, where in ((pixels, ""), (seen, " at the pixel size of the training")):
        if count > most:
            reason = f"the image has {count:,} pixels{where}, and this server takes {most:,} (--max-pixels)"
            raise RefusalError(413, reason)
    return pixels


def _predicted(predictor: FilePredictor, image: Path, kind: str, check: Callable[..., None]) -> Result:
    is_picture = kind == "png" or (kind in ("json", "preview") and predictor.config.labels == "exclusive")
    target = image.with_name("mask.png" if is_picture else "mask.tif")
    if predictor.options.axes and kind != "tif":
        target = image.with_name(f"mask{predictor.options.suffix_for(image.name)}")
    doubts: list[str] = []
    predictor.predict(image, target, on_rows=check, on_doubt=doubts.append)
    return Result(Job(image, target), predictor.config, tuple(doubts))


def _status(error: UnetzooError) -> int:
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return 507
    return 415 if isinstance(error, MissingExtraError) else 413 if isinstance(cause, OutOfMemoryError) else 400
