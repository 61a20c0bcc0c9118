"""What the page shows of a predicted image: a picture, colors over it, numbers, and files to download."""

import io
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unetzoo._utils.colors import Colors, outline_palette
from unetzoo.inference.files.jobs import open_pixels
from unetzoo.inference.files.looks import look_of
from unetzoo.inference.files.object_overlays import reduced
from unetzoo.inference.files.object_tables import Labels
from unetzoo.inference.files.object_writer import open_objects
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.ids import inner_edges
from unetzoo.serving.kinds import MEDIA_TYPES
from unetzoo.serving.results import Result, class_planes, facts_of, outlines_of, table_of

LONGEST = 2048  # pixels of the longer side of a picture
_FILL, _OPAQUE = 90, 255  # of 255
_WIDEST = 3  # pixels of a line
_BACKGROUND = "background"


def preview_of(result: Result) -> dict[str, Any]:
    """Plain data for the page; files are in base64."""
    show = _objects if result.config.objects else _classes
    return show(result, -(-max(_size(result)) // LONGEST))


def _size(result: Result) -> tuple[int, int]:
    with open_pixels(result.job.image, channels=result.config.in_channels) as image:
        height, width = image.shape[:2]
        return height, width


def _objects(result: Result, step: int) -> dict[str, Any]:
    with open_objects(result.job, result.config) as objects:
        picture, ids = reduced(objects.labels, objects.image, objects.nodata, step)
        colors = objects.colors()
        of_classes = dict(objects.class_in_color(number) for number in range(1, len(objects.classes) + 1))
    facts = facts_of(result)
    counts = [each["class"] for each in facts["objects"]]
    legend = [
        {"name": name, "color": hex_color(of_classes[name]) if of_classes else None, "count": counts.count(name)}
        for name in sorted(set(counts))
    ]
    files = [("outlines.geojson", "geojson", outlines_of(result)), ("objects.csv", "csv", table_of(result))]
    return preview(result, facts, picture, painted_objects(ids, colors), legend, files)


def painted_objects(ids: NDArray[np.integer], colors: Colors) -> Colors:
    """Colors (h, w, 4) of numbers: objects are transparent within their edges."""
    painted = np.zeros((*ids.shape, 4), np.uint8)
    painted[..., :3] = colors[ids % len(colors)]
    painted[ids > 0, 3] = _FILL
    painted[inner_edges(ids.astype(np.int32), min(_WIDEST, -(-max(ids.shape) // 512))), 3] = _OPAQUE
    return painted


def _classes(result: Result, step: int) -> dict[str, Any]:
    planes = class_planes(result)
    colors = class_colors(result.config)
    ids = np.zeros(planes[0].shape, np.int32)  # 0: no class
    for number, plane in enumerate(planes, start=1):
        ids[plane] = number
    with open_pixels(result.job.image, channels=result.config.in_channels) as image:
        picture, shown = reduced(Labels(ids[..., None]), image, tuple(result.config.info.nodata), step)
    facts = facts_of(result)
    legend = [
        {"name": each["name"], "color": hex_color(color) if color[3] else "", "share": each["share"]}
        for each, color in zip(facts["classes"], colors[1:], strict=True)
    ]
    return preview(result, facts, picture, colors[shown], legend, [])


def class_colors(config: ModelConfig) -> Colors:
    """Colors (classes + 1, 4): the first is that of pixels without a class, transparent like the background."""
    names = class_names(config)
    colors = np.zeros((len(names) + 1, 4), np.uint8)
    colors[1:, :3] = _shades(config, len(names))
    colors[1:, 3] = _OPAQUE
    if config.labels == "exclusive" and (len(names) == 2 or names[0].lower() == _BACKGROUND):
        colors[1] = 0
    return colors


def _shades(config: ModelConfig, count: int) -> Colors:
    """Colors (classes, 3): those of masks, but for classes that overlap or are two, of which those show on images."""
    shown = look_of(None, ".png", config).palette if config.labels == "exclusive" and count > 2 else None
    return outline_palette(count) if shown is None else shown


def preview(
    result: Result,
    facts: dict[str, Any],
    picture: Colors,
    painted: Colors,
    legend: Sequence[dict[str, Any]],
    files: Sequence[tuple[str, str, bytes]],
) -> dict[str, Any]:
    """Plain data for the page, of a picture (h, w, 3) and the colors (h, w, 4) over it.

    Args:
        result: whose file is to be saved.
        facts: size and warnings.
        picture: of the image.
        painted: over it.
        legend: of the colors, with numbers.
        files: further ones: name, kind and content.
    """
    target = result.job.target
    files = [(target.name, target.suffix[1:], target.read_bytes()), *files]
    return {
        "size": facts["size"],
        "warnings": facts["warnings"],
        "picture": _png(picture),
        "colors": _png(painted),
        "legend": legend,
        "files": [
            {"name": name, "type": MEDIA_TYPES.get(kind, MEDIA_TYPES["volume"]), "content": b64encode(content).decode()}
            for name, kind, content in files
        ],
    }


def _png(pixels: Colors) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return b64encode(file.getvalue()).decode()


def hex_color(color: Sequence[int] | Colors) -> str:
    """A color as the page has it, such as `"#ff8800"`."""
    return "#" + "".join(f"{int(value):02x}" for value in color[:3])
