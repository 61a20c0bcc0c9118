"""The charts of a leaderboard, by Plotly."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unetzoo._utils.extras import need
from unetzoo._utils.texts import label
from unetzoo.bench.summary import Row, pareto

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe and Ito's, which the colour-blind tell apart too; shapes repeat later than colours do
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "hexagon")
_FEWEST_TICKS = 4  # the outer two may lie beyond what is shown
_DIGITS = ((1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0), tuple(n / 10 for n in range(10, 100)))
_LAYOUT = {
    "template": "plotly_white",
    "margin": {"l": 60, "r": 20, "t": 30, "b": 50},
    "legend": {"orientation": "h", "y": -0.22},
    "font": {"family": "system-ui, sans-serif", "size": 14},
    "height": 460,
}


def scatter(rows: Sequence[Row], what: str) -> "Figure":
    """Mean IoU of networks on one data set against latency or parameters; of latency with the Pareto front.

    Args:
        rows: of one data set.
        what: `"latency"` (ms for one image) or `"parameters"` (millions).
    """
    objects = graph_objects()
    figure = objects.Figure()
    factor, unit = (1e3, "latency of one image, ms") if what == "latency" else (1e-6, "parameters, millions")
    decoders = list(dict.fromkeys(row.decoder for row in rows))
    known = [row for row in rows if row.mean_iou is not None and getattr(row, what) is not None]
    for index, decoder in enumerate(decoders):
        some = [row for row in known if row.decoder == decoder]
        if some:
            figure.add_trace(_points(objects, some, what, factor, decoder, index))
    if what == "latency":
        front = pareto(known)
        figure.add_trace(
            objects.Scatter(
                x=[(row.latency or 0) * factor for row in front],
                y=[row.mean_iou for row in front],
                text=[label(row.encoder) for row in front],
                textposition="top left",
                textfont={"size": 11},
                mode="lines+text",
                name="Pareto front",
                line={"color": "#888", "dash": "dot", "shape": "hv"},
                hoverinfo="skip",
            )
        )
    ticks = round_numbers([getattr(row, what) * factor for row in known])
    axis = {"title": unit, "type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
    return figure.update_layout(**_LAYOUT, xaxis=axis, yaxis_title="mean IoU")


def pruning(rows: Sequence[Row]) -> "Figure | None":
    """Mean IoU of the networks nested in each U-Net++ against their latency, level by level; None without any."""
    objects = graph_objects()
    figure = objects.Figure()
    for index, row in enumerate(row for row in rows if row.pruned):
        figure.add_trace(
            objects.Scatter(
                x=[one["latency"] * 1e3 for one in row.pruned],
                y=[one["mean IoU"] for one in row.pruned],
                text=[f"L{one['level']:.0f}" for one in row.pruned],
                customdata=[one["parameters"] / 1e6 for one in row.pruned],
                mode="lines+markers+text",
                textposition="top center",
                name=label(row.title),
                marker={"color": _COLORS[index % len(_COLORS)], "size": 9},
                hovertemplate="%{text}: mean IoU %{y:.4f}, %{x:.1f} ms, %{customdata:.2f} M parameters<extra></extra>",
            )
        )
    if not figure.data:
        return None
    return figure.update_layout(**_LAYOUT, xaxis_title="latency of one image, ms", yaxis_title="mean IoU")


def round_numbers(values: Sequence[float]) -> list[float]:
    """Round numbers from just below the smallest value, which is > 0, to just above the largest; three at least.

    They are 1, 2 and 5 times powers of ten, or where too few of those lie among the values, finer ones.
    """
    if not values:
        return []
    powers = range(math.floor(math.log10(min(values))) - 1, math.ceil(math.log10(max(values))) + 1)
    for digits in _DIGITS:
        numbers = [digit * 10.0**power for power in powers for digit in digits]
        below = max(number for number in numbers if number <= min(values))
        above = min(number for number in numbers if number >= max(values))
        chosen = [number for number in numbers if below <= number <= above]
        if len(chosen) >= _FEWEST_TICKS:
            break
    return chosen


def script() -> str:
    """Plotly's own script, which makes a page need no network."""
    from plotly.offline import get_plotlyjs

    text: str = get_plotlyjs()
    return text


def graph_objects() -> Any:  # noqa: ANN401 - an extra
    """Plotly's figures.

    Raises:
        MissingExtraError: Plotly is not installed.
    """
    need("leaderboard", "the page", "plotly")
    import plotly.graph_objects as objects

    return objects


def _points(objects: Any, rows: Sequence[Row], what: str, factor: float, name: str, index: int) -> Any:  # noqa: ANN401 - of Plotly
    return objects.Scatter(
        x=[getattr(row, what) * factor for row in rows],
        y=[row.mean_iou for row in rows],
        error_y={
            "array": [min(row.interval or 0, 1 - (row.mean_iou or 0)) for row in rows],  # an IoU ends at 0 and 1
            "arrayminus": [min(row.interval or 0, row.mean_iou or 0) for row in rows],
            "thickness": 1,
            "width": 3,
        },
        customdata=[[label(row.encoder), label(row.loss), row.seeds, (row.latency or 0) * 1e3] for row in rows],
        mode="markers",
        name=label(name),
        marker={
            "size": 11,
            "color": _COLORS[index % len(_COLORS)],
            "symbol": _SYMBOLS[index % len(_SYMBOLS)],
        },
        hovertemplate=(
            f"{label(name)} · %{{customdata[0]}} · %{{customdata[1]}}<br>"
            "mean IoU %{y:.4f}, %{customdata[3]:.1f} ms, %{customdata[2]} seeds<extra></extra>"
        ),
    )
