"""Draw the graph of a network: the encoder as the left column, fine resolutions at the top, with matplotlib."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unetzoo._utils.atomic import check_place, whole_file
from unetzoo._utils.extras import need
from unetzoo.errors import OptionError
from unetzoo.inspection.anatomy import Anatomy, Part
from unetzoo.inspection.layout import HEIGHT, WIDTH, Layout, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Curve

_FORMATS = (".svg", ".png")
_DOTS_PER_INCH = 150
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "unetzoo", "font.family": "sans-serif"}
_INK, _FAINT = "#1f2933", "#687480"
_FILLS = {"encoder": "#cfe0f3", "decoder": "#d3ebd8", "head": "#fbe3c6", "image": "#ffffff"}
_LINES = {"encoder": "#3f74ad", "decoder": "#3d8b54", "head": "#c77d1e", "image": "#8a94a1"}
_SKIP = "#8a94a1"
_TIMES = "\N{MULTIPLICATION SIGN}"


def check_target(path: Path) -> None:
    """Ask, before the work is done, whether a drawing can be written there.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OptionError: for another format than SVG or PNG.
        WriteError: it cannot be written there.
    """
    if path.suffix.lower() not in _FORMATS:
        raise OptionError(f"a drawing is written as {' or '.join(_FORMATS)}; got {path.name!r}")
    check_place(path)
    need("draw", "drawing", "matplotlib")


def save_drawing(anatomy: Anatomy, path: Path, *, title: str, image: tuple[int, int, int]) -> None:
    """Draw a network into an SVG or PNG file; the same network gives the same file.

    Args:
        anatomy: of the network.
        path: of the file; its suffix says the format.
        title: above the drawing.
        image: channels, height and width for which the costs are.

    Raises:
        MissingExtraError, OptionError, WriteError: as `check_target`.
    """
    check_target(path)
    from matplotlib import rc_context

    metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {}
    with rc_context(_STYLE):
        figure = _figure(anatomy, title, image)
        kind = path.suffix.lower().removeprefix(".")
        with whole_file(path) as draft:
            figure.savefig(draft, format=kind, dpi=_DOTS_PER_INCH, metadata=metadata, facecolor="white")


def short(number: int) -> str:
    """A number with three digits and a unit: 590 k, 1.48 G."""
    value, units = float(number), ["", "k", "M", "G", "T"]
    while value >= 999.5 and len(units) > 1:  # which would be rounded to 1000
        value /= 1000
        units.pop(0)
    digits = 0 if value >= 99.95 or not units[0] else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {units[0]}".rstrip()


def _figure(anatomy: Anatomy, title: str, image: tuple[int, int, int]) -> "Figure":
    from matplotlib.figure import Figure

    layout = Layout(anatomy.parts)
    left, right, bottom, top = layout.bounds
    figure = Figure(figsize=(right - left, top - bottom))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_axis_off()
    _draw_titles(axes, layout, title, _subtitle(anatomy, image))
    _draw_labels(axes, layout)
    _draw_image(axes, layout, image)
    for part in anatomy.parts:
        for source in part.sources:
            _draw_edge(axes, layout, anatomy.parts[source], part)
        costs = f"{short(part.cost.parameters)} · {short(part.cost.multiply_adds)}"
        _draw_box(axes, layout.center(part), part.kind, f"{part.channels:,}", costs)
    _draw_legend(axes, layout)
    return figure


def _subtitle(anatomy: Anatomy, image: tuple[int, int, int]) -> str:
    size = f" {_TIMES} ".join(map(str, image))
    total = anatomy.total
    return f"{short(total.parameters)} parameters, {short(total.multiply_adds)} multiply-adds for an image of {size}"


def _draw_titles(axes: "Axes", layout: Layout, title: str, subtitle: str) -> None:
    left, _, _, top = layout.bounds
    axes.text(left + 0.3, top - 0.33, title, fontsize=15, fontweight="bold", color=_INK, va="center")
    axes.text(left + 0.3, top - 0.63, subtitle, fontsize=9.5, color=_FAINT, va="center")


def _draw_labels(axes: "Axes", layout: Layout) -> None:
    """What each row is."""
    left = layout.bounds[0] + 0.3
    axes.text(left, 0.0, "image, logits", fontsize=9.5, color=_INK, va="center")
    sizes = {part.reduction: part.size for part in layout.parts}
    for reduction in layout.rows:
        height, width = sizes[reduction]
        y = layout.row_height(reduction)
        name = "full size" if reduction == 1 else f"1/{reduction}"
        axes.text(left, y + 0.1, name, fontsize=9.5, color=_INK, va="center")
        axes.text(left, y - 0.12, f"{height} {_TIMES} {width}", fontsize=8, color=_FAINT, va="center")


def _draw_image(axes: "Axes", layout: Layout, image: tuple[int, int, int]) -> None:
    channels, height, width = image
    _draw_box(axes, layout.image, "image", f"{channels:,}", f"{height} {_TIMES} {width}")
    _draw_arrow(axes, layout.image, layout.center(layout.parts[0]), color=_LINES["encoder"])


def _draw_box(axes: "Axes", center: Point, kind: str, bold: str, small: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = center
    corner, rounded = (x - WIDTH / 2, y - HEIGHT / 2), "round,pad=0,rounding_size=0.12"
    colors: dict[str, Any] = {"facecolor": _FILLS[kind], "edgecolor": _LINES[kind]}
    axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle=rounded, linewidth=1.2, zorder=3, **colors))
    middle: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    axes.text(x, y + 0.1, bold, fontsize=11.5, fontweight="bold", color=_INK, **middle)
    axes.text(x, y - 0.15, small, fontsize=7, color=_FAINT, **middle)


def _draw_edge(axes: "Axes", layout: Layout, source: Part, target: Part) -> None:
    start, end = layout.center(source), layout.center(target)
    if target.kind == "encoder" or target.kind == "head":
        _draw_arrow(axes, start, end, color=_LINES[target.kind])
    elif source.reduction > target.reduction:
        _draw_arrow(axes, start, end, color=_LINES["decoder"])
    elif source.reduction == target.reduction and layout.boxes_between(source, target):
        _draw_arc(axes, start, end, target.column - source.column)
    else:
        _draw_arrow(axes, start, end, color=_SKIP, dashed=True)


def _draw_arrow(axes: "Axes", start: Point, end: Point, *, color: str, dashed: bool = False) -> None:
    """A straight arrow between two boxes, from border to border."""
    from matplotlib.path import Path as Curve

    _add_arrow(axes, Curve([_leave(start, end), _leave(end, start)]), color=color, dashed=dashed)


def _draw_arc(axes: "Axes", start: Point, end: Point, span: int) -> None:
    """A skip over the boxes between; the longer, the higher and the farther from the corners, so that few cross."""
    from matplotlib.path import Path as Curve

    inset = WIDTH * max(0.05, 0.48 - 0.1 * span)
    rise = min(0.85, 0.2 + 0.13 * span)
    y = start[1] + HEIGHT / 2
    first, last = start[0] + inset, end[0] - inset
    points = [(first, y), (first + 0.3, y + rise), (last - 0.3, y + rise), (last, y)]
    _add_arrow(axes, Curve(points, [Curve.MOVETO, *[Curve.CURVE4] * 3]), color=_SKIP, dashed=True)


def _add_arrow(axes: "Axes", curve: "Curve", *, color: str, dashed: bool) -> None:
    from matplotlib.patches import FancyArrowPatch

    arrow = FancyArrowPatch(
        path=curve,
        arrowstyle="-|>,head_length=4,head_width=2.2",
        linestyle=(0, (3.5, 2.2)) if dashed else "solid",
        linewidth=1.1,
        color=color,
        zorder=2,
    )
    axes.add_patch(arrow)


def _leave(center: Point, towards: Point) -> Point:
    """Where the straight line from a box's center leaves the box."""
    dx, dy = towards[0] - center[0], towards[1] - center[1]
    reach = min(WIDTH / 2 / abs(dx) if dx else 1.0, HEIGHT / 2 / abs(dy) if dy else 1.0)
    return center[0] + dx * reach, center[1] + dy * reach


def _draw_legend(axes: "Axes", layout: Layout) -> None:
    from matplotlib.path import Path as Curve

    left, _, bottom, _ = layout.bounds
    x, y = left + 0.3, bottom + 0.3
    for label, color, dashed in (
        ("deeper", _LINES["encoder"], False),
        ("upsample", _LINES["decoder"], False),
        ("skip", _SKIP, True),
    ):
        _add_arrow(axes, Curve([(x, y), (x + 0.42, y)]), color=color, dashed=dashed)
        axes.text(x + 0.52, y, label, fontsize=8, color=_FAINT, va="center")
        x += 0.85 + 0.07 * len(label)
    axes.text(x, y, "in a box: channels, then parameters · multiply-adds", fontsize=8, color=_FAINT, va="center")
